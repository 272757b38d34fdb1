// What no client of a stream can do to the others (attacks: connection exhaustion, pipelining floods, slowloris, slow
// reading).
#include <fstream>

#include "tests/unit/transport/server_fixture.hpp"

namespace redoubt::transport::test {

namespace {

using ServerLimitsTest = ServerTest;

std::size_t resident_octets() {
  std::ifstream statm{"/proc/self/statm"};
  std::size_t pages = 0;
  statm >> pages >> pages;
  return pages * 4096;
}

TEST_F(ServerLimitsTest, ten_thousand_pipelined_queries_have_twenty_in_flight) {
  constexpr std::size_t count = 10'000;
  Octets all;
  for (std::size_t i = 0; i < count; ++i) {
    const Octets frame = framed(query(static_cast<std::uint16_t>(i)));
    all.insert(all.end(), frame.begin(), frame.end());
  }
  Peer client{at_};
  resolver_.asked.reserve(64);
  ASSERT_TRUE(open_connections(1));
  [[maybe_unused]] const std::size_t before = resident_octets();
  std::size_t sent = 0;
  const auto send_more = [&] { sent += client.send(std::span{all}.subspan(sent)); };
  ASSERT_TRUE(run_until([&] {
    send_more();
    return resolver_.asked.size() == 20;
  }));
  for (int i = 0; i < 100; ++i) {
    send_more();
    settle();
  }
  EXPECT_EQ(resolver_.asked.size(), 20U);
  EXPECT_LT(server_->waiting_octets(), 20 * 512U);
#ifndef REDOUBT_SANITIZED
  EXPECT_LT(resident_octets(), before + 1024 * 1024);
#endif

  std::size_t answered = 0;
  ASSERT_TRUE(run_until(
      [&] {
        if (sent < all.size()) send_more();
        EXPECT_LE(resolver_.asked.size(), 20U);
        answered += resolver_.asked.size();
        for (const auto& asked : std::exchange(resolver_.asked, {})) give(asked);
        return client.messages().size() == count;
      },
      60s));
  EXPECT_EQ(answered, count);
}

TEST_F(ServerLimitsTest, a_few_long_queries_are_as_many_as_a_lot_of_short_ones) {
  Octets longest = query(9);
  longest.resize(65535);
  const Octets frame = framed(longest);
  Peer client{at_};
  std::size_t sent = 0;
  for (int i = 0; i < 2000; ++i) {
    sent += client.send(std::span{frame}.subspan(sent % frame.size()));
    settle();
  }
  ASSERT_GT(sent, 3 * frame.size());
  EXPECT_LE(resolver_.asked.size(), 2U);
}

TEST_F(ServerLimitsTest, all_clients_together_hold_no_more_than_the_limit_and_go_on_when_there_is_room) {
  limit(Limit::waiting_octets, 2000);
  std::vector<std::unique_ptr<Peer>> clients;
  for (int i = 0; i < 30; ++i) {
    clients.push_back(std::make_unique<Peer>(at_));
    for (std::uint16_t id = 0; id < 4; ++id) clients.back()->send_frame(query(id));
  }
  ASSERT_TRUE(run_until([&] { return server_->connections() == 30 && server_->waiting_octets() >= 2000; }));
  settle();
  EXPECT_LT(server_->waiting_octets(), 2000 + 512U);
  std::size_t answered = 0;
  ASSERT_TRUE(run_until([&] {
    EXPECT_LT(server_->waiting_octets(), 2000 + 512U);
    for (const auto& asked : std::exchange(resolver_.asked, {})) {
      give(asked);
      ++answered;
    }
    return answered == 120;
  }));
}

TEST_F(ServerLimitsTest, an_unfinished_message_is_closed_in_time) {
  limit(Limit::message_time, 60);
  const Octets half_length{0x00};
  const Octets length_alone{0xff, 0xff};
  Octets half_message = framed(query(1));
  half_message.resize(20);
  for (const Octets& octets : {half_length, length_alone, half_message}) {
    Peer client{at_};
    client.send(octets);
    EXPECT_TRUE(run_until([&] { return client.closed(); }));
  }
  EXPECT_EQ(counters_.closed_slow, 3U);
}

TEST_F(ServerLimitsTest, dripping_octets_buys_no_time) {
  limit(Limit::message_time, 100);
  Peer client{at_};
  const auto begin = Clock::now();
  const Octets drip{0xff};
  ASSERT_TRUE(run_until([&] {
    client.send(drip);
    return client.closed();
  }));
  EXPECT_LT(Clock::now() - begin, 2s);
  EXPECT_EQ(counters_.closed_slow, 1U);
}

TEST_F(ServerLimitsTest, each_message_has_its_own_time) {
  limit(Limit::message_time, 1000);
  Peer client{at_};
  const Octets frame = framed(query(1));
  const auto begin = Clock::now();
  // The rest of one message and the beginning of the next always come together: something is unfinished all the time.
  client.send(std::span{frame}.first(10));
  std::size_t rounds = 0;
  auto last = Clock::now();
  ASSERT_TRUE(run_until([&] {
    for (const auto& asked : std::exchange(resolver_.asked, {})) give(asked);
    if (Clock::now() - last > 100ms) {
      Octets next{frame.begin() + 10, frame.end()};
      next.insert(next.end(), frame.begin(), frame.begin() + 10);
      client.send(next);
      last = Clock::now();
      ++rounds;
    }
    return Clock::now() - begin > 3000ms || client.closed();
  }));
  EXPECT_FALSE(client.closed());
  EXPECT_GT(rounds, 5U);
}

TEST_F(ServerLimitsTest, an_idle_connection_is_closed_in_time) {
  limit(Limit::idle_time, 60);
  Peer fresh{at_};
  Peer used{at_};
  used.send_frame(query(1));
  ASSERT_TRUE(asked(1));
  ASSERT_TRUE(run_until([&] { return fresh.closed(); }));
  EXPECT_FALSE(used.closed());  // it waits for us, not we for it
  give(resolver_.asked[0]);
  ASSERT_TRUE(run_until([&] { return used.closed(); }));
  EXPECT_EQ(used.messages().size(), 1U);
  EXPECT_EQ(counters_.closed_idle, 2U);
}

TEST_F(ServerLimitsTest, a_full_house_gives_the_idle_less_time) {
  limit(Limit::connections, 10);
  limit(Limit::idle_time_busy, 50);
  std::vector<std::unique_ptr<Peer>> clients;
  for (int i = 0; i < 8; ++i) clients.push_back(std::make_unique<Peer>(at_));
  ASSERT_TRUE(open_connections(8));
  EXPECT_FALSE(run_until([&] { return server_->connections() < 8; }, 200ms));  // at 80 %: not yet
  clients.push_back(std::make_unique<Peer>(at_));
  ASSERT_TRUE(run_until([&] { return counters_.connections_accepted == 9 && server_->connections() == 8; }));
  EXPECT_TRUE(clients.front()->closed());
  EXPECT_FALSE(clients.back()->closed());
}

TEST_F(ServerLimitsTest, one_client_takes_room_from_itself_alone) {
  limit(Limit::connections_per_client, 3);
  Peer other{at_, "127.0.0.2"};
  std::vector<std::unique_ptr<Peer>> mine;
  for (int i = 0; i < 3; ++i) {
    mine.push_back(std::make_unique<Peer>(at_));
    ASSERT_TRUE(open_connections(static_cast<std::size_t>(i) + 2));
  }
  mine[0]->send_frame(query(1));
  ASSERT_TRUE(asked(1));
  mine.push_back(std::make_unique<Peer>(at_));
  ASSERT_TRUE(run_until([&] { return mine[1]->closed(); }));  // the one that has been idle for longest
  EXPECT_FALSE(mine[0]->closed());
  EXPECT_FALSE(mine[2]->closed());
  EXPECT_FALSE(mine[3]->closed());
  EXPECT_FALSE(other.closed());
  EXPECT_EQ(server_->connections(), 4U);

  mine[2]->send_frame(query(2));
  mine[3]->send_frame(query(3));
  ASSERT_TRUE(asked(3));
  Peer over{at_};
  ASSERT_TRUE(run_until([&] { return over.closed(); }));  // nobody is idle: the newcomer goes
  EXPECT_EQ(counters_.connections_refused, 1U);
}

TEST_F(ServerLimitsTest, five_thousand_connections_of_fifty_clients_leave_room_for_an_honest_one) {
  limit(Limit::connections, 200);
  limit(Limit::connections_per_client, 8);
  std::vector<std::unique_ptr<Peer>> flood;
  std::size_t most = 0;
  for (int i = 0; i < 5000; ++i) {
    if (flood.size() >= 400) flood.erase(flood.begin());
    flood.push_back(std::make_unique<Peer>(at_, "127.0.1." + std::to_string(1 + i % 50)));
    if (i % 3 == 0) flood.back()->send(Octets{0x00});  // some hold their place with half a length
    settle();
    most = std::max(most, server_->connections());
    if (i % 500 != 499) continue;
    Peer honest{at_, "127.0.2.1"};
    honest.send_frame(query(1));
    ASSERT_TRUE(run_until([&] { return !resolver_.asked.empty(); }));
    give(resolver_.asked[0]);
    resolver_.asked.clear();
    ASSERT_TRUE(run_until([&] { return honest.messages().size() == 1; }));
  }
  EXPECT_LE(most, 200U);
  EXPECT_EQ(counters_.connections_open, server_->connections());
}

TEST_F(ServerLimitsTest, neighbours_in_an_ipv6_network_are_one_client) {
  const auto address = [](const char* text) { return dns::IpAddress::from_text(text).value(); };
  EXPECT_EQ(client_of(address("2001:db8:0:ab01::1")), client_of(address("2001:db8:0:abff:ffff::2")));
  EXPECT_NE(client_of(address("2001:db8:0:ab00::1")), client_of(address("2001:db8:0:ac00::1")));
  EXPECT_NE(client_of(address("192.0.2.1")), client_of(address("192.0.2.2")));
}

TEST_F(ServerLimitsTest, answers_that_nobody_reads_are_dropped_at_the_limit) {
  Peer client{at_, "127.0.0.1", 4096};
  for (std::uint16_t id = 0; id < 20; ++id) client.send_frame(query(id));
  ASSERT_TRUE(asked(20));
  for (const auto& asked : resolver_.asked) give(asked, 60'000);
  ASSERT_TRUE(open_connections(0));
  EXPECT_EQ(counters_.closed_slow, 1U);
  EXPECT_LT(counters_.answers, 20U);
}

TEST_F(ServerLimitsTest, a_client_that_takes_nothing_is_closed_in_time) {
  limit(Limit::write_time, 80);
  Peer client{at_, "127.0.0.1", 4096};
  Peer honest{at_};
  for (std::uint16_t id = 0; id < 3; ++id) client.send_frame(query(id));
  ASSERT_TRUE(asked(3));
  ASSERT_TRUE(open_connections(2));
  // Enough to fill what the kernel takes of it (64 KiB, and the peer's window), little enough for our queue.
  for (const auto& asked : resolver_.asked) give(asked, 55'000);
  ASSERT_TRUE(open_connections(1));
  EXPECT_EQ(counters_.closed_slow, 1U);
  EXPECT_FALSE(honest.closed());
}

TEST_F(ServerLimitsTest, a_slow_client_that_keeps_taking_is_served) {
  Peer client{at_, "127.0.0.1", 4096};
  std::uint16_t id = 0;
  std::size_t most = 0;
  ASSERT_TRUE(run_until([&] {
    if (id < 100) client.send_frame(query(id++));
    for (const auto& asked : std::exchange(resolver_.asked, {})) give(asked, 8000);
    most = std::max(most, server_->waiting_octets());
    return client.messages().size() == 100;
  }));
  EXPECT_EQ(counters_.closed_slow, 0U);
}

TEST_F(ServerLimitsTest, an_answer_that_never_comes_ends_the_wait) {
  limit(Limit::answer_time, 60);
  Peer client{at_};
  client.send_frame(query(1));
  ASSERT_TRUE(asked(1));
  ASSERT_TRUE(run_until([&] { return client.closed(); }));
  EXPECT_EQ(resolver_.withdrawn, std::vector<AskId>{resolver_.asked[0].id});
  EXPECT_EQ(server_->waiting_queries(), 0U);
}

TEST_F(ServerLimitsTest, a_connection_serves_so_many_queries_and_loses_no_answer) {
  limit(Limit::queries_per_connection, 5);
  Peer client{at_};
  for (std::uint16_t id = 0; id < 12; ++id) client.send_frame(query(id));
  ASSERT_TRUE(asked(5));
  settle();
  EXPECT_EQ(resolver_.asked.size(), 5U);
  for (const auto& asked : resolver_.asked) give(asked);
  ASSERT_TRUE(run_until([&] { return client.closed(); }));
  EXPECT_EQ(client.messages().size(), 5U);
  client.close();
  ASSERT_TRUE(open_connections(0));
}

}  // namespace

}  // namespace redoubt::transport::test
