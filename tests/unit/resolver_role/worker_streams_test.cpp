// Clients by stream, and questions that go on by one: both by way of transport, which the test plays.
#include <linux/sockios.h>
#include <sys/ioctl.h>

#include "tests/unit/resolver_role/worker_fixture.hpp"

namespace redoubt::resolver {
namespace {

using namespace testing;

class StreamWorkerTest : public WorkerTest {
 protected:
  StreamWorkerTest() { attach(); }
  explicit StreamWorkerTest(Authority::Answer answer) : WorkerTest{std::move(answer)} { attach(); }

  /// What the workers say next to transport.
  channel::ResolverToTransport next() {
    pollfd waiting{transport_.descriptor(), POLLIN, 0};
    EXPECT_EQ(poll(&waiting, 1, soon), 1);
    return *channel::decode_resolver_to_transport(transport_.receive()->octets);
  }

  channel::Channel transport_;

 private:
  void attach() {
    auto [ours, theirs] = *channel::Channel::make_pair();
    transport_ = std::move(theirs);
    asio::post(loop_,
               [this, end = std::make_shared<channel::Channel>(std::move(ours))] { road_.attach(std::move(*end)); });
  }
};

TEST_F(StreamWorkerTest, a_stream_clients_query_is_answered_by_the_road_and_a_strangers_is_refused) {
  const auto answer_of = [&](std::uint64_t id, const char* client) {
    workers_[0]->ask({channel::Ask{
        id, 1, channel::StreamProtocol::tcp, {*dns::IpAddress::from_text(client), 4000}, client_query("tcp.example")}});
    const auto give = std::get<channel::Give>(next());
    EXPECT_EQ(give.id, id);
    return dns::Message::parse(give.answer)->rcode();
  };
  EXPECT_EQ(answer_of(11, "127.0.0.1"), dns::Rcode::noerror);
  EXPECT_EQ(answer_of(12, "198.51.100.1"), dns::Rcode::refused);
}

TEST_F(StreamWorkerTest, queries_of_streams_that_came_together_are_answered_together_from_copies) {
  const dns::Endpoint client{*dns::IpAddress::from_text("127.0.0.1"), 4000};
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
TEST_F(StreamWorkerTest, answers_are_left_to_transport_for_those_who_may_ask_unless_each_is_logged) {
  const auto give_to = [&](const char* client) {
    workers_[0]->ask({channel::Ask{
        1, 1, channel::StreamProtocol::tls, {*dns::IpAddress::from_text(client), 4000}, client_query("left.example")}});
    return std::get<channel::Give>(next());
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

TEST_F(StreamWorkerTest, a_stranger_is_served_by_the_name_in_its_certificate) {
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
    return dns::Message::parse(std::get<channel::Give>(next()).answer)->rcode();
  };
  EXPECT_EQ(rcode_for(""), dns::Rcode::refused);
  EXPECT_EQ(rcode_for("laptop.staff.example."), dns::Rcode::noerror);
  EXPECT_EQ(rcode_for("laptop.other.example."), dns::Rcode::refused);
}

/// An authority that has nothing to say by UDP: the question goes on by a stream.
class TruncatingWorkerTest : public StreamWorkerTest {
 protected:
  TruncatingWorkerTest()
      : StreamWorkerTest([](dns::Message query) -> std::optional<dns::Message> {
          query.header.response = query.header.truncated = true;
          return query;
        }) {}
};

TEST_F(TruncatingWorkerTest, what_transport_brings_after_the_workers_end_finds_nobody) {
  auto asker = std::make_shared<std::atomic<int>>(0);
  const std::weak_ptr<std::atomic<int>> still_there = asker;
  std::vector<channel::ExchangeId> fetches;
  for (const char* name : {"one.example", "two.example"}) {
    workers_[0]->resolve_for(client_query(name), [asker](std::vector<std::uint8_t>) { ++*asker; });
    fetches.push_back(std::get<channel::Fetch>(next()).id);
  }
  EXPECT_EQ(*asker, 0);
  asker.reset();
  EXPECT_FALSE(still_there.expired());
  for (auto& worker : workers_) worker.reset();
  EXPECT_TRUE(still_there.expired()) << "what waited has gone with its worker";
  for (const channel::ExchangeId id : fetches) {
    const channel::FetchFailed failed{id, channel::FetchFault::timed_out};
    EXPECT_FALSE(transport_.send(channel::encode(channel::TransportToResolver{failed})));
  }
  int unread = 1;
  const auto end = std::chrono::steady_clock::now() + std::chrono::milliseconds{soon};
  while (unread != 0 && std::chrono::steady_clock::now() < end) ioctl(transport_.descriptor(), SIOCOUTQ, &unread);
  EXPECT_EQ(unread, 0);
  std::promise<void> done;
  asio::post(loop_, [&] { done.set_value(); });  // behind what was read
  EXPECT_EQ(done.get_future().wait_for(std::chrono::milliseconds{soon}), std::future_status::ready);
}

}  // namespace
}  // namespace redoubt::resolver
