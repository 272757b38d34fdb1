// Connections to servers that serve more than one exchange: reuse, pipelining, servers that close (RFC 7766 §6.2), and
// servers that waste connections.
#include <map>
#include <set>

#include "tests/unit/transport/harness.hpp"
#include "transport/client/upstream_pool.hpp"

namespace redoubt::transport::test {

namespace {

/// A server of ours, run between the turns of the loop: keeps its connections and what came on each.
class UpstreamReuseTest : public LoopTest {
 protected:
  void SetUp() override {
    listening_ = listening_socket();
    server_ = local_endpoint(listening_);
  }

  bool fetch(UpstreamId id, const Octets& message, std::chrono::milliseconds patience = 30s) {
    return pool_.fetch({id, Protocol::tcp, server_, patience, message},
                       [this, id](UpstreamResult result) { results_.emplace(id, std::move(result)); });
  }
  /// Takes the connections that are there.
  void accept() {
    while (auto accepted = accept_from(listening_)) peers_.emplace_back(std::move(accepted->socket));
  }
  bool wait_for_connections(std::size_t count) {
    return run_until([&] {
      accept();
      return peers_.size() == count;
    });
  }
  bool wait_for_queries(std::size_t peer, std::size_t count) {
    return wait_for_connections(std::max(peer + 1, peers_.size())) &&
           run_until([&] { return peers_[peer].messages().size() >= count; });
  }
  bool wait_for_results(std::size_t count) {
    return run_until([&] { return results_.size() == count; });
  }
  /// One exchange from beginning to end over the server's connection number `peer`.
  void exchange(UpstreamId id, std::size_t peer) {
    const Octets message = query(static_cast<std::uint16_t>(1000 + id));
    const std::size_t before = peer < peers_.size() ? peers_[peer].messages().size() : 0;
    ASSERT_TRUE(fetch(id, message));
    ASSERT_TRUE(wait_for_queries(peer, before + 1));
    peers_[peer].send_frame(answer_to(peers_[peer].messages().back()));
    ASSERT_TRUE(run_until([&] { return results_.contains(id); }));
    EXPECT_EQ(results_.at(id).value(), answer_to(message));
  }

