// The glue to the resolver, over real channels.
#include "transport/role/resolver_road.hpp"

#include <deque>
#include <set>
#include <type_traits>

#include "tests/unit/transport/server_fixture.hpp"

namespace redoubt::transport::test {

namespace {

class ResolverRoadTest : public LoopTest {
 protected:
  void SetUp() override {
    road_.use(server_, upstreams_);
    Socket socket = listening_socket();
    at_ = local_endpoint(socket);
    ASSERT_TRUE(server_.listen(3, {Protocol::tcp}, std::move(socket)));
  }

  /// A resolver starts: its end of the channel.
  channel::Channel new_resolver() {
    auto [ours, theirs] = *channel::Channel::make_pair();
    road_.attach(std::move(ours));
    return std::move(theirs);
  }
  /// Queries that came together come here one by one.
  template <class T>
  T next(channel::Channel& resolver) {
    std::optional<T> got;
    EXPECT_TRUE(run_until([&] {
      if constexpr (std::is_same_v<T, channel::Ask>) {
        if (!together_.empty()) {
          got = together_.front();
          together_.pop_front();
          return true;
        }
      }
      const auto received = resolver.receive();
      if (!received) return false;
      auto message = channel::decode_transport_to_resolver(received->octets);
      if (message && std::holds_alternative<channel::Asks>(*message)) {
        for (const channel::Ask& ask : std::get<channel::Asks>(*message).asks) together_.push_back(ask);
      }
      if (message && std::holds_alternative<T>(*message)) got = std::get<T>(*std::move(message));
      return got.has_value();
    }));
    return got.value_or(T{});
  }
  static void tell(const channel::Channel& resolver, const channel::ResolverToTransport& message) {
    EXPECT_FALSE(resolver.send(channel::encode(message)));
  }

