// One question, many packets (docs/security.md, D rows).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/sim/attacks/arms.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

namespace {

using resolver::Limit;

constexpr std::uint64_t most_packets = 60;  // limit upstream-queries

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

}  // namespace redoubt::sim
