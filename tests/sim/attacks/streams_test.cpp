// Clients of streams who take what is not theirs (docs/security.md, X rows).
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>

#include "tests/sim/attacks/arms.hpp"
#include "tests/unit/transport/server_fixture.hpp"

namespace redoubt::sim {

namespace {

using namespace std::chrono_literals;
using transport::Limit;
using transport::test::framed;
using transport::test::Octets;
using transport::test::Peer;

constexpr std::uint64_t lifted = 1'000'000'000;

/// The server of streams on loopback, before a resolver that each scenario plays itself.
class Streams final : public transport::test::ServerTest {
 public:
  Streams() { SetUp(); }
  void TestBody() override {}

  using LoopTest::run_until;
  using LoopTest::settle;
  using ServerTest::asked;
  using ServerTest::at_;
  using ServerTest::counters_;
  using ServerTest::give;
  using ServerTest::limit;
  using ServerTest::limits_;
  using ServerTest::resolver_;
  using ServerTest::server_;

  /// Whether somebody who has nothing to do with all that gets an answer now.
  bool serves_an_honest_client() {
    Peer honest{at_, "127.0.2.1"};
    honest.send_frame(transport::test::query(4711));
    return run_until(
        [&] {
          for (const auto& asked : std::exchange(resolver_.asked, {})) give(asked);
          return honest.messages().size() == 1;
        },
        2s);
  }
};

struct StreamRow {
  std::function<void(Streams&, Findings&)> attack;
  /// The limits that hold, as small as suits a test.
  std::vector<std::pair<Limit, std::uint64_t>> limits{};
  std::vector<Limit> off;
};

/// A busy client, one that takes its time, one of a single question: the limits must not keep them from being served.
void honest_clients_are_served(Streams& streams, Findings& findings) {
  for (int i = 0; i < 10; ++i) findings.holds("a client of one question is served", streams.serves_an_honest_client());
  Peer busy{streams.at_};
  for (std::uint16_t id = 0; id < 100; ++id) busy.send_frame(transport::test::query(id));
  findings.holds("a client of a hundred questions is served", streams.run_until([&] {
    for (const auto& asked : std::exchange(streams.resolver_.asked, {})) streams.give(asked);
    return busy.messages().size() == 100;
  }));
  Peer slow{streams.at_};
  for (const std::uint8_t octet : framed(transport::test::query(1))) {
    slow.send({&octet, 1});
    streams.settle();
  }
  findings.holds("a client that sends octet by octet is served", streams.run_until([&] {
    for (const auto& asked : std::exchange(streams.resolver_.asked, {})) streams.give(asked);
    return slow.messages().size() == 1;
  }));
}

void in_three_arms(const StreamRow& row) {
  const auto arm = [&row](const std::function<void(Streams&, Findings&)>& scenario, bool guarded) {
    return [&row, scenario, guarded](Findings& findings) {
      Streams streams;
      for (const auto& [limit, value] : row.limits) streams.limit(limit, value);
      for (const Limit limit : guarded ? std::vector<Limit>{} : row.off) streams.limit(limit, lifted);
      scenario(streams, findings);
    };
  };
  in_three_arms(Arms{arm(honest_clients_are_served, true), arm(row.attack, true), arm(row.attack, false)});
}

/// Milliseconds until the client is closed; 1000 when it is not within a second.
std::uint64_t until_closed(
    Streams& streams, Peer& client, const std::function<void()>& meanwhile = [] {}) {
  const auto begin = transport::Clock::now();
  const bool closed = streams.run_until(
      [&] {
        meanwhile();
        return client.closed();
      },
      1s);
  if (!closed) return 1000;
  return static_cast<std::uint64_t>((transport::Clock::now() - begin) / 1ms);
}

}  // namespace

TEST(Attack, X01_connections_of_a_few_clients_without_end) {
  in_three_arms(StreamRow{.attack =
                              [](Streams& streams, Findings& findings) {
                                std::vector<std::unique_ptr<Peer>> flood;
                                std::size_t most = 0;
                                for (int i = 0; i < 2000; ++i) {
                                  if (flood.size() >= 300) flood.erase(flood.begin());
                                  flood.push_back(
                                      std::make_unique<Peer>(streams.at_, fmt::format("127.0.1.{}", 1 + i % 4)));
                                  if (i % 3 == 0)
                                    flood.back()->send(Octets{0x00});  // holds its place with half a length
                                  streams.settle();
                                  most = std::max(most, streams.server_->connections());
                                  if (i % 500 == 499)
                                    findings.holds("an honest client is served", streams.serves_an_honest_client());
                                }
                                findings.at_most("connections of four clients at once, of 2000", most, 4 * 32 + 1);
                              },
                          .limits = {{Limit::connections, 1024}},
                          .off = {Limit::connections_per_client}});
}

TEST(Attack, X01_connections_of_a_thousand_clients) {
  in_three_arms(StreamRow{.attack =
                              [](Streams& streams, Findings& findings) {
                                std::vector<std::unique_ptr<Peer>> flood;
                                std::size_t most = 0;
                                for (int i = 0; i < 1000; ++i) {
                                  if (flood.size() >= 300) flood.erase(flood.begin());
                                  flood.push_back(std::make_unique<Peer>(
                                      streams.at_, fmt::format("127.1.{}.{}", i / 250, 1 + i % 250)));
                                  streams.settle();
                                  most = std::max(most, streams.server_->connections());
                                }
                                findings.at_most("connections at once, of 1000", most, 100);
                                findings.holds("an honest client is served", streams.serves_an_honest_client());
                              },
                          .limits = {{Limit::connections, 100}},
                          .off = {Limit::connections}});
}

TEST(Attack, X02_ten_thousand_pipelined_queries) {
  in_three_arms(StreamRow{.attack =
                              [](Streams& streams, Findings& findings) {
                                Octets all;
                                for (std::uint16_t id = 0; id < 10'000; ++id) {
                                  const Octets frame = framed(transport::test::query(id));
                                  all.insert(all.end(), frame.begin(), frame.end());
                                }
                                Peer client{streams.at_};
                                std::size_t sent = 0;
                                for (int i = 0; i < 300 && sent < all.size(); ++i) {
                                  sent += client.send(std::span{all}.subspan(sent));
                                  streams.settle();
                                }
                                findings.at_most("queries in flight", streams.resolver_.asked.size(), 20);
                                findings.at_most("octets of them held", streams.server_->waiting_octets(), 20 * 512);
                              },
                          .off = {Limit::queries_in_flight}});
}

TEST(Attack, X03_half_a_message_and_silence) {
  in_three_arms(StreamRow{.attack =
                              [](Streams& streams, Findings& findings) {
                                Octets half = framed(transport::test::query(1));
                                half.resize(20);
                                for (const Octets& octets : {Octets{0x00}, Octets{0xff, 0xff}, half}) {
                                  Peer client{streams.at_};
                                  client.send(octets);
                                  findings.at_most(fmt::format("ms until {} octets' sender is closed", octets.size()),
                                                   until_closed(streams, client), 500);
                                }
                              },
                          .limits = {{Limit::message_time, 100}},
                          .off = {Limit::message_time}});
}

TEST(Attack, X03_an_octet_now_and_then) {
  in_three_arms(StreamRow{.attack =
                              [](Streams& streams, Findings& findings) {
                                Peer client{streams.at_};
                                const Octets drip{0xff};
                                findings.at_most("ms until the dripping client is closed",
                                                 until_closed(streams, client, [&] { client.send(drip); }), 500);
                              },
                          .limits = {{Limit::message_time, 100}},
                          .off = {Limit::message_time}});
}

TEST(Attack, X03_connections_that_say_nothing) {
  in_three_arms(StreamRow{.attack =
                              [](Streams& streams, Findings& findings) {
                                Peer client{streams.at_};
                                findings.at_most("ms until the idle client is closed", until_closed(streams, client),
                                                 500);
                              },
                          .limits = {{Limit::idle_time, 100}},
                          .off = {Limit::idle_time}});
}

TEST(Attack, X04_answers_that_nobody_reads_are_not_kept) {
  in_three_arms(StreamRow{.attack =
                              [](Streams& streams, Findings& findings) {
                                Peer client{streams.at_, "127.0.0.1", 4096};
                                for (std::uint16_t id = 0; id < 20; ++id) client.send_frame(transport::test::query(id));
                                findings.holds("all are asked", streams.asked(20));
                                const auto all = streams.resolver_.asked;
                                for (const auto& asked : all) {
                                  streams.give(asked, 60'000);
                                  streams.settle();
                                }
                                // Our own 131,072 octets, and what the kernel takes of it.
                                findings.at_most("octets of 1,200,000 that are kept for one who reads none",
                                                 streams.counters_.answers * 60'000, 131'072 + 262'144);
                                findings.holds("an honest client is served", streams.serves_an_honest_client());
                              },
                          .off = {Limit::queued_octets}});
}

TEST(Attack, X04_a_client_that_takes_nothing) {
  in_three_arms(StreamRow{.attack =
                              [](Streams& streams, Findings& findings) {
                                Peer client{streams.at_, "127.0.0.1", 4096};
                                for (std::uint16_t id = 0; id < 3; ++id) client.send_frame(transport::test::query(id));
                                findings.holds("all are asked", streams.asked(3));
                                // More than the kernel takes, less than our queue.
                                const auto all = std::exchange(streams.resolver_.asked, {});
                                for (const auto& asked : all) streams.give(asked, 55'000);
                                const auto begin = transport::Clock::now();
                                streams.run_until([&] { return streams.server_->connections() == 0; }, 1s);
                                findings.at_most("ms until it is closed",
                                                 static_cast<std::uint64_t>((transport::Clock::now() - begin) / 1ms),
                                                 500);
                              },
                          .limits = {{Limit::write_time, 100}},
                          .off = {Limit::write_time}});
}

}  // namespace redoubt::sim