  Counters counters_;
  UpstreamPool pool_{executor(), counters_};
  std::map<UpstreamId, UpstreamResult> results_;
  Socket listening_;
  dns::Endpoint server_;
  std::vector<Peer> peers_;
};

TEST_F(UpstreamReuseTest, one_connection_serves_many_exchanges) {
  for (UpstreamId id = 1; id <= 20; ++id) exchange(id, 0);
  EXPECT_EQ(counters_.upstream_connections, 1U);
  EXPECT_EQ(counters_.upstream_reused, 19U);
  EXPECT_EQ(pool_.connections(), 1U);
}

TEST_F(UpstreamReuseTest, answers_come_in_any_order) {
  for (UpstreamId id = 1; id <= 10; ++id)
    ASSERT_TRUE(fetch(id, query(static_cast<std::uint16_t>(id), "n" + std::to_string(id) + ".example.")));
  ASSERT_TRUE(wait_for_queries(0, 10));
  const auto asked = peers_[0].messages();
  for (auto message = asked.rbegin(); message != asked.rend(); ++message) peers_[0].send_frame(answer_to(*message));
  ASSERT_TRUE(wait_for_results(10));
  for (UpstreamId id = 1; id <= 10; ++id)
    EXPECT_EQ(results_.at(id).value(),
              answer_to(query(static_cast<std::uint16_t>(id), "n" + std::to_string(id) + ".example.")));
  EXPECT_EQ(counters_.upstream_connections, 1U);
}

TEST_F(UpstreamReuseTest, equal_ids_differ_on_the_wire_and_come_back_equal) {
  for (UpstreamId id = 1; id <= 5; ++id) ASSERT_TRUE(fetch(id, query(0xffff, "n" + std::to_string(id) + ".example.")));
  ASSERT_TRUE(wait_for_queries(0, 5));
  std::set<std::uint16_t> ids;
  const auto asked = peers_[0].messages();
  for (const Octets& message : asked) {
    ids.insert(id_of(message));
    peers_[0].send_frame(answer_to(message));
  }
  EXPECT_EQ(ids.size(), 5U);
  ASSERT_TRUE(wait_for_results(5));
  for (UpstreamId id = 1; id <= 5; ++id)
    EXPECT_EQ(results_.at(id).value(), answer_to(query(0xffff, "n" + std::to_string(id) + ".example.")));
}

TEST_F(UpstreamReuseTest, an_answer_to_another_question_in_flight_is_none) {
  ASSERT_TRUE(fetch(1, query(1, "a.example.")));
  ASSERT_TRUE(fetch(2, query(2, "b.example.")));
  ASSERT_TRUE(wait_for_queries(0, 2));
  peers_[0].send_frame(answer_to(query(1, "b.example.")));
  ASSERT_TRUE(wait_for_results(2));
  EXPECT_EQ(results_.at(1).error(), UpstreamFault::malformed);
  EXPECT_EQ(results_.at(2).error(), UpstreamFault::malformed);  // nothing of this connection is believed any more
  EXPECT_TRUE(run_until([&] { return peers_[0].closed(); }));
}

TEST_F(UpstreamReuseTest, what_nobody_asked_ends_an_idle_connection) {
  exchange(1, 0);
  peers_[0].send_frame(answer_to(query(77)));
  EXPECT_TRUE(run_until([&] { return peers_[0].closed(); }));
  EXPECT_EQ(pool_.connections(), 0U);
}

TEST_F(UpstreamReuseTest, one_exchange_is_abandoned_and_the_others_go_on) {
  for (UpstreamId id = 1; id <= 3; ++id) ASSERT_TRUE(fetch(id, query(static_cast<std::uint16_t>(id))));
  ASSERT_TRUE(wait_for_queries(0, 3));
  pool_.abandon(2);
  for (const std::uint16_t id : std::initializer_list<std::uint16_t>{2, 1, 3})
    peers_[0].send_frame(answer_to(query(id)));  // the server cannot know
  ASSERT_TRUE(wait_for_results(2));
  EXPECT_TRUE(results_.at(1).has_value());
  EXPECT_TRUE(results_.at(3).has_value());
  EXPECT_EQ(pool_.connections(), 1U);
  EXPECT_EQ(counters_.upstream_failures, 0U);
}

TEST_F(UpstreamReuseTest, an_owed_answer_keeps_its_id) {
  ASSERT_TRUE(fetch(1, query(5)));
  ASSERT_TRUE(wait_for_queries(0, 1));
  pool_.abandon(1);
  ASSERT_TRUE(fetch(2, query(5)));
  ASSERT_TRUE(wait_for_queries(0, 2));
  const auto asked = peers_[0].messages();
  EXPECT_NE(id_of(asked[0]), id_of(asked[1]));
  peers_[0].send_frame(answer_to(asked[0], 100));
  settle();
  EXPECT_TRUE(results_.empty());
  peers_[0].send_frame(answer_to(asked[1], 200));
  ASSERT_TRUE(wait_for_results(1));
  EXPECT_EQ(results_.at(2).value(), answer_to(query(5), 200));
}

TEST_F(UpstreamReuseTest, a_server_that_is_owed_nothing_but_owes_much_is_left) {
  ASSERT_TRUE(fetch(100, query(100)));
  for (UpstreamId id = 1; id <= max_owed_answers + 1; ++id) {
    ASSERT_TRUE(fetch(id, query(static_cast<std::uint16_t>(id))));
    pool_.abandon(id);
  }
  ASSERT_TRUE(fetch(200, query(200)));
  ASSERT_TRUE(wait_for_connections(2));
}

TEST_F(UpstreamReuseTest, more_than_one_connection_carries_opens_another) {
  pool_.use(Limits{}.with(Limit::upstream_exchanges_per_connection, 4), {});
  for (UpstreamId id = 1; id <= 10; ++id) ASSERT_TRUE(fetch(id, query(static_cast<std::uint16_t>(id))));
  ASSERT_TRUE(wait_for_connections(3));
  ASSERT_TRUE(wait_for_queries(0, 4));
  ASSERT_TRUE(wait_for_queries(2, 2));
  EXPECT_EQ(peers_[0].messages().size(), 4U);
  for (Peer& peer : peers_) {
    const auto asked = peer.messages();
    for (const Octets& message : asked) peer.send_frame(answer_to(message));
  }
  ASSERT_TRUE(wait_for_results(10));
  // As few as will do are kept (RFC 7766 §6.2.2).
  EXPECT_TRUE(run_until([&] { return pool_.connections() == 1; }));
}

TEST_F(UpstreamReuseTest, all_exchanges_together_are_limited) {
  pool_.use(Limits{}.with(Limit::upstream_exchanges, 3), {});
  for (UpstreamId id = 1; id <= 4; ++id) ASSERT_TRUE(fetch(id, query(static_cast<std::uint16_t>(id))));
  ASSERT_TRUE(results_.contains(4));
  EXPECT_EQ(results_.at(4).error(), UpstreamFault::too_many);
}

TEST_F(UpstreamReuseTest, an_idle_connection_is_closed_in_time) {
  pool_.use(Limits{}.with(Limit::upstream_idle_time, 50), {});
  exchange(1, 0);
  EXPECT_TRUE(run_until([&] { return peers_[0].closed(); }));
  EXPECT_EQ(pool_.connections(), 0U);
  exchange(2, 1);
}

TEST_F(UpstreamReuseTest, drops_of_octets_do_not_keep_an_idle_connection) {
  exchange(1, 0);
  peers_[0].send(Octets{0x01});
  EXPECT_TRUE(run_until([&] { return peers_[0].closed(); }));
}

TEST_F(UpstreamReuseTest, idle_connections_make_room_for_new_ones) {
  pool_.use(Limits{}.with(Limit::upstream_connections, 1), {});
  exchange(1, 0);
  const Socket other = listening_socket();
  server_ = local_endpoint(other);
  ASSERT_TRUE(fetch(2, query(2)));
  EXPECT_FALSE(results_.contains(2));
  EXPECT_TRUE(run_until([&] { return peers_[0].closed(); }));
  EXPECT_EQ(pool_.connections(), 1U);
}

TEST_F(UpstreamReuseTest, connections_from_former_addresses_serve_no_more) {
  exchange(1, 0);
  pool_.use(Limits{}, {dns::IpAddress::from_text("127.0.0.7").value()});
  exchange(2, 1);
  EXPECT_TRUE(run_until([&] { return peers_[0].closed(); }));
}

TEST_F(UpstreamReuseTest, a_used_connection_that_closes_costs_one_repetition) {
  exchange(1, 0);
  ASSERT_TRUE(fetch(2, query(2)));
  ASSERT_TRUE(wait_for_queries(0, 2));
  peers_[0].close();
  ASSERT_TRUE(wait_for_queries(1, 1));
  peers_[1].send_frame(answer_to(query(2)));
  ASSERT_TRUE(wait_for_results(2));
  EXPECT_EQ(results_.at(2).value(), answer_to(query(2)));
  EXPECT_EQ(counters_.upstream_retries, 1U);
  EXPECT_EQ(counters_.upstream_failures, 0U);
}

TEST_F(UpstreamReuseTest, a_reset_instead_of_the_answer_is_repeated_too) {
  exchange(1, 0);
  ASSERT_TRUE(fetch(2, query(2)));
  ASSERT_TRUE(wait_for_queries(0, 2));
  peers_[0].reset();
  ASSERT_TRUE(wait_for_queries(1, 1));
  peers_[1].send_frame(answer_to(query(2)));
  ASSERT_TRUE(wait_for_results(2));
  EXPECT_TRUE(results_.at(2).has_value());
}

TEST_F(UpstreamReuseTest, the_repetition_is_the_last) {
  exchange(1, 0);
  ASSERT_TRUE(fetch(2, query(2)));
  ASSERT_TRUE(wait_for_queries(0, 2));
  peers_[0].close();
  ASSERT_TRUE(wait_for_queries(1, 1));
  peers_[1].close();
  ASSERT_TRUE(wait_for_results(2));
  EXPECT_EQ(results_.at(2).error(), UpstreamFault::closed_early);
  EXPECT_EQ(counters_.upstream_connections, 2U);
}

TEST_F(UpstreamReuseTest, a_new_connection_that_closes_is_not_repeated) {
  ASSERT_TRUE(fetch(1, query(1)));
  ASSERT_TRUE(wait_for_queries(0, 1));
  peers_[0].close();
  ASSERT_TRUE(wait_for_results(1));
  EXPECT_EQ(results_.at(1).error(), UpstreamFault::closed_early);
  EXPECT_EQ(counters_.upstream_connections, 1U);
  EXPECT_EQ(counters_.upstream_retries, 0U);
}

TEST_F(UpstreamReuseTest, a_server_that_serves_one_query_per_connection_answers_all) {
  for (UpstreamId id = 1; id <= 8; ++id) ASSERT_TRUE(fetch(id, query(static_cast<std::uint16_t>(id))));
  std::size_t served = 0;  // of its connections: the first query is answered, then it closes
  ASSERT_TRUE(run_until([&] {
    accept();
    for (; served < peers_.size() && !peers_[served].messages().empty(); ++served) {
      peers_[served].send_frame(answer_to(peers_[served].messages().front()));
      peers_[served].finish();
    }
    return results_.size() == 8;
  }));
  for (const auto& [id, result] : results_) EXPECT_TRUE(result.has_value()) << id;
  EXPECT_EQ(counters_.upstream_connections, 8U);
}

TEST_F(UpstreamReuseTest, a_server_that_accepts_and_closes_is_left_alone) {
  for (UpstreamId id = 1; id <= 50; ++id) {
    ASSERT_TRUE(fetch(id, query(static_cast<std::uint16_t>(id))));
    ASSERT_TRUE(run_until([&] {
      accept();
      for (Peer& peer : peers_) peer.close();
      return results_.contains(id);
    }));
    EXPECT_EQ(results_.at(id).error(), UpstreamFault::closed_early);
  }
  EXPECT_EQ(counters_.upstream_connections, fruitless_connections);
  EXPECT_EQ(counters_.upstream_throttled, 50 - fruitless_connections);
}

TEST_F(UpstreamReuseTest, many_questions_at_once_do_not_multiply_its_connections) {
  for (UpstreamId id = 1; id <= 30; ++id) ASSERT_TRUE(fetch(id, query(static_cast<std::uint16_t>(id))));
  ASSERT_TRUE(wait_for_connections(1));
  peers_[0].close();
  ASSERT_TRUE(wait_for_results(30));
  EXPECT_EQ(counters_.upstream_connections, 1U);
}

TEST_F(UpstreamReuseTest, a_silent_connection_is_not_given_more) {
  pool_.use(Limits{}.with(Limit::upstream_stall_time, 50), {});
  exchange(1, 0);
  ASSERT_TRUE(fetch(2, query(2), 60ms));
  ASSERT_TRUE(fetch(3, query(3)));
  ASSERT_TRUE(run_until([&] { return results_.contains(2); }));
  EXPECT_EQ(results_.at(2).error(), UpstreamFault::stalled);
  ASSERT_TRUE(fetch(4, query(4)));
  ASSERT_TRUE(wait_for_queries(1, 1));
  peers_[1].send_frame(answer_to(query(4)));
  ASSERT_TRUE(run_until([&] { return results_.contains(4); }));
  EXPECT_TRUE(results_.at(4).has_value());
  // Who waits there still gets what comes, and then it is over.
  peers_[0].send_frame(answer_to(query(3)));
  ASSERT_TRUE(run_until([&] { return results_.contains(3); }));
  EXPECT_TRUE(results_.at(3).has_value());
  EXPECT_TRUE(run_until([&] { return peers_[0].closed(); }));
}

TEST_F(UpstreamReuseTest, answers_in_drops_take_nobody_beyond_the_deadline) {
  pool_.use(Limits{}.with(Limit::upstream_stall_time, 50), {});
  for (UpstreamId id = 1; id <= 3; ++id) ASSERT_TRUE(fetch(id, query(static_cast<std::uint16_t>(id)), 80ms));
  ASSERT_TRUE(wait_for_queries(0, 3));
  const Octets drip{0xff};
  ASSERT_TRUE(run_until([&] {
    peers_[0].send(drip);
    return results_.size() == 3;
  }));
  for (const auto& [id, result] : results_) EXPECT_EQ(result.error(), UpstreamFault::stalled) << id;
  EXPECT_TRUE(run_until([&] { return peers_[0].closed(); }));
  EXPECT_EQ(pool_.connections(), 0U);
}

TEST_F(UpstreamReuseTest, long_queries_that_the_server_does_not_read_are_bounded_by_their_deadline) {
  // Queries with a long tail fill every buffer between us and a server that never reads.
  Octets large = query(1);
  large.resize(60'000);
  pool_.use(Limits{}.with(Limit::upstream_stall_time, 50), {});
  for (UpstreamId id = 1; id <= 32; ++id) ASSERT_TRUE(fetch(id, large, 1000ms));
  ASSERT_TRUE(wait_for_results(32));
  for (const auto& [id, result] : results_) EXPECT_EQ(result.error(), UpstreamFault::stalled) << id;
  EXPECT_TRUE(run_until([&] { return pool_.connections() == 0; }));
}

TEST_F(UpstreamReuseTest, an_end_may_begin_the_next_and_abandon_another) {
  exchange(1, 0);
  std::optional<UpstreamResult> third;
  ASSERT_TRUE(pool_.fetch({2, Protocol::tcp, server_, 10s, query(2)}, [&](UpstreamResult) {
    pool_.abandon(3);
    pool_.fetch({4, Protocol::tcp, server_, 10s, query(4)},
                [&](UpstreamResult result) { results_.emplace(4, std::move(result)); });
  }));
  ASSERT_TRUE(pool_.fetch({3, Protocol::tcp, server_, 10s, query(3)}, [&](UpstreamResult result) { third = result; }));
  ASSERT_TRUE(wait_for_queries(0, 3));
  peers_[0].send_frame(answer_to(query(2)));
  ASSERT_TRUE(wait_for_queries(0, 4));
  peers_[0].send_frame(answer_to(query(4)));
  ASSERT_TRUE(run_until([&] { return results_.contains(4); }));
  EXPECT_FALSE(third.has_value());
}

TEST_F(UpstreamReuseTest, a_pool_may_go_with_exchanges_under_way) {
  auto pool = std::make_unique<UpstreamPool>(executor(), counters_);
  bool told = false;
  for (UpstreamId id = 1; id <= 3; ++id)
    ASSERT_TRUE(pool->fetch({id, Protocol::tcp, server_, 10s, query(1)}, [&](UpstreamResult) { told = true; }));
  settle();
  pool.reset();
  settle();
  EXPECT_FALSE(told);
}

}  // namespace

}  // namespace redoubt::transport::test
