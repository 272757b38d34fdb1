// One question, many packets (docs/security.md, D rows).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "appliance/config/compile.hpp"
#include "tests/sim/attacks/arms.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

namespace {

using resolver::Limit;

constexpr std::uint64_t most_packets = 60;         // limit upstream-queries
constexpr std::uint64_t most_milliseconds = 5000;  // what stub resolvers wait

std::uint64_t milliseconds(Duration time) {
  return static_cast<std::uint64_t>(std::chrono::duration_cast<std::chrono::milliseconds>(time).count());
}

/// A site like any other is served.
void shop_is_served(World& world, Findings& findings) {
  world.site("shop.com.", "192.0.2.1");
  findings.answers(world.ask("www.shop.com."), {"www.shop.com. A 192.0.2.80"});
  findings.at_most("packets", world.internet().packets(), 3);
}

}  // namespace

TEST(Attack, D01_nxns_two_hundred_server_names_in_the_victims_zone) {
  in_three_arms(Row{.benign =
                        [](World& world, Findings& findings) {
                          world.site("victim.net.", "192.0.2.9", "ns7 A 192.0.2.77");
                          std::string servers;
                          for (int i = 0; i < 8; ++i) servers += fmt::format("sub NS ns{}.victim.net.\n", i);
                          world.site("shop.com.", "192.0.2.66", servers);
                          world.serve("192.0.2.77", "sub.shop.com.", "www A 192.0.2.80");
                          // One of eight names has an address; five are looked up, so it may take another question to
                          // find it.
                          for (int i = 0; i < 6 && world.ask("www.sub.shop.com.").rcode() != dns::Rcode::noerror; ++i)
                            world.pass(6s);
                          findings.answers(world.ask("www.sub.shop.com."), {"www.sub.shop.com. A 192.0.2.80"});
                        },
                    .attack =
                        [](World& world, Findings& findings) {
                          world.site("victim.net.", "192.0.2.9");
                          std::string servers;
                          for (int i = 0; i < 200; ++i) servers += fmt::format("sub NS fake{}.victim.net.\n", i);
                          world.site("evil.com.", "192.0.2.66", servers);
                          const Answer answer = world.ask("www.sub.evil.com.");
                          findings.holds("the attack reached the victim",
                                         world.internet().packets_to("192.0.2.9") != 0);
                          findings.at_most("packets to the victim", world.internet().packets_to("192.0.2.9"), 10);
                          findings.at_most("packets", answer.packets, most_packets);
                        },
                    .off =
                        [](resolver::Settings& settings) {
                          settings.limits.lift(Limit::nameserver_lookups);
                          settings.limits.lift(Limit::nameservers_kept);
                        }});
}

TEST(Attack, D03_tsuname_zones_that_depend_on_each_other) {
  in_three_arms(Row{.benign =
                        [](World& world, Findings& findings) {
                          // Each other's servers, but with an address at the parent: no cycle.
                          world.delegate("com.", "one.com. NS ns.two.net.");
                          world.delegate("net.", "two.net. NS ns.two.net.\nns.two.net. A 192.0.2.5");
                          world.serve("192.0.2.5", "one.com.", "www A 192.0.2.80");
                          world.serve("192.0.2.5", "two.net.", "ns A 192.0.2.5");
                          findings.answers(world.ask("www.one.com."), {"www.one.com. A 192.0.2.80"});
                        },
                    .attack =
                        [](World& world, Findings& findings) {
                          world.delegate("com.", "one.com. 0 NS ns.two.net.");
                          world.delegate("net.", "two.net. 0 NS ns.one.com.");
                          std::size_t first = 0;
                          for (int client = 0; client < 100; ++client) {
                            world.ask("www.one.com.");
                            if (client == 0) first = world.internet().packets();
                            world.pass(40ms);  // all within the five seconds that failures last
                          }
                          findings.at_most("packets for the first client", first, most_packets);
                          findings.at_most("packets for 99 more within 4 s", world.internet().packets() - first, 0);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.failure_memory = false; }});
}

TEST(Attack, D02_nrdelegation_1500_server_names_that_never_answer) {
  in_three_arms(Row{.benign = shop_is_served,
                    .attack =
                        [](World& world, Findings& findings) {
                          std::string servers;
                          for (int i = 0; i < 1500; ++i) servers += fmt::format("sub NS ns{}.dead.net.\n", i);
                          world.site("evil.com.", "192.0.2.66", servers);
                          world.site("dead.net.", "192.0.2.67").behaves(silent());
                          const Answer answer = world.ask("www.sub.evil.com.");
                          findings.at_most("packets", answer.packets, most_packets);
                          findings.at_most("milliseconds", milliseconds(answer.took), most_milliseconds);
                          std::size_t again = 0;
                          for (int i = 0; i < 48; ++i) {
                            world.pass(100ms);
                            again += world.ask("www.sub.evil.com.").packets;
                          }
                          findings.at_most("packets when asked 48 times more within 4.8 s", again, 0);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.failure_memory = false; }});
}

