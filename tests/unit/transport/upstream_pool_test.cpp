// Exchanges with servers of every character.
#include "transport/client/upstream_pool.hpp"

#include <map>

#include "tests/unit/transport/harness.hpp"

namespace redoubt::transport::test {

namespace {

/// A connection for each exchange.
Limits lone() { return Limits{}.with(Limit::upstream_exchanges_per_connection, 1); }

class UpstreamPoolTest : public LoopTest {
 protected:
  void SetUp() override {
    listening_ = listening_socket();
    server_ = local_endpoint(listening_);
  }

  bool fetch(UpstreamId id, std::chrono::milliseconds patience = 30s, Octets message = query(0x4242)) {
    return pool_.fetch({id, Protocol::tcp, server_, patience, std::move(message)},
                       [this, id](UpstreamResult result) { results_.emplace(id, std::move(result)); });
  }
  /// The server's end of the next connection.
  Peer accept() {
    std::optional<Peer> peer;
    EXPECT_TRUE(run_until([&] {
      if (auto accepted = accept_from(listening_)) peer.emplace(std::move(accepted->socket));
      return peer.has_value();
    }));
    return std::move(*peer);
  }
  /// The server's end, once the query is there.
  Peer accept_query() {
    Peer peer = accept();
    EXPECT_TRUE(run_until([&] { return !peer.messages().empty(); }));
    return peer;
  }
  /// What came of exchange 1 with a server that sends these octets, then closes.
  UpstreamResult after(const Octets& octets) {
    EXPECT_TRUE(fetch(1));
    Peer peer = accept_query();
    peer.send(octets);
    peer.close();
    EXPECT_TRUE(run_until([&] { return results_.contains(1); }));
    return results_.at(1);
  }

