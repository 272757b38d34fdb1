// Clients by datagram.
#include "tests/unit/resolver_role/worker_fixture.hpp"

namespace redoubt::resolver {
namespace {

using namespace testing;

TEST_F(WorkerTest, a_query_is_resolved_once_and_then_answered_from_the_cache) {
  const std::uint16_t port = listen(1);
  const LoopbackSocket client{"127.0.0.1"};
  for (int i = 0; i < 3; ++i) {
    const auto answer = ask(client, port, client_query("WwW.example"));
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->header.id, 0x4242);
    EXPECT_TRUE(answer->header.response && answer->header.recursion_available && answer->header.recursion_desired);
    EXPECT_FALSE(answer->header.authoritative || answer->header.authentic);
    EXPECT_TRUE(answer->question->name.identical(dns::Name::literal("WwW.example")))
        << "the client's own case comes back";
    ASSERT_EQ(answer->answer.size(), 1U);
    EXPECT_EQ(answer->answer[0].rdata, (std::vector<std::uint8_t>{192, 0, 2, 1}));
  }
  EXPECT_EQ(authority_.queries(), 1U);
  EXPECT_EQ(counted(channel::ResolverCounter::cache_hits), 2U);
  EXPECT_EQ(counted(channel::ResolverCounter::cache_misses), 1U);
}

TEST_F(WorkerTest, a_fourth_asker_gets_a_copy_and_nobody_gets_one_after_a_flush) {
  const std::uint16_t port = listen(1);
  const LoopbackSocket client{"127.0.0.1"};
  for (int i = 0; i < 5; ++i) ASSERT_TRUE(ask(client, port, client_query("www.example")));
  EXPECT_EQ(counted(channel::ResolverCounter::packet_cache_hits), 2U) << "what two have found among records is kept";
  EXPECT_EQ(counted(channel::ResolverCounter::answers_noerror), 5U);
  EXPECT_GT(counted(channel::ResolverCounter::packet_cache_octets), 0U);
  shared_.cache.flush(dns::Name::literal("www.example."), false);
  ASSERT_TRUE(ask(client, port, client_query("www.example")));
  EXPECT_EQ(counted(channel::ResolverCounter::packet_cache_hits), 2U);
  EXPECT_EQ(authority_.queries(), 2U);
}

/// More waits than one turn of the loop takes; then the worker looks by itself, until there is nothing left.
TEST_F(WorkerTest, a_socket_that_is_never_empty_is_served_to_its_end_and_heard_again) {
  const std::uint16_t first = listen(1);
  const LoopbackSocket client{"127.0.0.1"};
  ASSERT_TRUE(ask(client, first, client_query("www.example")));
  LoopbackSocket busy{"127.0.0.1"};
  const int octets = 1 << 20;
  setsockopt(busy.get(), SOL_SOCKET, SO_RCVBUF, &octets, sizeof octets);
  const std::uint16_t port = busy.port();
  constexpr std::size_t of_each = 100;
  const std::array<LoopbackSocket, 3> clients{LoopbackSocket{"127.0.0.1"}, LoopbackSocket{"127.0.0.1"},
                                              LoopbackSocket{"127.0.0.1"}};
  for (std::size_t i = 0; i < of_each; ++i) {
    for (const LoopbackSocket& one : clients)
      one.send(client_query("www.example"), LoopbackSocket::at("127.0.0.1", port));
  }
  workers_[0]->take_socket(2, channel::Descriptor{busy.release()});
  for (const LoopbackSocket& one : clients) {
    for (std::size_t i = 0; i < of_each; ++i) ASSERT_TRUE(one.receive(soon)) << i;
  }
  EXPECT_TRUE(ask(client, port, client_query("www.example"))) << "watched again";
  EXPECT_TRUE(ask(client, first, client_query("www.example"))) << "and so is the other one";
  workers_[0]->drop_listener(2);
  EXPECT_TRUE(ask(client, first, client_query("www.example")));
  EXPECT_TRUE(ask(client, first, client_query("www.example")));
  const LoopbackSocket next_owner{"127.0.0.1", port};  // fails while a worker has it
}

/// RFC 7873 §5.2: from every step of an answer's way.
TEST_F(WorkerTest, clients_who_send_a_cookie_get_one_that_is_good_and_stays) {
  const std::uint16_t port = listen(1);
  const LoopbackSocket client{"127.0.0.1"};
  std::optional<dns::Cookie> cookie = dns::Cookie{{1, 2, 3, 4, 5, 6, 7, 8}, {}};
  for (int i = 0; i < 5; ++i) {
    dns::Message query = *dns::Message::parse(client_query("www.example"));
    query.edns.emplace().cookie = cookie;
    const auto answer = ask(client, port, query.to_wire());
    ASSERT_TRUE(answer && answer->edns && answer->edns->cookie);
    EXPECT_EQ(answer->edns->cookie->client, cookie->client);
    EXPECT_EQ(answer->edns->cookie->server.size(), 16U);
    if (i > 0) {
      EXPECT_EQ(answer->edns->cookie, cookie);
    }
    cookie = answer->edns->cookie;
  }
  EXPECT_GT(counted(channel::ResolverCounter::packet_cache_hits), 0U);
  const auto without = ask(client, port, client_query("www.example"));
  ASSERT_TRUE(without && without->edns);
  EXPECT_FALSE(without->edns->cookie);
}

class AmplifyingTest : public WorkerTest {
 protected:
  AmplifyingTest()
      : WorkerTest{[](dns::Message query) {
          dns::Message reply = Authority::address(std::move(query), 1, 300);
          const dns::Record first = reply.answer.front();
          for (std::uint8_t i = 2; i < 30; ++i) {
            reply.answer.push_back(first);
            reply.answer.back().rdata.back() = i;
          }
          return reply;
        }} {}
};

/// attacks: reflection, and the limiter turned on its victim.
TEST_F(AmplifyingTest, long_answers_leave_five_times_a_second_and_without_bound_to_proven_addresses) {
  const std::uint16_t port = listen(1);
  const LoopbackSocket client{"127.0.0.1"};
  const auto plain = client_query("www.example");
  std::size_t whole = 0;
  std::size_t octets = 0;
  constexpr std::size_t asked = 200;
  const auto begun = std::chrono::steady_clock::now();
  for (std::size_t i = 0; i < asked; ++i) {
    client.send(plain, LoopbackSocket::at("127.0.0.1", port));
    const auto answer = client.receive(soon);
    ASSERT_TRUE(answer);
    const auto message = dns::Message::parse(*answer);
    if (message->header.truncated) {
      octets += answer->size();
      EXPECT_TRUE(message->answer.empty());
    } else {
      ++whole;
    }
  }
  const auto seconds = std::chrono::ceil<std::chrono::seconds>(std::chrono::steady_clock::now() - begun).count();
  EXPECT_GE(whole, 5U);
  EXPECT_LE(whole, 5U * static_cast<std::size_t>(seconds + 1)) << "each second that was begun has its own five";
  EXPECT_LE(octets, (asked - whole) * plain.size() * 3);

  dns::Message query = *dns::Message::parse(plain);
  query.edns.emplace().cookie = dns::Cookie{{1, 2, 3, 4, 5, 6, 7, 8}, {}};
  const auto first = ask(client, port, query.to_wire());
  ASSERT_TRUE(first && first->edns->cookie);
  if (first->answer.empty()) {
    EXPECT_EQ(first->rcode(), dns::Rcode::badcookie);
  }
  query.edns->cookie = first->edns->cookie;
  for (std::size_t i = 0; i < asked; ++i) {
    const auto answer = ask(client, port, query.to_wire());
    ASSERT_TRUE(answer);
    EXPECT_EQ(answer->answer.size(), 29U) << "a cookie of ours proves the address";
  }
  EXPECT_GT(counted(channel::ResolverCounter::limit_amplified_answers), 0U);
}

TEST_F(WorkerTest, strangers_are_refused_with_no_more_octets_than_they_sent_and_their_garbage_gets_nothing) {
  const std::uint16_t port = listen(1);
  const LoopbackSocket stranger{"127.0.0.2"};
  const auto query = client_query("www.example");
  stranger.send(query, LoopbackSocket::at("127.0.0.1", port));
  const auto octets = stranger.receive(soon);
  ASSERT_TRUE(octets);
  EXPECT_EQ(dns::Message::parse(*octets)->rcode(), dns::Rcode::refused);
  EXPECT_LE(octets->size(), query.size());
  EXPECT_TRUE(dns::Message::parse(*octets)->edns->extended_errors.empty());
  // Whoever sends a cookie leaves room for the reason; he gets no longer one of ours for it.
  auto with_cookie = *dns::Message::parse(query);
  with_cookie.edns->cookie = dns::Cookie{};
  const auto longer = with_cookie.to_wire();
  stranger.send(longer, LoopbackSocket::at("127.0.0.1", port));
  const auto explained = stranger.receive(soon);
  ASSERT_TRUE(explained);
  EXPECT_LE(explained->size(), longer.size());
  const auto told = *dns::Message::parse(*explained);
  ASSERT_EQ(told.edns->extended_errors.size(), 1U);
  EXPECT_EQ(told.edns->extended_errors.front().code, dns::EdeCode::prohibited);
  EXPECT_FALSE(told.edns->cookie);
  auto garbage = query;
  garbage.push_back(0);
  EXPECT_FALSE(ask(stranger, port, garbage, 100));
  EXPECT_EQ(authority_.queries(), 0U);
}

TEST_F(WorkerTest, faulty_queries_get_the_header_that_says_so_and_answers_get_nothing) {
  const std::uint16_t port = listen(1);
  const LoopbackSocket client{"127.0.0.1"};
  auto two_questions = client_query("www.example");
  two_questions[5] = 2;
  EXPECT_EQ(ask(client, port, two_questions)->rcode(), dns::Rcode::formerr);
  auto update = client_query("www.example");
  update[2] = 0x28;
  EXPECT_EQ(ask(client, port, update)->rcode(), dns::Rcode::notimp);
  auto version_one = client_query("www.example");
  version_one[version_one.size() - 5] = 1;
  EXPECT_EQ(ask(client, port, version_one)->rcode(), dns::Rcode::badvers);
  auto answer = client_query("www.example");
  answer[2] |= 0x80;
  EXPECT_FALSE(ask(client, port, answer, 100)) << "whoever answers answers starts a loop";
  EXPECT_FALSE(ask(client, port, {1, 2, 3}, 100));
  EXPECT_EQ(authority_.queries(), 0U);
}

TEST_F(WorkerTest, a_new_generation_takes_effect_and_a_dropped_listener_is_silent) {
  const std::uint16_t port = listen(1);
  const LoopbackSocket client{"127.0.0.1"};
  EXPECT_EQ(ask(client, port, client_query("a.example"))->rcode(), dns::Rcode::noerror);
  for (auto& worker : workers_) worker->use(settings({"10.0.0.0/8"}));
  EXPECT_EQ(ask(client, port, client_query("a.example"))->rcode(), dns::Rcode::refused);
  workers_[0]->drop_listener(1);
  EXPECT_FALSE(ask(client, port, client_query("a.example"), 100));
}

TEST_F(WorkerTest, the_operators_query_is_above_the_access_list) {
  for (auto& worker : workers_) worker->use(settings({}));
  std::promise<std::vector<std::uint8_t>> promise;
  workers_[1]->resolve_for(client_query("op.example"),
                           [&](std::vector<std::uint8_t> answer) { promise.set_value(std::move(answer)); });
  auto future = promise.get_future();
  ASSERT_EQ(future.wait_for(std::chrono::milliseconds{soon}), std::future_status::ready);
  EXPECT_EQ(dns::Message::parse(future.get())->rcode(), dns::Rcode::noerror);
}

TEST_F(WorkerTest, answers_are_logged_when_the_configuration_says_so) {
  const std::uint16_t port = listen(1);
  const LoopbackSocket client{"127.0.0.1"};
  const LoopbackSocket stranger{"127.0.0.2"};
  QueryRing ring;
  workers_[0]->log_to(ring);
  ASSERT_TRUE(ask(client, port, client_query("unlogged.example")));
  EXPECT_FALSE(ring.take()) << "off as long as nothing is said";
  auto logging = std::make_shared<WorkerSettings>(*settings({"127.0.0.1"}));
  logging->query_log.sample = 1;
  workers_[0]->use(logging);
  ASSERT_TRUE(ask(client, port, client_query("new.example")));
  ASSERT_TRUE(ask(client, port, client_query("new.example")));
  ASSERT_TRUE(ask(stranger, port, client_query("new.example")));
  const auto resolved = ring.take();
  ASSERT_TRUE(resolved);
  EXPECT_EQ(resolved->name, dns::Name::literal("new.example"));
  EXPECT_EQ(resolved->type, dns::type::a);
  EXPECT_EQ(resolved->client, *dns::IpAddress::from_text("127.0.0.1"));
  EXPECT_EQ(resolved->source, AnswerSource::resolved);
  EXPECT_GT(resolved->took.count(), 0);
  EXPECT_FALSE(resolved->stream);
  const auto known = ring.take();
  ASSERT_TRUE(known);
  EXPECT_EQ(known->source, AnswerSource::known);
  EXPECT_EQ(known->took.count(), 0);
  const auto refused = ring.take();
  ASSERT_TRUE(refused);
  EXPECT_EQ(refused->source, AnswerSource::refused);
  EXPECT_EQ(refused->rcode, dns::Rcode::refused);
  EXPECT_FALSE(ring.take());
  std::promise<void> done;
  workers_[0]->resolve_for(client_query("op.example"), [&](const std::vector<std::uint8_t>&) { done.set_value(); });
  ASSERT_EQ(done.get_future().wait_for(std::chrono::milliseconds{soon}), std::future_status::ready);
  EXPECT_FALSE(ring.take()) << "the operator's own question is nobody else's business";
  EXPECT_EQ(counted(channel::ResolverCounter::query_log_lines), 3U);
  EXPECT_EQ(counted(channel::ResolverCounter::resolution_time_count), 3U);
}

TEST_F(WorkerTest, a_full_log_loses_lines_and_no_answers) {
  const std::uint16_t port = listen(1);
  const LoopbackSocket client{"127.0.0.1"};
  QueryRing ring;
  while (ring.put(QueryRecord{})) {
  }
  auto logging = std::make_shared<WorkerSettings>(*settings({"127.0.0.1"}));
  logging->query_log.sample = 1;
  workers_[0]->use(logging);
  workers_[0]->log_to(ring);
  EXPECT_TRUE(ask(client, port, client_query("www.example")));
  EXPECT_TRUE(ask(client, port, client_query("www.example")));
  EXPECT_EQ(counted(channel::ResolverCounter::query_log_lost), 2U);
}

class HeldBackWorkerTest : public WorkerTest {
 protected:
  using Gate = std::shared_ptr<std::atomic<bool>>;  // outlives the authority's thread, which ends after this object
  HeldBackWorkerTest() : HeldBackWorkerTest(std::make_shared<std::atomic<bool>>(false)) {}
  explicit HeldBackWorkerTest(const Gate& gate)
      : WorkerTest([gate](dns::Message query) -> std::optional<dns::Message> {
          gate->wait(false);
          return Authority::address(std::move(query), 9, 0);  // TTL 0: only merging keeps the number down
        }),
        gate_{gate} {}
  Gate gate_;
};

TEST_F(HeldBackWorkerTest, equal_questions_in_flight_on_both_workers_share_one_resolution) {
  constexpr std::size_t askers = 1000;
  std::atomic<std::size_t> answered = 0;
  std::promise<void> all;
  for (std::size_t i = 0; i < askers; ++i) {
    workers_[i % 2]->resolve_for(client_query("same.example", dns::type::a, static_cast<std::uint16_t>(i)),
                                 [&, i](std::vector<std::uint8_t> octets) {
                                   const auto message = dns::Message::parse(octets);
                                   EXPECT_EQ(message->header.id, i);
                                   EXPECT_EQ(message->rcode(), dns::Rcode::noerror);
                                   if (++answered == askers) all.set_value();
                                 });
  }
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{soon};
  while (shared_.flights.waiting() < askers && std::chrono::steady_clock::now() < end) std::this_thread::yield();
  EXPECT_EQ(shared_.flights.waiting(), askers);
  EXPECT_EQ(shared_.flights.in_flight(), 1U);
  *gate_ = true;
  gate_->notify_all();
  ASSERT_EQ(all.get_future().wait_for(std::chrono::milliseconds{soon * 2}), std::future_status::ready);
  EXPECT_LE(authority_.queries(), tries_per_server) << "what one resolution asks of one server at most";
}

}  // namespace
}  // namespace redoubt::resolver
