// Data that the authority was not asked for (docs/security.md, B rows).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/sim/attacks/arms.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

namespace {

const std::vector<std::string> bank_answer{"www.bank.net. A 192.0.2.80"};

/// The victim, and a zone whose server says `records` beside its honest answer.
void bank_and_its_enemy(World& world, std::function<void(dns::Message&)> edit) {
  world.site("bank.net.", "192.0.2.2");
  world.site("evil.com.", "192.0.2.66").behaves(edits_for("www.evil.com.", std::move(edit)));
}

/// A stub zone of the site's own.
void route_lan(World& world) {
  resolver::Route route;
  route.zone = name_from_text("lan.");
  route.kind = resolver::RouteKind::stub;
  route.to.push_back(*dns::Endpoint::from_text("10.0.0.1", 53));
  world.settings().routes = resolver::Routes{{route}};
}

void both_are_served(World& world, Findings& findings) {
  bank_and_its_enemy(world, [](dns::Message&) {});
  findings.answers(world.ask("www.evil.com."), {"www.evil.com. A 192.0.2.80"});
  findings.answers(world.ask("www.bank.net."), bank_answer);
}

}  // namespace

TEST(Attack, B01_records_of_other_zones_in_an_answer_are_not_taken) {
  in_three_arms(Row{.benign = both_are_served,
                    .attack =
                        [](World& world, Findings& findings) {
                          bank_and_its_enemy(world, [](dns::Message& message) {
                            message.answer =
                                records_from_text("www.evil.com. CNAME www.bank.net.\nwww.bank.net. A 192.0.2.66");
                          });
                          world.ask("www.evil.com.");
                          findings.answers(world.ask("www.bank.net."), bank_answer);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.bailiwick = false; }});
}

TEST(Attack, B02_referrals_beside_and_above_are_none) {
  in_three_arms(Row{
      .benign =
          [](World& world, Findings& findings) {
            world.site("shop.com.", "192.0.2.1", "sub NS ns.sub\nns.sub A 192.0.2.3");
            world.serve("192.0.2.3", "sub.shop.com.", "www A 192.0.2.80");
            findings.answers(world.ask("www.sub.shop.com."), {"www.sub.shop.com. A 192.0.2.80"});
          },
      .attack =
          [](World& world, Findings& findings) {
            // The zone delegates itself to itself with a long TTL, its neighbour, and two names at once.
            for (const char* authority : {"evil.com. 86400 NS ns.evil.com.", "sub.evil.com. NS ns.evil.com.",
                                          "www.evil.com. NS ns.evil.com.\nevil.com. 86400 NS ns.evil.com."}) {
              world.shared().cache.flush(name_from_text("evil.com."), true);
              bank_and_its_enemy(world, [authority](dns::Message& message) {
                message.answer.clear();
                message.header.authoritative = false;
                message.authority = records_from_text(authority);
                message.additional = records_from_text("ns.evil.com. A 192.0.2.66");
              });
              world.ask("www.evil.com.");
              const auto cut =
                  world.shared().cache.deepest_delegation(name_from_text("www.evil.com."), world.clock().now());
              findings.holds("the cut is the parent's and its time too", cut &&
                                                                             cut->zone == name_from_text("evil.com.") &&
                                                                             cut->expires <= world.clock().now() + 1h);
              findings.holds("no neighbour is delegated",
                             world.shared()
                                     .cache.deepest_delegation(name_from_text("x.sub.evil.com."), world.clock().now())
                                     ->zone != name_from_text("sub.evil.com."));
            }
          },
      .off = [](resolver::Settings& settings) { settings.guards.strict_referrals = false; }});
}

TEST(Attack, B03_promiscuous_glue_for_the_victims_server) {
  in_three_arms(
      Row{.benign = both_are_served,
          .attack =
              [](World& world, Findings& findings) {
                world.serve("192.0.2.66", "bank.net.", "www A 192.0.2.66");
                world.serve("192.0.2.66", "sub.evil.com.", "www A 192.0.2.66");
                world.site("bank.net.", "192.0.2.2");
                world.site("evil.com.", "192.0.2.65").behaves(edits_for("www.sub.evil.com.", [](dns::Message& message) {
                  message.answer.clear();
                  message.header.authoritative = false;
                  message.set_rcode(dns::Rcode::noerror);
                  message.authority = records_from_text("sub.evil.com. NS ns.bank.net.");
                  message.additional = records_from_text("ns.bank.net. A 192.0.2.66");
                }));
                world.ask("www.sub.evil.com.");
                findings.at_most("packets to the address that the zone gave for another's server",
                                 world.internet().packets_to("192.0.2.66"), 0);
                findings.answers(world.ask("www.bank.net."), bank_answer);
              },
          .off = [](resolver::Settings& settings) { settings.guards.bailiwick = false; }});
}