TEST(Attack, D02_nrdelegation_ends_in_time_by_the_ledger) {
  in_three_arms(Row{.benign = shop_is_served,
                    .attack =
                        [](World& world, Findings& findings) {
                          std::string servers;
                          std::string addresses;
                          for (int i = 0; i < 13; ++i) {
                            servers += fmt::format("sub NS ns{}.evil.com.\n", i);
                            for (int j = 0; j < 6; ++j) addresses += fmt::format("ns{} A 203.0.113.{}\n", i, i * 6 + j);
                          }
                          world.site("evil.com.", "192.0.2.66", servers + addresses);
                          const Answer answer = world.ask("www.sub.evil.com.");
                          findings.at_most("packets", answer.packets, most_packets);
                          findings.at_most("milliseconds", milliseconds(answer.took), most_milliseconds);
                        },
                    .off =
                        [](resolver::Settings& settings) {
                          settings.limits.lift(Limit::upstream_queries);
                          settings.limits.lift(Limit::question_time_ms);
                        }});
}

TEST(Attack, D03_cyclic_delegation_is_seen_at_its_first_turn) {
  in_three_arms(Row{.benign = shop_is_served,
                    .attack =
                        [](World& world, Findings& findings) {
                          world.delegate("com.", "one.com. 0 NS ns.two.net.");
                          world.delegate("net.", "two.net. 0 NS ns.one.com.");
                          findings.at_most("packets", world.ask("www.one.com.").packets, 8);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.cycle_check = false; }});
}

TEST(Attack, D04_idns_delegations_without_end) {
  in_three_arms(
      Row{.benign =
              [](World& world, Findings& findings) {
                // Three glueless delegations that do end.
                world.delegate("com.",
                               "n0.com. NS ns.n1.com.\nn1.com. NS ns.n2.com.\nn2.com. NS ns.n2.com.\n"
                               "ns.n2.com. A 192.0.2.1");
                world.serve("192.0.2.1", "n2.com.", "ns A 192.0.2.1");
                world.serve("192.0.2.1", "n1.com.", "ns A 192.0.2.1");
                world.serve("192.0.2.1", "n0.com.", "www A 192.0.2.80");
                world.serve("192.0.2.1", "n1.com.", "ns A 192.0.2.1");
                findings.answers(world.ask("www.n0.com."), {"www.n0.com. A 192.0.2.80"});
              },
          .attack =
              [](World& world, Findings& findings) {
                // n0.com. → ns.n1.com. → ns.n2.com. …: generated as they are asked for.
                world.internet().server("198.51.100.2").behaves(edits([](const Heard& heard, dns::Message& message) {
                  const std::string name = heard.query.question->name.suffix(2).to_text();
                  const int zone = std::atoi(name.c_str() + 1);
                  message.set_rcode(dns::Rcode::noerror);
                  message.header.authoritative = false;
                  message.authority = records_from_text(fmt::format("{} NS ns.n{}.com.", name, zone + 1));
                }));
                const Answer answer = world.ask("www.n0.com.");
                findings.holds("the attack began", answer.packets >= 5);
                findings.at_most("zones deep", world.internet().packets_to("198.51.100.2"), 8);
                findings.at_most("packets", answer.packets, most_packets);
              },
          .off = [](resolver::Settings& settings) { settings.limits.lift(Limit::nested_depth); }});
}

TEST(Attack, D05_self_pointed_glue_thirteen_names_of_one_address) {
  in_three_arms(Row{.benign = shop_is_served,
                    .attack =
                        [](World& world, Findings& findings) {
                          std::string text;
                          for (int i = 0; i < 13; ++i)
                            text += fmt::format("shop.com. NS ns{0}.shop.com.\nns{0}.shop.com. A 192.0.2.1\n", i);
                          world.delegate("com.", text);
                          world.serve("192.0.2.1", "shop.com.", "").behaves(silent());
                          world.ask("www.shop.com.");
                          findings.at_most("packets to that address", world.internet().packets_to("192.0.2.1"), 3);
                        },
                    .off =
                        [](resolver::Settings& settings) {
                          settings.guards.tries_bound = false;
                          settings.limits.lift(Limit::question_time_ms);
                        }});
}

