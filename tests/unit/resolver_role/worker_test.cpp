#include "resolver/role/worker.hpp"

#include <gtest/gtest.h>
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <future>

#include "tests/unit/resolver_role/loopback.hpp"

namespace redoubt::resolver {
namespace {

namespace asio = boost::asio;
using namespace testing;

constexpr int soon = 5000;  // milliseconds: ample, and only waited for in full when something is broken

/// Two workers, as in the process, before one scripted authority; the main thread's loop runs beside them.
class WorkerTest : public ::testing::Test {
 protected:
  explicit WorkerTest(Authority::Answer answer =
                          [](dns::Message query) { return Authority::address(std::move(query), 1, 300); })
      : authority_{std::move(answer)}, road_{loop_.get_executor(), [](const std::vector<channel::Ask>&) {}} {
    main_ = std::thread{[this] { loop_.run(); }};
    for (auto& worker : workers_) worker = std::make_unique<Worker>(shared_, road_, settings({"127.0.0.1"}));
  }
  ~WorkerTest() override {
    for (auto& worker : workers_) worker.reset();
    loop_.stop();
    main_.join();
  }

  std::shared_ptr<const WorkerSettings> settings(std::initializer_list<const char*> allowed) const {
    auto settings = std::make_shared<WorkerSettings>();
    std::vector<dns::Prefix> prefixes;
    for (const char* text : allowed) prefixes.push_back(*dns::Prefix::from_text(text));
    settings->access = policy::AccessList{prefixes};
    auto core = std::make_shared<Settings>();
    core->root_servers = {{dns::Name::literal("root."), {*dns::IpAddress::from_text("127.0.0.1")}}};
    core->authority_port = authority_.port();
    core->ipv6 = false;
    core->prime = false;  // nobody here answers by TCP
    core->minimisation = Minimisation::off;
    core->limits.set("waiting-queries-per-client", 100'000);
    settings->core = core;
    settings->packet_cache_octets = 1U << 20;
    settings->amplified_answers = 5;
    return settings;
  }

  /// A listener on both workers; the port that clients send to.
  std::uint16_t listen(channel::ListenerId id) {
    LoopbackSocket socket{"127.0.0.1"};
    const std::uint16_t port = socket.port();
    workers_[0]->take_socket(id, channel::Descriptor{socket.release()});
    return port;
  }

  /// Sends and gives the parsed answer.
  static std::optional<dns::Message> ask(const LoopbackSocket& client, std::uint16_t port,
                                         const std::vector<std::uint8_t>& query, int patience = soon) {
    client.send(query, LoopbackSocket::at("127.0.0.1", port));
    const auto octets = client.receive(patience);
    if (!octets) return std::nullopt;
    auto message = dns::Message::parse(*octets);
    EXPECT_TRUE(message);
    return *message;
  }

  std::uint64_t counted(channel::ResolverCounter which) const {
    return workers_[0]->counters().get(which) + workers_[1]->counters().get(which);
  }

  Authority authority_;
  asio::io_context loop_{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard_{loop_.get_executor()};
  StreamRoad road_;
  Shared shared_{4 << 20, dns::HashKey{7}};
  std::thread main_;
  std::array<std::unique_ptr<Worker>, 2> workers_;
};

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

TEST_F(WorkerTest, a_stream_clients_query_is_answered_by_the_road_and_a_strangers_is_refused) {
  auto [ours, theirs] = *channel::Channel::make_pair();
  asio::post(loop_,
             [this, end = std::make_shared<channel::Channel>(std::move(ours))] { road_.attach(std::move(*end)); });
  const auto answer_of = [&](std::uint64_t id, const char* client) {
    workers_[0]->ask({channel::Ask{
        id, 1, channel::StreamProtocol::tcp, {*dns::IpAddress::from_text(client), 4000}, client_query("tcp.example")}});
    pollfd waiting{theirs.descriptor(), POLLIN, 0};
    EXPECT_EQ(poll(&waiting, 1, soon), 1);
    const auto received = theirs.receive();
    const auto message = channel::decode_resolver_to_transport(received->octets);
    const auto& give = std::get<channel::Give>(*message);
    EXPECT_EQ(give.id, id);
    return dns::Message::parse(give.answer)->rcode();
  };
  EXPECT_EQ(answer_of(11, "127.0.0.1"), dns::Rcode::noerror);
  EXPECT_EQ(answer_of(12, "198.51.100.1"), dns::Rcode::refused);
}

TEST_F(WorkerTest, queries_of_streams_that_came_together_are_answered_together_from_copies) {
  auto [ours, theirs] = *channel::Channel::make_pair();
  asio::post(loop_,
             [this, end = std::make_shared<channel::Channel>(std::move(ours))] { road_.attach(std::move(*end)); });
  const dns::Endpoint client{*dns::IpAddress::from_text("127.0.0.1"), 4000};
  const auto next = [&peer = theirs] {
    pollfd waiting{peer.descriptor(), POLLIN, 0};
    EXPECT_EQ(poll(&waiting, 1, soon), 1);
    return *channel::decode_resolver_to_transport(peer.receive()->octets);
  };
  const auto ask_for = [&](std::uint64_t id) {
    return channel::Ask{id, 1, channel::StreamProtocol::tls, client, client_query("together.example")};
  };
  workers_[0]->ask({ask_for(1)});
  const auto first = std::get<channel::Give>(next()).answer;
  for (const std::uint64_t id : {2U, 3U}) {  // the latter leaves a copy: the name has been asked for again and again
    workers_[0]->ask({ask_for(id)});
    EXPECT_EQ(std::get<channel::Give>(next()).id, id);
  }
  std::vector<channel::Ask> asks;
  for (std::uint64_t id = 4; id < 14; ++id) {
    asks.push_back(ask_for(id));
    asks.back().query[0] = static_cast<std::uint8_t>(id);
  }
  workers_[0]->ask(std::move(asks));
  const auto together = std::get<channel::Gives>(next());
  ASSERT_EQ(together.gives.size(), 10U);
  for (std::size_t i = 0; i < together.gives.size(); ++i) {
    const auto& give = together.gives[i];
    EXPECT_EQ(give.id, i + 4);
    EXPECT_EQ(give.answer[0], i + 4);
    const auto message = dns::Message::parse(give.answer);
    ASSERT_TRUE(message);
    EXPECT_EQ(message->answer.size(), dns::Message::parse(first)->answer.size());
  }
  EXPECT_GE(workers_[0]->counters().get(channel::ResolverCounter::packet_cache_hits), 10U);
}

/// Who may be answered by transport itself, with what, and what that rests on.
TEST_F(WorkerTest, answers_are_left_to_transport_for_those_who_may_ask_unless_each_is_logged) {
  auto [ours, theirs] = *channel::Channel::make_pair();
  asio::post(loop_,
             [this, end = std::make_shared<channel::Channel>(std::move(ours))] { road_.attach(std::move(*end)); });
  const auto give_to = [&](const char* client) {
    workers_[0]->ask({channel::Ask{
        1, 1, channel::StreamProtocol::tls, {*dns::IpAddress::from_text(client), 4000}, client_query("left.example")}});
    pollfd waiting{theirs.descriptor(), POLLIN, 0};
    EXPECT_EQ(poll(&waiting, 1, soon), 1);
    return std::get<channel::Give>(*channel::decode_resolver_to_transport(theirs.receive()->octets));
  };
  auto numbered = std::make_shared<WorkerSettings>(*settings({"127.0.0.1"}));
  numbered->number = 5;
  workers_[0]->use(numbered);
  EXPECT_FALSE(give_to("127.0.0.1").leave) << "what had to be resolved may rest on older things by now";
  const auto known = give_to("127.0.0.1").leave;
  ASSERT_TRUE(known);
  EXPECT_EQ(known->basis, (channel::Basis{.settings = 5, .flushes = 0}));
  EXPECT_EQ(known->keep_for, 0U) << "not asked for often enough";
  for (int i = 0; i < 2; ++i) {  // from records, then from a copy
    const auto often = give_to("127.0.0.1");
    ASSERT_TRUE(often.leave);
    EXPECT_GT(often.leave->keep_for, 200U);
    EXPECT_LT(often.leave->keep_for, dns::Message::parse(often.answer)->answer[0].ttl.seconds());
  }
  EXPECT_FALSE(give_to("198.51.100.1").leave) << "REFUSED lets nobody in";

  shared_.cache.flush(dns::Name::literal("other.example."), false);
  const auto flushed = give_to("127.0.0.1").leave;
  ASSERT_TRUE(flushed);
  EXPECT_EQ(flushed->basis.flushes, 1U);

  auto logging = std::make_shared<WorkerSettings>(*numbered);
  logging->query_log.sample = 1;
  workers_[0]->use(logging);
  EXPECT_FALSE(give_to("127.0.0.1").leave);
}

TEST_F(WorkerTest, a_stranger_is_served_by_the_name_in_its_certificate) {
  auto [ours, theirs] = *channel::Channel::make_pair();
  asio::post(loop_,
             [this, end = std::make_shared<channel::Channel>(std::move(ours))] { road_.attach(std::move(*end)); });
  auto named = std::make_shared<WorkerSettings>(*settings({"127.0.0.1"}));
  named->access_names = policy::AllowedNames{{dns::Name::literal("*.staff.example.")}};
  workers_[0]->use(named);
  const auto rcode_for = [&](const std::string& name) {
    channel::Ask ask{1,
                     1,
                     channel::StreamProtocol::tls,
                     {*dns::IpAddress::from_text("198.51.100.1"), 4000},
                     client_query("named.example")};
    if (!name.empty()) ask.client_name = dns::Name::literal(name);
    workers_[0]->ask({ask});
    pollfd waiting{theirs.descriptor(), POLLIN, 0};
    EXPECT_EQ(poll(&waiting, 1, soon), 1);
    return dns::Message::parse(
               std::get<channel::Give>(*channel::decode_resolver_to_transport(theirs.receive()->octets)).answer)
        ->rcode();
  };
  EXPECT_EQ(rcode_for(""), dns::Rcode::refused);
  EXPECT_EQ(rcode_for("laptop.staff.example."), dns::Rcode::noerror);
  EXPECT_EQ(rcode_for("laptop.other.example."), dns::Rcode::refused);
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

/// An authority that has nothing to say by UDP: the question goes on by a stream.
class TruncatingWorkerTest : public WorkerTest {
 protected:
  TruncatingWorkerTest()
      : WorkerTest([](dns::Message query) -> std::optional<dns::Message> {
          query.header.response = query.header.truncated = true;
          return query;
        }) {}
};

TEST_F(TruncatingWorkerTest, what_transport_brings_after_the_workers_end_finds_nobody) {
  auto [ours, theirs] = *channel::Channel::make_pair();
  asio::post(loop_,
             [this, end = std::make_shared<channel::Channel>(std::move(ours))] { road_.attach(std::move(*end)); });
  auto asker = std::make_shared<std::atomic<int>>(0);
  const std::weak_ptr<std::atomic<int>> still_there = asker;
  std::vector<channel::ExchangeId> fetches;
  for (const char* name : {"one.example", "two.example"}) {
    workers_[0]->resolve_for(client_query(name), [asker](std::vector<std::uint8_t>) { ++*asker; });
    pollfd waiting{theirs.descriptor(), POLLIN, 0};
    ASSERT_EQ(poll(&waiting, 1, soon), 1);
    const auto message = channel::decode_resolver_to_transport(theirs.receive()->octets);
    fetches.push_back(std::get<channel::Fetch>(*message).id);
  }
  EXPECT_EQ(*asker, 0);
  asker.reset();
  EXPECT_FALSE(still_there.expired());
  for (auto& worker : workers_) worker.reset();
  EXPECT_TRUE(still_there.expired()) << "what waited has gone with its worker";
  for (const channel::ExchangeId id : fetches) {
    const channel::FetchFailed failed{id, channel::FetchFault::timed_out};
    EXPECT_FALSE(theirs.send(channel::encode(channel::TransportToResolver{failed})));
  }
  int unread = 1;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{soon};
  while (unread != 0 && std::chrono::steady_clock::now() < end) ioctl(theirs.descriptor(), SIOCOUTQ, &unread);
  EXPECT_EQ(unread, 0);
  std::promise<void> done;
  asio::post(loop_, [&] { done.set_value(); });  // behind what was read
  EXPECT_EQ(done.get_future().wait_for(std::chrono::milliseconds{soon}), std::future_status::ready);
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