TEST(Attack, B05_maginot_a_stub_zones_server_speaks_of_others) {
  in_three_arms(Row{
      .benign =
          [](World& world, Findings& findings) {
            route_lan(world);
            world.serve("10.0.0.1", "lan.", "www A 10.0.0.80");
            findings.answers(world.ask("www.lan."), {"www.lan. A 10.0.0.80"});
          },
      .attack =
          [](World& world, Findings& findings) {
            route_lan(world);
            world.site("bank.net.", "192.0.2.2");
            world.serve("10.0.0.1", "lan.", "out CNAME www.bank.net.").behaves(edits([](const Heard&, dns::Message& m) {
              for (dns::Record& record : records_from_text("www.bank.net. A 203.0.113.66\nnet. NS ns.lan."))
                m.answer.push_back(std::move(record));
            }));
            world.ask("out.lan.");
            world.ask("lan.", "NS");
            findings.answers(world.ask("www.bank.net."), bank_answer);
          },
      .off = [](resolver::Settings& settings) { settings.guards.bailiwick = false; }});
}

TEST(Attack, B08_referrals_upwards_lead_nowhere) {
  in_three_arms(Row{.benign = both_are_served,
                    .attack =
                        [](World& world, Findings& findings) {
                          world.site("shop.com.", "192.0.2.1").behaves(edits([](const Heard&, dns::Message& message) {
                            message.answer.clear();
                            message.header.authoritative = false;
                            message.set_rcode(dns::Rcode::noerror);
                            message.authority = records_from_text(". NS a.root.");
                            message.additional = records_from_text("a.root. A 192.0.2.66");
                          }));
                          world.ask("www.shop.com.");
                          findings.at_most("packets to the server", world.internet().packets_to("192.0.2.1"), 2);
                          findings.at_most("packets to the false root", world.internet().packets_to("192.0.2.66"), 0);
                        },
                    .off =
                        [](resolver::Settings& settings) {
                          settings.guards.strict_referrals = false;
                          settings.guards.bailiwick = false;
                        }});
}

TEST(Attack, B09_priming_brings_no_server_that_the_hints_do_not_name) {
  const auto primed = [](World& world, std::string_view more) {
    world.settings().prime = true;
    world.site("bank.net.", "192.0.2.2");
    world.site("shop.com.", "192.0.2.1");
    world.serve("192.0.2.66", ".",
                "com. NS ns.com.\nns.com. A 198.51.100.2\nnet. NS ns.net.\nns.net. A 198.51.100.3\n");
    world.internet().server("198.51.100.1") = Server{}.serves(world.zone(
        ".", fmt::format(". NS a.root.\na.root. A 198.51.100.1\n{}"
                         "com. NS ns.com.\nns.com. A 198.51.100.2\nnet. NS ns.net.\nns.net. A 198.51.100.3\n",
                         more)));
    world.ask("www.shop.com.");
    world.run_for(1s);
  };
  in_three_arms(Row{.benign =
                        [&](World& world, Findings& findings) {
                          primed(world, "");
                          findings.answers(world.ask("www.bank.net."), bank_answer);
                        },
                    .attack =
                        [&](World& world, Findings& findings) {
                          primed(world, ". NS evil.root.\nevil.root. A 192.0.2.66\n");
                          for (int i = 0; i < 12; ++i) world.ask(fmt::format("a.nothere{}.", i));
                          findings.at_most("packets to the forged root server",
                                           world.internet().packets_to("192.0.2.66"), 0);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.hinted_root = false; }});
}

TEST(Attack, B11_denials_with_the_zone_above_in_their_soa_are_not_kept) {
  in_three_arms(Row{
      .benign =
          [](World& world, Findings& findings) {
            world.site("shop.com.", "192.0.2.1");
            findings.holds("denied", world.ask("gone.shop.com.").rcode() == dns::Rcode::nxdomain);
            findings.at_most("packets when asked again", world.ask("gone.shop.com.").packets, 0);
          },
      .attack =
          [](World& world, Findings& findings) {
            std::size_t kept = 0;
            for (const char* owner : {"com.", ".", "bank.com.", "net."}) {
              world.site("shop.com.", "192.0.2.1").behaves(edits_for("gone.shop.com.", [owner](dns::Message& message) {
                message.authority = records_from_text(std::string{owner} + " 86400 SOA ns host 1 3600 600 86400 86400");
              }));
              world.ask("gone.shop.com.");
              world.pass(6s);  // failures are remembered for a moment
              kept += world.cached("gone.shop.com.", "A") ? 1 : 0;
              world.shared().cache.flush(name_from_text("shop.com."), true);
            }
            findings.at_most("denials kept", kept, 0);
          },
      .off = [](resolver::Settings& settings) { settings.guards.bailiwick = false; }});
}

TEST(Attack, B11_a_denial_lasts_an_hour_whatever_its_soa_says) {
  in_three_arms(
      Row{.benign = both_are_served,
          .attack =
              [](World& world, Findings& findings) {
                world.site("shop.com.", "192.0.2.1", "@ 9999999 SOA ns host 1 3600 600 86400 9999999");
                findings.at_most("TTL of the denial",
                                 world.ask("gone.shop.com.").message.authority.front().ttl.seconds(), 3600);
              },
          .off = [](resolver::Settings& settings) { settings.negative_max_ttl = dns::Ttl::from_wire(0x7fffffff); }});
}

}  // namespace redoubt::sim
