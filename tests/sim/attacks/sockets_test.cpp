// Forged datagrams at real sockets (docs/security.md, P rows).
#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <limits>
#include <optional>
#include <set>

#include "resolver/iterate/query_message.hpp"
#include "resolver/role/system.hpp"
#include "resolver/role/upstream_datagrams.hpp"
#include "resolver/spawn.hpp"
#include "tests/sim/attacks/arms.hpp"
#include "tests/sim/attacks/own_network.hpp"
#include "tests/unit/resolver_role/scripted_server.hpp"

namespace redoubt::sim {

namespace {

using resolver::answer_to;
using resolver::NetworkFault;
using resolver::OutgoingSettings;
using resolver::Reply;
using resolver::ScriptedServer;
using Octets = std::vector<std::uint8_t>;

/// The resolver's sockets towards servers, and nothing else of it.
class Sockets {
 public:
  explicit Sockets(OutgoingSettings settings) { upstream_.use(std::move(settings)); }

  boost::asio::io_context& loop() { return loop_; }
  const resolver::UpstreamCounts& counts() const { return upstream_.counts(); }
  std::uint32_t below(std::uint32_t bound) { return random_.below(bound); }

  /// Begins an exchange; done is called while the loop runs.
  void begin(const dns::Endpoint& server, std::chrono::milliseconds patience,
             std::function<void(std::expected<Reply, NetworkFault>)> done, bool random_case = true) {
    const dns::Question question{dns::Name::literal("www.example.com"), dns::type::a};
    resolver::spawn(
        loop_,
        upstream_.exchange({server, resolver::UpstreamTransport::udp,
                            resolver::make_query(question, {.edns = true, .random_case = random_case}, random_).wire,
                            std::chrono::steady_clock::now() + patience}),
        [done = std::move(done)](const std::exception_ptr& trouble, std::expected<Reply, NetworkFault> reply) {
          EXPECT_FALSE(trouble);
          done(std::move(reply));
        });
  }
  std::expected<Reply, NetworkFault> exchange(const dns::Endpoint& server, std::chrono::milliseconds patience = 2000ms,
                                              bool random_case = true) {
    std::optional<std::expected<Reply, NetworkFault>> result;
    begin(
        server, patience, [&result](auto reply) { result = std::move(reply); }, random_case);
    while (!result) loop_.run_one();
    return *result;
  }