TEST(Attack, D06_twenty_servers_with_eight_addresses_each_are_cut_to_the_limits) {
  in_three_arms(Row{.benign = shop_is_served,
                    .attack =
                        [](World& world, Findings& findings) {
                          std::string text;
                          for (int i = 0; i < 20; ++i) {
                            text += fmt::format("shop.com. NS s{}.shop.com.\n", i);
                            for (int j = 0; j < 8; ++j) text += fmt::format("s{}.shop.com. A 10.0.{}.{}\n", i, i, j);
                          }
                          world.delegate("com.", text);
                          world.ask("www.shop.com.");
                          const auto cut =
                              world.shared().cache.deepest_delegation(name_from_text("shop.com."), world.clock().now());
                          std::size_t most = 0;
                          for (const auto& server : cut->servers) most = std::max(most, server.addresses.size());
                          findings.at_most("servers kept", cut->servers.size(), 13);
                          findings.at_most("addresses of one server kept", most, 6);
                        },
                    .off =
                        [](resolver::Settings& settings) {
                          settings.limits.lift(Limit::nameservers_kept);
                          settings.limits.lift(Limit::addresses_kept);
                        }});
}

TEST(Attack, D07_null_and_local_addresses_as_glue_are_never_asked) {
  const std::vector<std::string> special{
      "0.0.0.0",   "0.1.2.3",         "127.0.0.1", "127.255.255.255",  "169.254.169.254",
      "224.0.0.1", "239.255.255.255", "240.0.0.1", "255.255.255.255",  "::",
      "::1",       "fe80::1",         "ff02::1",   "::ffff:192.0.2.9", "::ffff:127.0.0.1"};
  in_three_arms(Row{.benign = shop_is_served,
                    .attack =
                        [&special](World& world, Findings& findings) {
                          const bool guarded = !world.settings().do_not_query.empty();
                          const auto builtin = config::builtin_do_not_query();
                          if (guarded) world.settings().do_not_query.assign(builtin.begin(), builtin.end());
                          world.site("shop.com.", "192.0.2.1");
                          world.ask("www.shop.com.");
                          std::size_t packets = 0;
                          for (std::size_t i = 0; i < special.size(); ++i) {
                            world.site(fmt::format("evil{}.com.", i), special[i]);
                            world.ask(fmt::format("www.evil{}.com.", i));
                            packets += world.internet().packets_to(special[i]);
                          }
                          findings.at_most("packets to special addresses", packets, 0);
                          findings.at_most("packets for what was cached", world.ask("www.shop.com.").packets, 0);
                        },
                    .off = [](resolver::Settings& settings) { settings.do_not_query.clear(); }});
}

TEST(Attack, D08_errors_in_rotation_make_no_resend_loop) {
  in_three_arms(Row{.benign =
                        [](World& world, Findings& findings) {
                          world.site("shop.com.", "192.0.2.1").behaves(knows_no_edns());
                          findings.answers(world.ask("www.shop.com."), {"www.shop.com. A 192.0.2.80"});
                        },
                    .attack =
                        [](World& world, Findings& findings) {
                          int turn = 0;
                          world.site("shop.com.", "192.0.2.1").behaves([&turn](const Heard& heard, Reaction& reaction) {
                            switch (turn++ % 4) {
                              case 0:
                                return edits([](const Heard&, dns::Message& message) {
                                  message.edns.emplace();
                                  message.set_rcode(dns::Rcode::badcookie);
                                })(heard, reaction);
                              case 1:
                                return says(dns::Rcode::formerr)(heard, reaction);
                              case 2:
                                return talks_garbage()(heard, reaction);
                              default:
                                return silent()(heard, reaction);
                            }
                          });
                          world.ask("www.shop.com.");
                          findings.at_most("packets to the server", world.internet().packets_to("192.0.2.1"), 4);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.tries_bound = false; }});
}

TEST(Attack, D09_cut_short_by_udp_and_by_tcp) {
  in_three_arms(Row{.benign =
                        [](World& world, Findings& findings) {
                          world.site("shop.com.", "192.0.2.1").behaves(truncates());
                          findings.answers(world.ask("www.shop.com."), {"www.shop.com. A 192.0.2.80"});
                        },
                    .attack =
                        [](World& world, Findings& findings) {
                          world.site("shop.com.", "192.0.2.1").behaves(truncates(true));
                          world.ask("www.shop.com.");
                          findings.at_most("packets to the server", world.internet().packets_to("192.0.2.1"), 2);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.truncation_is_last = false; }});
}

