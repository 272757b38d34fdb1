// Data that the authority was not asked for (docs/security.md, B rows).
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

}  // namespace redoubt::sim