 private:
  boost::asio::io_context loop_{1};
  resolver::SystemRandom random_;
  resolver::HeldPorts held_;
  resolver::WorkerCounters counters_;
  resolver::UpstreamDatagrams upstream_{loop_.get_executor(), random_, held_, counters_};
};

struct SocketRow {
  std::function<void(Sockets&, Findings&)> benign;
  std::function<void(Sockets&, Findings&)> attack;
  std::function<void(OutgoingSettings&)> off;
  bool chooses_kernel_ports = false;  ///< otherwise with the usual ones and with all: with fresh sockets and kept ones
};

void in_three_arms(const SocketRow& row) {
  const auto arm = [](const std::function<void(Sockets&, Findings&)>& scenario, OutgoingSettings settings) {
    return [scenario, settings](Findings& findings) {
      Sockets sockets{settings};
      scenario(sockets, findings);
    };
  };
  OutgoingSettings unguarded;
  row.off(unguarded);
  const Arms arms{arm(row.benign, {}), arm(row.attack, {}), arm(row.attack, unguarded)};
  if (row.chooses_kernel_ports || !enter_own_network()) return in_three_arms(arms);
  for (const std::uint16_t first : {std::uint16_t{32'768}, std::uint16_t{1024}}) {
    SCOPED_TRACE(fmt::format("the kernel draws from {} on", first));
    static_cast<void>(set_kernel_ports(first, first == 1024 ? 65'535 : 60'999));  // refused: twice the same, then
    in_three_arms(arms);
  }
}

/// The honest reply says NXDOMAIN, so that it is told from a forged one.
Octets honest(Octets query) {
  Octets reply = answer_to(std::move(query));
  reply[3] |= 0x03;
  return reply;
}
bool is_honest(const Reply& reply) { return (reply.message[3] & 0x0f) == 3; }

void honest_servers_are_heard(Sockets& sockets, Findings& findings) {
  ScriptedServer server{sockets.loop(),
                        [](ScriptedServer& me, Octets query, sockaddr_in client) { me.send(honest(query), client); }};
  for (int i = 0; i < 10; ++i) {
    const auto reply = sockets.exchange(server.endpoint());
    findings.holds("the honest reply is taken", reply && is_honest(*reply));
  }
}

/// A socket of somebody who is neither the resolver nor its server.
class Stranger {
 public:
  explicit Stranger(std::uint32_t address, std::uint16_t port = 0)
      : socket_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)} {
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(address);
    here.sin_port = htons(port);
    EXPECT_EQ(bind(socket_, reinterpret_cast<sockaddr*>(&here), sizeof here), 0);
  }
  Stranger(const Stranger&) = delete;
  Stranger& operator=(const Stranger&) = delete;
  ~Stranger() { close(socket_); }

  void send(const Octets& octets, const sockaddr_in& to) {
    sendto(socket_, octets.data(), octets.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }
  /// Whether the machine says that nobody is at that port.
  bool finds_closed(const sockaddr_in& there) {
    connect(socket_, reinterpret_cast<const sockaddr*>(&there), sizeof there);
    ::send(socket_, "x", 1, 0);
    std::uint8_t octet = 0;
    return recv(socket_, &octet, 1, 0) < 0 && errno == ECONNREFUSED;
  }

 private:
  int socket_;
};

}  // namespace

TEST(Attack, P01_kaminsky_races_for_a_port_and_an_id) {
  constexpr unsigned forgeries = 60;              // before the honest reply is there
  constexpr std::uint16_t guessed_port = 20'000;  // which the kernel gives no server
  const auto races = [](Sockets& sockets, Findings& findings, bool random_case) {
    ScriptedServer server{sockets.loop(), [&](ScriptedServer& me, Octets query, sockaddr_in client) {
                            Octets forged = answer_to(query);
                            for (std::size_t i = 12; i < 28; ++i)
                              forged[i] = static_cast<std::uint8_t>(std::tolower(forged[i]));  // as he asked it
                            sockaddr_in guess = client;
                            guess.sin_port = htons(guessed_port);
                            for (unsigned i = 0; i < forgeries; ++i) {
                              forged[0] = static_cast<std::uint8_t>(sockets.below(256));
                              forged[1] = static_cast<std::uint8_t>(sockets.below(256));
                              me.send(forged, guess);
                            }
                            me.send(honest(std::move(query)), client);
                          }};
    std::uint64_t believed = 0;
    for (unsigned race = 0; race < (random_case ? 3000 : 20'000) && believed == 0; ++race) {
      const auto reply = sockets.exchange(server.endpoint(), 2000ms, random_case);
      if (reply && !is_honest(*reply)) ++believed;
    }
    findings.at_most("forgeries believed", believed, 0);
  };
  in_three_arms(Arms{[](Findings& findings) {
                       Sockets sockets{{}};
                       honest_servers_are_heard(sockets, findings);
                     },
                     [&](Findings& findings) {
                       Sockets sockets{{}};
                       races(sockets, findings, true);
                     },
                     [&](Findings& findings) {
                       OutgoingSettings one_port;
                       one_port.first_port = one_port.last_port = guessed_port;
                       Sockets sockets{one_port};
                       races(sockets, findings, false);
                     }});
}

TEST(Attack, P05_a_kernel_that_draws_from_a_hundred_ports) {
  if (!enter_own_network() || !set_kernel_ports(40'000, 40'099)) GTEST_SKIP() << "no network namespace to be had here";
  in_three_arms(SocketRow{.benign = honest_servers_are_heard,
                          .attack =
                              [](Sockets& sockets, Findings& findings) {
                                std::set<std::uint16_t> ports;
                                ScriptedServer server{sockets.loop(),
                                                      [&ports](ScriptedServer& me, Octets query, sockaddr_in client) {
                                                        ports.insert(ntohs(client.sin_port));
                                                        me.send(honest(std::move(query)), client);
                                                      }};
                                for (int i = 0; i < 4000; ++i)
                                  findings.holds("answered", sockets.exchange(server.endpoint()).has_value());
                                // Of 64,512 ports, 4000 draws hit 3878 different ones on average.
                                findings.at_least("different ports of 4000 queries", ports.size(), 3800);
                              },
                          .off = [](OutgoingSettings& settings) { settings.guards.own_ports = false; },
                          .chooses_kernel_ports = true});
}

TEST(Attack, P07_sad_dns_a_stranger_probes_the_port) {
  in_three_arms(SocketRow{.benign = honest_servers_are_heard,
                          .attack =
                              [](Sockets& sockets, Findings& findings) {
                                std::uint64_t told = 0;
                                ScriptedServer server{
                                    sockets.loop(), [&told](ScriptedServer& me, Octets query, sockaddr_in client) {
                                      sockaddr_in closed = client;
                                      closed.sin_port = htons(1);
                                      const bool open_looks_closed = Stranger{0x7f000009}.finds_closed(client);
                                      const bool closed_looks_closed = Stranger{0x7f000009}.finds_closed(closed);
                                      told += open_looks_closed == closed_looks_closed ? 0 : 1;
                                      me.send(honest(std::move(query)), client);
                                    }};
                                for (int i = 0; i < 20; ++i)
                                  findings.holds("answered", sockets.exchange(server.endpoint()).has_value());
                                findings.at_most("open ports told from closed ones, of 20", told, 0);
                              },
                          .off = [](OutgoingSettings& settings) { settings.guards.connected_sockets = false; }});
}

TEST(Attack, P08_forged_icmp_leaves_no_path_mtu_behind) {
  if (!enter_own_network()) GTEST_SKIP() << "no network namespace to be had here";
  static std::uint32_t host = 0x7f000801;  // the kernel remembers for ten minutes: another server for each arm
  in_three_arms(SocketRow{.benign = honest_servers_are_heard,
                          .attack =
                              [](Sockets& sockets, Findings& findings) {
                                std::uint64_t sent = 0;
                                ScriptedServer server{sockets.loop(),
                                                      [&sent](ScriptedServer& me, Octets query, sockaddr_in client) {
                                                        for (int i = 0; i < 100; ++i)
                                                          sent += forge_fragmentation_needed(ntohs(client.sin_port),
                                                                                             me.endpoint(), 600)
                                                                      ? 1
                                                                      : 0;
                                                        me.send(honest(std::move(query)), client);
                                                      },
                                                      host++};
                                const unsigned before = path_mtu(server.endpoint());
                                std::uint64_t answered = 0;
                                for (int i = 0; i < 10; ++i) answered += sockets.exchange(server.endpoint()) ? 1 : 0;
                                findings.holds("1000 forged messages are sent", sent >= 1000);
                                findings.at_least("path MTU, as before", path_mtu(server.endpoint()), before);
                                findings.at_least("exchanges answered of 10", answered, 10);
                                findings.at_most("queries", server.queries, 10);
                              },
                          .off = [](OutgoingSettings& settings) { settings.guards.path_mtu_ignored = false; }});
}

TEST(Attack, P09_wrong_ids_at_the_right_port) {
  in_three_arms(
      SocketRow{.benign =
                    [](Sockets& sockets, Findings& findings) {
                      ScriptedServer server{sockets.loop(), [](ScriptedServer& me, Octets query, sockaddr_in client) {
                                              Octets late = answer_to(query);  // to an earlier query, by the look of it
                                              late[0] ^= 1;
                                              me.send(late, client);
                                              me.send(honest(std::move(query)), client);
                                            }};
                      const auto reply = sockets.exchange(server.endpoint());
                      findings.holds("a single wrong reply is waited past", reply && is_honest(*reply));
                    },
                .attack =
                    [](Sockets& sockets, Findings& findings) {
                      ScriptedServer server{sockets.loop(), [](ScriptedServer& me, Octets query, sockaddr_in client) {
                                              Octets forged = answer_to(query);
                                              for (unsigned i = 1; i <= 200; ++i) {
                                                forged[0] = static_cast<std::uint8_t>(query[0] + i);
                                                me.send(forged, client);
                                              }
                                            }};
                      const auto reply = sockets.exchange(server.endpoint(), 200ms);
                      findings.holds("goes on by TCP", !reply && reply.error() == NetworkFault::spoofed);
                      findings.at_most("guesses looked at, of 200", sockets.counts().mismatched, 64);
                    },
                .off = [](OutgoingSettings& settings) { settings.guards.mismatch_bound = false; }});
}

TEST(Attack, P13_a_datagram_longer_than_what_was_advertised) {
  const auto of_octets = [](Sockets& sockets, std::size_t octets) {
    ScriptedServer server{sockets.loop(), [octets](ScriptedServer& me, Octets query, sockaddr_in client) {
                            Octets reply = answer_to(std::move(query));
                            reply.resize(octets);
                            me.send(reply, client);
                          }};
    const auto reply = sockets.exchange(server.endpoint(), 100ms);
    return reply ? reply->message.size() : 0;
  };
  in_three_arms(SocketRow{
      .benign = [&](Sockets& sockets,
                    Findings& findings) { findings.at_least("octets taken", of_octets(sockets, 1232), 1232); },
      .attack =
          [&](Sockets& sockets, Findings& findings) {
            for (const std::size_t octets : {1233U, 1500U, 3000U, 60'000U})
              findings.at_most(fmt::format("octets taken of {}", octets), of_octets(sockets, octets), 0);
          },
      .off = [](OutgoingSettings& settings) { settings.guards.datagram_bound = false; }});
}

TEST(Attack, P17_queries_without_number_leave_ports_to_guess) {
  const auto flood = [](Sockets& sockets, Findings& findings) {
    std::multiset<std::uint16_t> held;
    ScriptedServer server{sockets.loop(), [&held](ScriptedServer&, const Octets&, sockaddr_in client) {
                            held.insert(ntohs(client.sin_port));
                          }};
    unsigned ended = 0;
    for (int i = 0; i < 300; ++i) sockets.begin(server.endpoint(), 500ms, [&ended](const auto&) { ++ended; });
    while (ended < 300) sockets.loop().run_one();
    findings.at_most("ports held at once by 300 queries", held.size(), 100);
    findings.at_most("ports that two of them share", held.size() - std::set(held.begin(), held.end()).size(), 0);
  };
  OutgoingSettings few;
  few.max_open = 100;  // as a whole resolver has 2048: 62,464 ports are left, 15.9 bits
  in_three_arms(Arms{[](Findings& findings) {
                       Sockets sockets{{}};
                       honest_servers_are_heard(sockets, findings);
                     },
                     [&](Findings& findings) {
                       Sockets sockets{few};
                       flood(sockets, findings);
                     },
                     [&](Findings& findings) {
                       OutgoingSettings many;
                       many.max_open = std::numeric_limits<std::uint32_t>::max();
                       Sockets sockets{many};
                       flood(sockets, findings);
                     }});
}

TEST(Attack, P18_replies_from_other_addresses_and_ports) {
  in_three_arms(SocketRow{
      .benign = honest_servers_are_heard,
      .attack =
          [](Sockets& sockets, Findings& findings) {
            std::uint64_t taken = 0;
            constexpr std::pair<std::uint32_t, bool> strangers[]{{0x7f000002, true},  {0x7f000002, false},
                                                                 {0x7f000001, false}, {0x7ffffffe, true},
                                                                 {0x7ffffffe, false}, {0x7f000035, true}};
            for (const auto& [address, has_port] : strangers) {
              ScriptedServer server{
                  sockets.loop(), [&](ScriptedServer& me, Octets query, sockaddr_in client) {
                    Stranger{address, has_port ? me.endpoint().port : std::uint16_t{0}}.send(answer_to(query), client);
                    me.send(honest(std::move(query)), client);
                  }};
              const auto reply = sockets.exchange(server.endpoint());
              taken += reply && is_honest(*reply) ? 0 : 1;
            }
            findings.at_most("replies of strangers taken, of 6", taken, 0);
          },
      .off = [](OutgoingSettings& settings) { settings.guards.connected_sockets = false; }});
}

}  // namespace redoubt::sim
