// Aliases, large answers, octets (docs/security.md, C rows).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/attacks/arms.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

namespace {

using resolver::Limit;

/// a0 → a1 → … from one zone into the other and back.
void chain_across(World& world, int links) {
  std::string ours;
  std::string theirs;
  for (int i = 0; i < links; i += 2) {
    ours += fmt::format("a{} CNAME a{}.victim.net.\n", i, i + 1);
    theirs += fmt::format("a{} CNAME a{}.evil.com.\n", i + 1, i + 2);
  }
  world.site("evil.com.", "192.0.2.1", ours + fmt::format("a{} A 192.0.2.80\n", links));
  world.site("victim.net.", "192.0.2.2", theirs);
}

void four_links_are_followed(World& world, Findings& findings) {
  chain_across(world, 4);
  const Answer answer = world.ask("a0.evil.com.");
  findings.holds("four links and the address", answer.message.answer.size() == 5);
}

std::string records(std::string_view owner, int count) {
  std::string text;
  for (int i = 0; i < count; ++i) text += fmt::format("{} A 203.{}.{}.1\n", owner, i / 250, i % 250);
  return text;
}

}  // namespace

TEST(Attack, C01_dns_unchained_a_thousand_links_across_two_zones) {
  in_three_arms(Row{.benign = four_links_are_followed,
                    .attack =
                        [](World& world, Findings& findings) {
                          chain_across(world, 1000);
                          world.ask("a0.evil.com.");
                          findings.at_most("packets to the victim", world.internet().packets_to("192.0.2.2"), 12);
                          findings.at_most(
                              "packets to both",
                              world.internet().packets_to("192.0.2.1") + world.internet().packets_to("192.0.2.2"), 11);
                        },
                    .off = [](resolver::Settings& settings) { settings.limits.lift(Limit::alias_steps); }});
}

TEST(Attack, C02_names_that_lead_back_to_themselves) {
  in_three_arms(Row{.benign = four_links_are_followed,
                    .attack =
                        [](World& world, Findings& findings) {
                          world.site("shop.com.", "192.0.2.4", "self 0 CNAME self");
                          world.site("one.com.", "192.0.2.1", "r 0 CNAME r.two.net.");
                          world.site("two.net.", "192.0.2.2", "r 0 CNAME r.three.org.");
                          world.site("three.org.", "192.0.2.3", "r 0 CNAME r.one.com.");
                          for (const char* name : {"self.shop.com.", "r.one.com."}) {
                            const Answer answer = world.ask(name);
                            findings.holds("SERVFAIL", answer.rcode() == dns::Rcode::servfail);
                            findings.at_most("octets of the answer", answer.octets, 512);
                          }
                          for (const char* server : {"192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"})
                            findings.at_most("packets to one server of a ring", world.internet().packets_to(server), 1);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.ring_check = false; }});
}

TEST(Attack, C05_rrset_of_three_thousand_records) {
  in_three_arms(Row{.benign =
                        [](World& world, Findings& findings) {
                          world.site("shop.com.", "192.0.2.1", records("big", 90));
                          findings.holds("90 records are served",
                                         world.ask("big.shop.com.").rcode() == dns::Rcode::noerror);
                        },
                    .attack =
                        [](World& world, Findings& findings) {
                          world.site("shop.com.", "192.0.2.1", records("big", 3000));
                          findings.holds("SERVFAIL", world.ask("big.shop.com.").rcode() == dns::Rcode::servfail);
                          findings.holds("nothing is kept", world.shared().cache.counters().octets < 8192);
                          findings.at_most("packets to the server", world.internet().packets_to("192.0.2.1"), 2);
                        },
                    .off = [](resolver::Settings& settings) { settings.limits.lift(Limit::records_per_rrset); }});
}

TEST(Attack, C06_answers_name_hundreds_of_hosts_and_none_is_looked_up) {
  // There is no lookup for additional data that could be switched off: the third arm does the lookups itself.
  const auto hosts = [](World& world) {
    std::string text;
    for (int i = 0; i < 20; ++i) text += fmt::format("@ MX 10 m{0}.victim.net.\n", i);
    world.site("evil.com.", "192.0.2.1", text);
    world.site("victim.net.", "192.0.2.9");
    return world.ask("evil.com.", "MX");
  };
  const auto measure = [](World& world, Findings& findings) {
    findings.at_most("packets to the hosts' zone", world.internet().packets_to("192.0.2.9"), 0);
  };
  in_three_arms(Arms{.benign =
                         [&](Findings& findings) {
                           World world;
                           findings.holds("20 records", hosts(world).message.answer.size() == 20);
                         },
                     .attack =
                         [&](Findings& findings) {
                           World world;
                           hosts(world);
                           measure(world, findings);
                         },
                     .teeth =
                         [&](Findings& findings) {
                           World world;
                           const Answer answer = hosts(world);
                           for (std::size_t i = 0; i < 13; ++i) world.ask(fmt::format("m{}.victim.net.", i));
                           measure(world, findings);
                         }});
}

TEST(Attack, C07_sixty_kilobytes_at_every_step) {
  in_three_arms(Row{
      .benign = four_links_are_followed,
      .attack =
          [](World& world, Findings& findings) {
            std::uint64_t octets = 0;
            world.site("evil.com.", "192.0.2.66").behaves([&octets](const Heard& heard, Reaction& reaction) {
              auto message = *dns::Message::parse(reaction.deliveries.front().octets);
              const dns::Name name = heard.query.question->name;
              message.authority.clear();
              message.set_rcode(dns::Rcode::noerror);
              message.header.truncated = heard.transport == UpstreamTransport::udp;
              if (!message.header.truncated) {
                const int step = std::atoi(name.to_text().c_str() + 1);
                message.answer = records_from_text(fmt::format("{} 0 CNAME n{}.evil.com.", name.to_text(), step + 1));
                for (std::size_t i = 0; i < 30; ++i)
                  message.additional.push_back({name_from_text("ballast.evil.com."),
                                                dns::RrType{65280},
                                                dns::rr_class::in,
                                                {},
                                                std::vector<std::uint8_t>(2000)});
              }
              reaction.deliveries.front().octets = message.to_wire();
              octets += reaction.deliveries.front().octets.size();
            });
            world.ask("n0.evil.com.");
            // What exceeds the limit is dropped unread; the last message has come by then.
            findings.at_most("octets that came for one question", octets, 100'000 + 65'535);
          },
      .off = [](resolver::Settings& settings) { settings.limits.lift(Limit::upstream_octets); }});
}

TEST(Attack, C09_any_costs_nothing_and_says_little) {
  in_three_arms(Row{.benign =
                        [](World& world, Findings& findings) {
                          world.site("shop.com.", "192.0.2.1");
                          findings.answers(world.ask("www.shop.com."), {"www.shop.com. A 192.0.2.80"});
                        },
                    .attack =
                        [](World& world, Findings& findings) {
                          world.site("shop.com.", "192.0.2.1", records("www", 90));
                          world.ask("www.shop.com.");
                          const Answer answer = world.ask("www.shop.com.", "ANY");
                          findings.at_most("packets", answer.packets, 0);
                          findings.at_most("records", answer.message.answer.size(), 1);
                          findings.at_most("octets", answer.octets, 512);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.minimal_any = false; }});
}

}  // namespace redoubt::sim