  std::deque<channel::Ask> together_;
  Counters counters_;
  ResolverRoad road_{executor()};
  StreamServer server_{executor(), road_, counters_};
  UpstreamPool upstreams_{executor(), counters_};
  dns::Endpoint at_;
};

TEST_F(ResolverRoadTest, a_query_goes_and_its_answer_comes) {
  channel::Channel resolver = new_resolver();
  Peer client{at_};
  client.send_frame(query(5));
  const auto ask = next<channel::Ask>(resolver);
  EXPECT_EQ(ask.listener, 3U);
  EXPECT_EQ(ask.query, query(5));
  tell(resolver, channel::Give{ask.id, answer_to(query(5))});
  ASSERT_TRUE(run_until([&] { return client.messages().size() == 1; }));
}

TEST_F(ResolverRoadTest, queries_that_came_together_go_together_and_so_come_their_answers) {
  channel::Channel resolver = new_resolver();
  Peer client{at_};
  Octets all;
  for (std::uint16_t id = 1; id <= 10; ++id) {
    const Octets one = framed(query(id));
    all.insert(all.end(), one.begin(), one.end());
  }
  client.send(all);
  const auto together = next<channel::Asks>(resolver);
  ASSERT_EQ(together_.size(), 10U);
  EXPECT_EQ(together.asks.size(), 10U);
  channel::Gives answers;
  for (const channel::Ask& ask : together_) answers.gives.push_back({ask.id, answer_to(ask.query)});
  tell(resolver, answers);
  ASSERT_TRUE(run_until([&] { return client.messages().size() == 10; }));
}

TEST_F(ResolverRoadTest, what_a_client_withdraws_before_it_left_is_not_asked) {
  channel::Channel resolver = new_resolver();
  road_.ask(1, {.listener = 3, .protocol = Protocol::tcp, .client = at_}, query(1));
  road_.ask(2, {.listener = 3, .protocol = Protocol::tcp, .client = at_}, query(2));
  road_.withdraw(1);
  EXPECT_EQ(next<channel::Ask>(resolver).id, 2U);
}

TEST_F(ResolverRoadTest, the_death_of_a_resolver_is_invisible_to_clients) {
  channel::Channel resolver = new_resolver();
  Peer client{at_};
  client.send_frame(query(5));
  const auto ask = next<channel::Ask>(resolver);
  resolver = channel::Channel{};
  settle();
  client.send_frame(query(6));  // comes while nobody is there
  settle();
  EXPECT_FALSE(client.closed());

  channel::Channel reborn = new_resolver();
  const auto again = next<channel::Ask>(reborn);
  EXPECT_EQ(again.id, ask.id);
  EXPECT_EQ(again.query, ask.query);
  const auto late = next<channel::Ask>(reborn);
  EXPECT_EQ(late.query, query(6));
  tell(reborn, channel::Give{again.id, answer_to(query(5))});
  tell(reborn, channel::Give{late.id, answer_to(query(6))});
  ASSERT_TRUE(run_until([&] { return client.messages().size() == 2; }));
}

TEST_F(ResolverRoadTest, a_resolver_that_reads_late_gets_every_query_once) {
  channel::Channel resolver = new_resolver();
  server_.use(Limits{}.with(Limit::connections_per_client, 1000).with(Limit::waiting_octets, 64 * 1024 * 1024));
  Octets longest = query(9);
  longest.resize(60'000);
  const Octets frame = framed(longest);
  // More than channel and outbox hold.
  constexpr std::size_t count = 120;
  std::vector<std::pair<Peer, std::size_t>> clients;
  for (std::size_t i = 0; i < count; ++i) clients.emplace_back(Peer{at_}, 0);
  const auto send_more = [&] {
    for (auto& [client, sent] : clients) {
      if (sent < frame.size()) sent += client.send(std::span{frame}.subspan(sent));
    }
  };
  for (int i = 0; i < 300; ++i) {
    send_more();
    settle();
  }
  EXPECT_LT(server_.waiting_queries(), count);  // some have to wait outside
  std::set<channel::ExchangeId> ids;
  while (ids.size() < count) {
    send_more();
    ASSERT_TRUE(ids.insert(next<channel::Ask>(resolver).id).second);
  }
}

/// What is left to transport holds for one basis, of one resolver.
TEST_F(ResolverRoadTest, answers_that_rest_on_what_no_longer_holds_are_not_kept) {
  constexpr channel::Basis now{.settings = 2, .flushes = 7};
  server_.keep_answers(1U << 20);
  channel::Channel resolver = new_resolver();
  Peer client{at_};
  std::uint16_t id = 0;
  const auto answered_by_resolver = [&](const std::optional<channel::Leave>& leave) {
    client.send_frame(query(++id));
    const auto ask = next<channel::Ask>(resolver);
    EXPECT_EQ(id_of(ask.query), id);
    dns::Message answer = *dns::Message::parse(ask.query);
    answer.header.response = true;
    answer.answer.push_back({.owner = answer.question->name,
                             .type = dns::type::a,
                             .rr_class = dns::rr_class::in,
                             .ttl = dns::Ttl::from_wire(300),
                             .rdata = {192, 0, 2, 1}});
    tell(resolver, channel::Give{ask.id, answer.to_wire(), leave});
    EXPECT_TRUE(run_until([&] { return client.messages().size() == id; }));
  };
  const auto answered_here = [&] {
    client.send_frame(query(++id));
    EXPECT_TRUE(run_until([&] { return client.messages().size() == id; }));
    EXPECT_FALSE(resolver.receive());
  };
  const auto leave = [](const channel::Basis& basis) { return channel::Leave{.basis = basis, .keep_for = 100}; };

  answered_by_resolver(leave(now));  // of which nobody has told us
  tell(resolver, channel::UseBasis{now});
  answered_by_resolver(leave({.settings = 1, .flushes = 7}));
  answered_by_resolver(leave({.settings = 2, .flushes = 6}));
  answered_by_resolver(leave(now));
  answered_here();
  tell(resolver, channel::UseBasis{now});  // no news
  settle();
  answered_here();
  tell(resolver, channel::UseBasis{{.settings = 2, .flushes = 8}});
  settle();
  answered_by_resolver(leave(now));
  answered_by_resolver(leave({.settings = 2, .flushes = 8}));
  answered_here();
  resolver = new_resolver();
  answered_by_resolver(leave({.settings = 2, .flushes = 8}));
  answered_by_resolver(std::nullopt);
}

TEST_F(ResolverRoadTest, an_errand_is_run_and_its_answer_brought) {
  channel::Channel resolver = new_resolver();
  Socket upstream = listening_socket();
  tell(resolver, channel::Fetch{11, channel::StreamProtocol::tcp, local_endpoint(upstream), 5000, query(8)});
  std::optional<Peer> peer;
  ASSERT_TRUE(run_until([&] {
    if (auto accepted = accept_from(upstream)) peer.emplace(std::move(accepted->socket));
    return peer && !peer->messages().empty();
  }));
  peer->send_frame(answer_to(query(8)));
  const auto fetched = next<channel::Fetched>(resolver);
  EXPECT_EQ(fetched.id, 11U);
  EXPECT_EQ(fetched.answer, answer_to(query(8)));

  tell(resolver, channel::Fetch{12, channel::StreamProtocol::tls, local_endpoint(upstream), 5000, query(8)});
  const auto failed = next<channel::FetchFailed>(resolver);
  EXPECT_EQ(failed.id, 12U);
  EXPECT_EQ(failed.fault, channel::FetchFault::bad_request);
}

TEST_F(ResolverRoadTest, errands_of_a_dead_resolver_are_dropped) {
  channel::Channel resolver = new_resolver();
  const Socket upstream = listening_socket();
  tell(resolver, channel::Fetch{1, channel::StreamProtocol::tcp, local_endpoint(upstream), 5000, query(8)});
  ASSERT_TRUE(run_until([&] { return upstreams_.exchanges() == 1; }));
  resolver = channel::Channel{};
  EXPECT_TRUE(run_until([&] { return upstreams_.exchanges() == 0; }));
}

TEST_F(ResolverRoadTest, garbage_ends_the_process) {
  channel::Channel resolver = new_resolver();
  const Octets garbage{0xee, 1, 2, 3};
  ASSERT_FALSE(resolver.send(garbage));
  EXPECT_EXIT(run_until([] { return false; }, 5s), ::testing::ExitedWithCode(1), "resolver sent a message");
}

}  // namespace

}  // namespace redoubt::transport::test