  Counters counters_;
  UpstreamPool pool_{executor(), counters_};
  std::map<UpstreamId, UpstreamResult> results_;
  Socket listening_;
  dns::Endpoint server_;
};

TEST_F(UpstreamPoolTest, brings_the_answer) {
  ASSERT_TRUE(fetch(1));
  Peer peer = accept_query();
  ASSERT_EQ(peer.messages().size(), 1U);
  EXPECT_EQ(peer.messages()[0], query(0x4242));
  peer.send_frame(answer_to(query(0x4242), 500));
  ASSERT_TRUE(run_until([&] { return results_.contains(1); }));
  EXPECT_EQ(results_.at(1).value(), answer_to(query(0x4242), 500));
  settle();
  EXPECT_FALSE(peer.closed());  // open for the next one
  EXPECT_EQ(pool_.exchanges(), 0U);
  EXPECT_EQ(counters_.upstream_connections, 1U);
  EXPECT_EQ(counters_.upstream_failures, 0U);
}

TEST_F(UpstreamPoolTest, brings_the_longest_answer_in_pieces) {
  ASSERT_TRUE(fetch(1));
  Peer peer = accept_query();
  const Octets frame = framed(answer_to(query(0x4242), 65535));
  std::size_t sent = 0;
  ASSERT_TRUE(run_until([&] {
    sent += peer.send(std::span{frame}.subspan(sent).first(std::min<std::size_t>(997, frame.size() - sent)));
    return results_.contains(1);
  }));
  EXPECT_EQ(results_.at(1).value().size(), 65535U);
}

TEST_F(UpstreamPoolTest, what_comes_behind_the_answer_is_nothing) {
  Octets octets = framed(answer_to(query(0x4242)));
  octets.resize(octets.size() + 3000, 0xff);
  EXPECT_EQ(after(octets).value(), answer_to(query(0x4242)));
}

TEST_F(UpstreamPoolTest, a_server_that_closes_at_once_is_told_apart) {
  EXPECT_EQ(after({}).error(), UpstreamFault::closed_early);
  EXPECT_EQ(counters_.upstream_failures, 1U);
}

TEST_F(UpstreamPoolTest, half_an_answer_is_none) {
  Octets half = framed(answer_to(query(0x4242), 400));
  half.resize(200);
  EXPECT_EQ(after(half).error(), UpstreamFault::closed_early);
}

TEST_F(UpstreamPoolTest, a_wrong_id_is_malformed) {
  EXPECT_EQ(after(framed(answer_to(query(0x4243)))).error(), UpstreamFault::malformed);
}

TEST_F(UpstreamPoolTest, a_wrong_question_is_malformed) {
  EXPECT_EQ(after(framed(answer_to(query(0x4242, "www.example.net.")))).error(), UpstreamFault::malformed);
}

TEST_F(UpstreamPoolTest, other_letter_case_is_malformed) {
  EXPECT_EQ(after(framed(answer_to(query(0x4242, "wWw.example.")))).error(), UpstreamFault::malformed);
}

TEST_F(UpstreamPoolTest, our_own_query_sent_back_is_malformed) {
  EXPECT_EQ(after(framed(query(0x4242))).error(), UpstreamFault::malformed);
}

TEST_F(UpstreamPoolTest, a_length_below_a_header_is_malformed) {
  EXPECT_EQ(after({0, 5, 1, 2, 3, 4, 5}).error(), UpstreamFault::malformed);
}

TEST_F(UpstreamPoolTest, a_port_without_a_server_refuses) {
  listening_.reset();
  ASSERT_TRUE(fetch(1));
  ASSERT_TRUE(run_until([&] { return results_.contains(1); }));
  EXPECT_EQ(results_.at(1).error(), UpstreamFault::refused);
}

TEST_F(UpstreamPoolTest, a_silent_server_costs_the_patience) {
  pool_.use(Limits{}.with(Limit::upstream_stall_time, 60), {});
  const auto begin = Clock::now();
  ASSERT_TRUE(fetch(1, 80ms));
  Peer peer = accept_query();
  ASSERT_TRUE(run_until([&] { return results_.contains(1); }));
  EXPECT_EQ(results_.at(1).error(), UpstreamFault::stalled);
  EXPECT_GE(Clock::now() - begin, 80ms);
  EXPECT_TRUE(run_until([&] { return peer.closed(); }));
}

TEST_F(UpstreamPoolTest, a_dripping_server_costs_no_more_than_the_patience) {
  ASSERT_TRUE(fetch(1, 80ms));
  Peer peer = accept_query();
  const Octets drip{0xff};
  ASSERT_TRUE(run_until([&] {
    peer.send(drip);
    return results_.contains(1);
  }));
  EXPECT_EQ(results_.at(1).error(), UpstreamFault::stalled);
}

TEST_F(UpstreamPoolTest, patience_has_a_limit_of_ours) {
  pool_.use(Limits{}.with(Limit::upstream_time, 50), {});
  ASSERT_TRUE(fetch(1, std::chrono::milliseconds{0xffffffff}));
  Peer peer = accept_query();
  ASSERT_TRUE(run_until([&] { return results_.contains(1); }));
  EXPECT_EQ(results_.at(1).error(), UpstreamFault::stalled);
}

TEST_F(UpstreamPoolTest, an_abandoned_exchange_says_nothing) {
  ASSERT_TRUE(fetch(1));
  Peer peer = accept_query();
  pool_.abandon(1);
  pool_.abandon(2);  // never heard of
  EXPECT_EQ(pool_.exchanges(), 0U);
  peer.send_frame(answer_to(query(0x4242)));
  settle();
  EXPECT_TRUE(results_.empty());
  EXPECT_TRUE(fetch(1));  // the id is free again
}

TEST_F(UpstreamPoolTest, one_server_gets_so_many_connections) {
  pool_.use(lone().with(Limit::upstream_connections_per_server, 3), {});
  for (UpstreamId id = 1; id <= 4; ++id) ASSERT_TRUE(fetch(id));
  ASSERT_TRUE(results_.contains(4));
  EXPECT_EQ(results_.at(4).error(), UpstreamFault::too_many);
  const Socket other = listening_socket();
  server_ = local_endpoint(other);
  ASSERT_TRUE(fetch(5));
  EXPECT_FALSE(results_.contains(5));
  EXPECT_EQ(pool_.exchanges(), 4U);
}

TEST_F(UpstreamPoolTest, all_servers_together_get_so_many_connections) {
  pool_.use(lone().with(Limit::upstream_connections, 2), {});
  for (UpstreamId id = 1; id <= 3; ++id) ASSERT_TRUE(fetch(id));
  EXPECT_EQ(results_.at(3).error(), UpstreamFault::too_many);
  pool_.abandon(1);
  ASSERT_TRUE(fetch(4));  // what nobody uses makes room
  EXPECT_FALSE(results_.contains(4));
}

TEST_F(UpstreamPoolTest, reconnecting_is_limited_in_its_pace) {
  pool_.use(Limits{}.with(Limit::upstream_connects_per_second, 3), {});
  for (UpstreamId id = 1; id <= 10; ++id) {
    ASSERT_TRUE(fetch(id));
    pool_.abandon(id);
    ASSERT_TRUE(run_until([&] { return pool_.connections() == 0; }));  // nobody waits for its handshake
  }
  EXPECT_EQ(counters_.upstream_connections, 3U);
  EXPECT_EQ(results_.size(), 7U);
}

TEST_F(UpstreamPoolTest, an_id_that_lives_is_not_taken_twice) {
  EXPECT_TRUE(fetch(1));
  EXPECT_FALSE(fetch(1));
  EXPECT_EQ(pool_.exchanges(), 1U);
}

TEST_F(UpstreamPoolTest, what_cannot_be_done_is_a_bad_request) {
  const auto done = [this](UpstreamId id) {
    return [this, id](UpstreamResult result) { results_.emplace(id, std::move(result)); };
  };
  pool_.fetch({1, Protocol::tls, server_, 1s, query(1)}, done(1));
  pool_.fetch({2, Protocol::tcp, server_, 1s, answer_to(query(1))}, done(2));
  pool_.fetch({3, Protocol::tcp, server_, 1s, {}}, done(3));
  pool_.fetch({4, Protocol::tcp, {server_.address, 0}, 1s, query(1)}, done(4));
  ASSERT_EQ(results_.size(), 4U);
  for (const auto& [id, result] : results_) EXPECT_EQ(result.error(), UpstreamFault::bad_request) << id;
  EXPECT_EQ(counters_.upstream_connections, 0U);
}

TEST_F(UpstreamPoolTest, connections_come_from_the_configured_addresses) {
  const auto address = [](const char* text) { return dns::IpAddress::from_text(text).value(); };
  pool_.use(lone(), {address("2001:db8::1"), address("127.0.0.5"), address("127.0.0.6")});
  std::map<std::string, int> sources;
  for (UpstreamId id = 1; id <= 6; ++id) {
    ASSERT_TRUE(fetch(id));
    ASSERT_TRUE(run_until([&] {
      const auto accepted = accept_from(listening_);
      if (accepted) ++sources[accepted->peer.address.to_text()];
      return accepted.has_value();
    }));
  }
  EXPECT_EQ(sources.size(), 2U);
  EXPECT_GT(sources["127.0.0.5"], 0);
  EXPECT_GT(sources["127.0.0.6"], 0);
}

TEST_F(UpstreamPoolTest, an_address_that_is_not_ours_is_unreachable) {
  pool_.use(Limits{}, {dns::IpAddress::from_text("192.0.2.77").value()});
  ASSERT_TRUE(fetch(1));
  ASSERT_TRUE(results_.contains(1));
  EXPECT_EQ(results_.at(1).error(), UpstreamFault::unreachable);
}

TEST_F(UpstreamPoolTest, the_end_of_one_exchange_may_begin_the_next) {
  bool second_done = false;
  ASSERT_TRUE(pool_.fetch({1, Protocol::tcp, server_, 10s, query(1)}, [&](UpstreamResult) {
    pool_.fetch({1, Protocol::tcp, server_, 10s, query(2)},
                [&](UpstreamResult result) { second_done = result.has_value(); });
  }));
  accept_query().close();
  Peer peer = accept_query();
  peer.send_frame(answer_to(query(2)));
  EXPECT_TRUE(run_until([&] { return second_done; }));
}

}  // namespace

}  // namespace redoubt::transport::test