TEST(Attack, D10_connections_that_close_at_once) {
  in_three_arms(Row{
      .benign =
          [](World& world, Findings& findings) {
            world.site("shop.com.", "192.0.2.1").behaves(truncates());
            findings.answers(world.ask("www.shop.com."), {"www.shop.com. A 192.0.2.80"});
          },
      .attack =
          [](World& world, Findings& findings) {
            world.site("shop.com.", "192.0.2.1").behaves(truncates()).behaves([](const Heard& heard, Reaction& out) {
              if (heard.transport == UpstreamTransport::udp) return;
              out.deliveries.clear();
              out.fault = resolver::NetworkFault::closed_early;
            });
            world.ask("www.shop.com.");
            const auto connects = std::ranges::count_if(
                world.internet().heard(), [](const Heard& heard) { return heard.transport != UpstreamTransport::udp; });
            findings.at_most("connections", static_cast<std::uint64_t>(connects), 3);
          },
      .off = [](resolver::Settings& settings) { settings.guards.tries_bound = false; }});
}

TEST(Attack, D12_primitives_together_spend_one_ledger) {
  in_three_arms(
      Row{.benign = shop_is_served,
          .attack =
              [](World& world, Findings& findings) {
                // Aliases, each into a zone of many server names without address, in the victim's zone.
                world.site("victim.net.", "192.0.2.9");
                std::string text;
                for (int i = 0; i < 12; ++i) text += fmt::format("a{0}.z{0} 0 CNAME a{1}.z{1}.evil.com.\n", i, i + 1);
                for (int i = 0; i < 13; ++i) {
                  for (int j = 0; j < 13; ++j) text += fmt::format("z{0} NS f{0}x{1}.victim.net.\n", i, j);
                }
                world.site("evil.com.", "192.0.2.66", text);
                // And aliases at the cuts' own parent, across minimised labels.
                std::string deep;
                for (int i = 0; i < 12; ++i)
                  deep += fmt::format("b{0}.x.x.x.x{0} 0 CNAME b{1}.x.x.x.x{1}.mean.org.\n", i, i + 1);
                deep += "b12.x.x.x.x12 0 CNAME a0.z0.evil.com.\n";
                world.site("mean.org.", "192.0.2.67", deep);
                std::size_t most = 0;
                for (const char* name : {"a0.z0.evil.com.", "b0.x.x.x.x0.mean.org.", "b6.x.x.x.x6.mean.org."}) {
                  const std::size_t before = world.internet().packets_to("192.0.2.9");
                  findings.at_most("packets", world.ask(name).packets, most_packets);
                  most = std::max(most, world.internet().packets_to("192.0.2.9") - before);
                }
                findings.at_most("packets to the victim for one question", most, 10);
              },
          .off =
              [](resolver::Settings& settings) {
                for (const Limit limit : {Limit::upstream_queries, Limit::nameserver_lookups, Limit::alias_steps})
                  settings.limits.lift(limit);
              }});
}

TEST(Attack, D13_a_name_of_120_labels) {
  std::string name;
  for (int i = 0; i < 118; ++i) name += "a.";
  name += "shop.com.";
  in_three_arms(Row{.benign =
                        [](World& world, Findings& findings) {
                          world.site("shop.com.", "192.0.2.1", "a.b.c.d.e A 192.0.2.80");
                          findings.answers(world.ask("a.b.c.d.e.shop.com."), {"a.b.c.d.e.shop.com. A 192.0.2.80"});
                        },
                    .attack =
                        [&name](World& world, Findings& findings) {
                          world.site("shop.com.", "192.0.2.1", std::string{name} + " A 192.0.2.80");
                          findings.at_most("packets", world.ask(name).packets, 13);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.minimisation_bound = false; }});
}

TEST(Attack, D20_the_name_of_a_name_server_is_an_alias) {
  in_three_arms(Row{.benign =
                        [](World& world, Findings& findings) {
                          world.site("hoster.net.", "192.0.2.1", "ns1 A 192.0.2.53");
                          world.serve("192.0.2.53", "shop.com.", "www A 192.0.2.80");
                          world.delegate("com.", "shop.com. NS ns1.hoster.net.");
                          findings.answers(world.ask("www.shop.com."), {"www.shop.com. A 192.0.2.80"});
                        },
                    .attack =
                        [](World& world, Findings& findings) {
                          world.site("hoster.net.", "192.0.2.1", "ns1 CNAME real\nreal A 192.0.2.53");
                          world.delegate("com.", "shop.com. NS ns1.hoster.net.");
                          world.ask("www.shop.com.");
                          findings.at_most("packets to where the alias leads",
                                           world.internet().packets_to("192.0.2.53"), 0);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.plain_server_names = false; }});
}

}  // namespace redoubt::sim
