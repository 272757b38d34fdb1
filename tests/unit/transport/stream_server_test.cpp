// What a client of a stream can count on.
#include <map>
#include <random>
#include <set>

#include "tests/unit/transport/server_fixture.hpp"

namespace redoubt::transport::test {

namespace {

using StreamServerTest = ServerTest;

TEST_F(StreamServerTest, a_query_is_handed_over_whole_with_its_origin) {
  Peer client{at_, "127.0.0.9"};
  client.send_frame(query(77));
  ASSERT_TRUE(asked(1));
  EXPECT_EQ(resolver_.asked[0].query, query(77));
  EXPECT_EQ(resolver_.asked[0].origin.listener, listener);
  EXPECT_EQ(resolver_.asked[0].origin.client.address.to_text(), "127.0.0.9");
  EXPECT_EQ(resolver_.asked[0].origin.client.port, local_endpoint(client.socket()).port);
}

TEST_F(StreamServerTest, an_answer_comes_back_with_its_length) {
  Peer client{at_};
  client.send_frame(query(77));
  ASSERT_TRUE(asked(1));
  give(resolver_.asked[0]);
  ASSERT_TRUE(run_until([&] { return client.messages().size() == 1; }));
  EXPECT_EQ(client.messages()[0], answer_to(query(77)));
  EXPECT_EQ(client.octets(), query(77).size() + 2);
  EXPECT_EQ(counters_.queries, 1U);
  EXPECT_EQ(counters_.answers, 1U);
  EXPECT_FALSE(client.closed());
}

TEST_F(StreamServerTest, a_query_in_pieces_of_one_octet_is_one_query) {
  Peer client{at_};
  for (const std::uint8_t octet : framed(query(5))) {
    ASSERT_TRUE(resolver_.asked.empty());
    client.send({&octet, 1});
    settle();
  }
  ASSERT_TRUE(asked(1));
  EXPECT_EQ(resolver_.asked[0].query, query(5));
}

/// A query that is so long with its length.
Octets frame_of(std::uint16_t id, std::size_t octets) {
  Octets message = query(id);
  message.resize(octets - 2);
  return framed(message);
}

/// All of it is there before the first read, and nothing comes afterwards that could tell of what is left.
TEST_F(StreamServerTest, what_is_behind_a_read_that_fills_its_buffer_is_read) {
  Peer client{at_};
  Octets octets = frame_of(1, StreamServer::read_octets);
  for (const std::uint8_t octet : framed(query(2))) octets.push_back(octet);
  ASSERT_EQ(client.send(octets), octets.size());
  ASSERT_TRUE(asked(2));
  EXPECT_EQ(resolver_.asked[1].query, query(2));
}

TEST_F(StreamServerTest, what_comes_after_a_read_that_just_filled_its_buffer_is_read) {
  Peer client{at_};
  const Octets octets = frame_of(1, StreamServer::read_octets);
  ASSERT_EQ(client.send(octets), octets.size());
  ASSERT_TRUE(asked(1));
  settle();
  client.send_frame(query(2));
  ASSERT_TRUE(asked(2));
  EXPECT_EQ(resolver_.asked[1].query, query(2));
}

TEST_F(StreamServerTest, an_end_behind_a_read_that_just_filled_its_buffer_is_heard) {
  Peer client{at_};
  const Octets octets = frame_of(1, StreamServer::read_octets);
  ASSERT_EQ(client.send(octets), octets.size());
  ASSERT_EQ(::shutdown(client.socket().get(), SHUT_WR), 0);
  ASSERT_TRUE(asked(1));
  give(resolver_.asked[0]);
  ASSERT_TRUE(run_until([&] { return client.closed(); }));
  EXPECT_EQ(client.messages().size(), 1U);
  EXPECT_TRUE(open_connections(0));
}

TEST_F(StreamServerTest, answers_leave_in_the_order_in_which_they_come) {
  Peer client{at_};
  for (std::uint16_t id = 1; id <= 3; ++id) client.send_frame(query(id));
  ASSERT_TRUE(asked(3));
  for (const std::size_t which : {2U, 0U, 1U}) give(resolver_.asked[which]);
  ASSERT_TRUE(run_until([&] { return client.messages().size() == 3; }));
  EXPECT_EQ(id_of(client.messages()[0]), 3);
  EXPECT_EQ(id_of(client.messages()[1]), 1);
  EXPECT_EQ(id_of(client.messages()[2]), 2);
}

TEST_F(StreamServerTest, the_longest_message_passes_both_ways) {
  Peer client{at_};
  Octets longest = query(9);
  longest.resize(65535, 0x2a);
  const Octets frame = framed(longest);
  std::size_t sent = 0;
  ASSERT_TRUE(run_until([&] {
    if (sent < frame.size()) sent += client.send(std::span{frame}.subspan(sent));
    return resolver_.asked.size() == 1;
  }));
  EXPECT_EQ(resolver_.asked[0].query, longest);
  give(resolver_.asked[0]);
  ASSERT_TRUE(run_until([&] { return client.messages().size() == 1; }));
  EXPECT_EQ(client.messages()[0], answer_to(longest));
}

TEST_F(StreamServerTest, a_client_that_leaves_withdraws_its_queries) {
  Peer client{at_};
  client.send_frame(query(1));
  client.send_frame(query(2));
  ASSERT_TRUE(asked(2));
  client.reset();
  ASSERT_TRUE(open_connections(0));
  const std::set<AskId> withdrawn{resolver_.withdrawn.begin(), resolver_.withdrawn.end()};
  EXPECT_EQ(withdrawn, (std::set<AskId>{resolver_.asked[0].id, resolver_.asked[1].id}));
  EXPECT_EQ(server_->waiting_queries(), 0U);
  give(resolver_.asked[0]);  // old news
  settle();
}

TEST_F(StreamServerTest, a_client_that_only_stops_sending_gets_its_answers) {
  Peer client{at_};
  client.send_frame(query(1));
  client.send_frame(query(2));
  client.finish();
  ASSERT_TRUE(asked(2));
  settle();
  give(resolver_.asked[1]);
  give(resolver_.asked[0]);
  ASSERT_TRUE(run_until([&] { return client.closed(); }));
  EXPECT_EQ(client.messages().size(), 2U);
  EXPECT_EQ(server_->connections(), 0U);
}

TEST_F(StreamServerTest, an_empty_answer_closes_the_connection) {
  Peer client{at_};
  client.send_frame(query(1));
  ASSERT_TRUE(asked(1));
  server_->give(resolver_.asked[0].id, {});
  ASSERT_TRUE(run_until([&] { return client.closed(); }));
  EXPECT_TRUE(client.messages().empty());
  EXPECT_EQ(counters_.answers, 0U);
}

TEST_F(StreamServerTest, a_response_is_never_answered) {
  Peer client{at_};
  client.send_frame(answer_to(query(1)));
  ASSERT_TRUE(run_until([&] { return client.closed(); }));
  EXPECT_TRUE(resolver_.asked.empty());
  EXPECT_EQ(counters_.closed_malformed, 1U);
}

TEST_F(StreamServerTest, a_message_shorter_than_a_header_closes_the_connection) {
  for (const std::size_t octets : {0U, 1U, 11U}) {
    Peer client{at_};
    client.send_frame(Octets(octets));
    ASSERT_TRUE(run_until([&] { return client.closed(); })) << octets;
  }
  EXPECT_TRUE(resolver_.asked.empty());
  EXPECT_EQ(counters_.closed_malformed, 3U);
}

TEST_F(StreamServerTest, a_new_resolver_gets_what_the_former_one_left_unanswered) {
  Peer client{at_};
  for (std::uint16_t id = 1; id <= 3; ++id) client.send_frame(query(id));
  ASSERT_TRUE(asked(3));
  give(resolver_.asked[1]);
  const auto former = std::exchange(resolver_.asked, {});

  server_->resend_all();
  ASSERT_EQ(resolver_.asked.size(), 2U);
  EXPECT_EQ(resolver_.asked[0].id, former[0].id);
  EXPECT_EQ(resolver_.asked[1].id, former[2].id);
  EXPECT_EQ(resolver_.asked[0].query, former[0].query);
  for (const auto& again : resolver_.asked) give(again);
  ASSERT_TRUE(run_until([&] { return client.messages().size() == 3; }));
}

TEST_F(StreamServerTest, while_the_resolver_is_away_queries_wait_and_reading_pauses) {
  resolver_.takes = false;
  Peer first{at_};
  Peer second{at_};
  for (std::uint16_t id = 0; id < 10; ++id) {
    first.send_frame(query(id));
    second.send_frame(query(static_cast<std::uint16_t>(100 + id)));
  }
  ASSERT_TRUE(run_until([&] { return server_->waiting_queries() == 1; }));
  settle();
  EXPECT_EQ(server_->waiting_queries(), 1U);  // one that could not be handed over is enough to stop reading

  resolver_.takes = true;
  server_->resend_all();
  ASSERT_TRUE(asked(20));
  std::set<AskId> ids;
  for (const auto& asked : resolver_.asked) ids.insert(asked.id);
  EXPECT_EQ(ids.size(), 20U);
  const auto all = resolver_.asked;
  for (const auto& asked : all) give(asked);
  ASSERT_TRUE(run_until([&] { return first.messages().size() == 10 && second.messages().size() == 10; }));
}

TEST_F(StreamServerTest, each_answer_finds_its_asker_whoever_leaves_in_between) {
  std::mt19937 random{4711};
  limit(Limit::connections_per_client, 1000);
  std::vector<std::unique_ptr<Peer>> clients;
  std::map<std::uint16_t, std::size_t> owner;  // of the DNS id of each query
  std::size_t answered = 0;
  for (std::uint16_t round = 0; round < 3000; ++round) {
    const std::size_t place = random() % 50;
    if (clients.size() <= place) clients.resize(place + 1);
    if (!clients[place]) clients[place] = std::make_unique<Peer>(at_);
    clients[place]->send_frame(query(round));
    settle();
    if (random() % 8 == 0) clients[random() % clients.size()].reset();
    if (random() % 2 == 0 && !resolver_.asked.empty()) {
      const std::size_t which = random() % resolver_.asked.size();
      give(resolver_.asked[which]);
      resolver_.asked.erase(resolver_.asked.begin() + static_cast<std::ptrdiff_t>(which));
    }
    owner[round] = place;
    for (std::size_t i = 0; i < clients.size(); ++i) {
      if (!clients[i]) continue;
      for (const Octets& message : clients[i]->messages()) ASSERT_EQ(owner.at(id_of(message)), i);
      answered += clients[i]->messages().size();
    }
  }
  EXPECT_GT(answered, 100U);
}

/// After a while in which it asks nothing, and again after each question; never while it waits for an answer.
TEST_F(StreamServerTest, idle_connections_rest_until_they_ask) {
  Peer quiet{at_};
  Peer asking{at_};
  ASSERT_TRUE(run_until([&] { return server_->resting() == 2; }));
  asking.send_frame(query(1));
  ASSERT_TRUE(asked(1));
  EXPECT_EQ(server_->resting(), 1U);
  give(resolver_.asked[0]);
  ASSERT_TRUE(run_until([&] { return asking.messages().size() == 1; }));
  EXPECT_TRUE(run_until([&] { return server_->resting() == 2; }));
}

/// However many become idle together: the loop belongs to others, too.
TEST_F(StreamServerTest, few_idle_connections_rest_in_one_turn) {
  std::vector<std::unique_ptr<Peer>> peers;
  for (unsigned i = 0; i < 30; ++i) peers.push_back(std::make_unique<Peer>(at_));
  ASSERT_TRUE(open_connections(peers.size()));
  std::size_t most = 0;
  const auto end = Clock::now() + 10s;
  for (std::size_t before = server_->resting(); before < peers.size() && Clock::now() < end;
       before = server_->resting()) {
    loop_.restart();
    loop_.run_one_for(10ms);
    most = std::max(most, server_->resting() - before);
  }
  EXPECT_EQ(server_->resting(), peers.size());
  EXPECT_GT(most, 0U);
  EXPECT_LE(most, 16U);
}

TEST_F(StreamServerTest, a_dropped_listener_answers_what_was_asked_and_accepts_no_more) {
  Peer client{at_};
  client.send_frame(query(1));
  ASSERT_TRUE(asked(1));
  server_->drop_listener(listener);
  settle();
  EXPECT_FALSE(client.closed());
  give(resolver_.asked[0]);
  ASSERT_TRUE(run_until([&] { return client.closed(); }));
  EXPECT_EQ(client.messages().size(), 1U);
  Socket late{::socket(AF_INET, SOCK_STREAM, 0)};
  const SocketAddress to = to_socket_address(at_);
  EXPECT_NE(::connect(late.get(), to.get(), to.octets), 0);
}

TEST_F(StreamServerTest, stopping_answers_what_was_asked_and_does_not_wait_for_the_idle) {
  Peer asking{at_};
  Peer idle{at_};
  asking.send_frame(query(1));
  ASSERT_TRUE(asked(1));
  ASSERT_TRUE(open_connections(2));
  bool stopped = false;
  server_->stop(60s, [&] { stopped = true; });
  settle();
  EXPECT_FALSE(stopped);
  give(resolver_.asked[0]);
  ASSERT_TRUE(run_until([&] { return stopped; }));
  EXPECT_EQ(asking.messages().size(), 1U);
}

TEST_F(StreamServerTest, stopping_does_not_wait_longer_than_its_patience) {
  Peer asking{at_};
  asking.send_frame(query(1));
  ASSERT_TRUE(asked(1));
  bool stopped = false;
  server_->stop(30ms, [&] { stopped = true; });
  EXPECT_TRUE(run_until([&] { return stopped; }));
}

}  // namespace

}  // namespace redoubt::transport::test
