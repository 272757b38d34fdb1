// Cache, stale records, revoked names (docs/security.md, K rows).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/attacks/arms.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

namespace {

constexpr std::string_view com_without_sites = "@ 86400 NS ns\nns A 198.51.100.2\n";

/// What the parent does when it takes a zone back.
void withdraw_all_of_com(World& world) {
  world.internet().server("198.51.100.2") = Server{}.serves(world.zone("com.", com_without_sites));
}

void delegated_for_a_minute(World& world) {
  world.delegate("com.", "ghost.com. 60 NS ns.ghost.com.\nns.ghost.com. 60 A 192.0.2.6");
}

void shop_lives_as_long_as_it_is_delegated(World& world, Findings& findings) {
  world.delegate("com.", "shop.com. 60 NS ns.shop.com.\nns.shop.com. 60 A 192.0.2.1");
  world.serve("192.0.2.1", "shop.com.", "@ 60 NS ns\nns 60 A 192.0.2.1\n* 10 A 192.0.2.80");
  for (int second = 0; second < 300; second += 15) {
    findings.answers(world.ask(fmt::format("n{}.shop.com.", second)),
                     {fmt::format("n{}.shop.com. A 192.0.2.80", second)});
    world.pass(15s);
  }
}

void shop_is_served(World& world, Findings& findings) {
  world.site("shop.com.", "192.0.2.1");
  findings.answers(world.ask("www.shop.com."), {"www.shop.com. A 192.0.2.80"});
  findings.at_most("packets when asked again", world.ask("www.shop.com.").packets, 0);
}

/// Its server names itself the zone's server for a day: in every answer, and before each one in a referral to itself.
void ghost_renews_itself(World& world, bool& answers) {
  world.serve("192.0.2.6", "ghost.com.", "@ 86400 NS ns\nns 86400 A 192.0.2.6\n* 0 A 192.0.2.7")
      .behaves(edits([&answers](const Heard&, dns::Message& message) {
        answers = !answers;
        if (!answers) {
          message.answer.clear();
          message.header.authoritative = false;
          message.set_rcode(dns::Rcode::noerror);
        }
        message.authority = records_from_text("ghost.com. 86400 NS ns.ghost.com.");
        message.additional = records_from_text("ns.ghost.com. 86400 A 192.0.2.6");
      }));
}

void unguarded_delegations(resolver::Settings& settings) {
  settings.guards.strict_referrals = false;
  settings.guards.cut_within_parent = false;
}

/// Seconds until a name of a zone that the parent has taken back is denied, whatever is asked meanwhile.
std::uint64_t seconds_until_gone(World& world, std::string_view name, const std::vector<std::string>& kept_warm) {
  for (std::uint64_t second = 1; second <= 90; ++second) {
    world.pass(1s);
    for (const std::string& one : kept_warm) {
      for (const char* type : {"NS", "A", "AAAA"}) world.ask(one, type);
    }
    if (world.ask(fmt::format("n{}.{}", second, name)).rcode() == dns::Rcode::nxdomain) return second;
  }
  return 9999;  // long after the parent's minute
}

}  // namespace

TEST(Attack, K01_ghost_domain_renews_its_own_delegation) {
  in_three_arms(Row{.benign = shop_lives_as_long_as_it_is_delegated,
                    .attack =
                        [](World& world, Findings& findings) {
                          delegated_for_a_minute(world);
                          bool answers = true;
                          ghost_renews_itself(world, answers);
                          world.ask("www.ghost.com.");
                          withdraw_all_of_com(world);
                          findings.at_most("seconds until the name is gone",
                                           seconds_until_gone(world, "ghost.com.", {"ghost.com.", "ns.ghost.com."}),
                                           60);
                        },
                    .off = unguarded_delegations});
}

TEST(Attack, K02_phoenix_domain_lives_on_in_delegations_below_it) {
  in_three_arms(Row{
      .benign = shop_lives_as_long_as_it_is_delegated,
      .attack =
          [](World& world, Findings& findings) {
            delegated_for_a_minute(world);
            world.serve("192.0.2.6", "ghost.com.", "sub 86400 NS ns.sub\nns.sub 86400 A 192.0.2.8");
            world.serve("192.0.2.8", "sub.ghost.com.", "@ 86400 NS ns\nns 86400 A 192.0.2.8\n* 0 A 192.0.2.7");
            world.ask("www.sub.ghost.com.");
            withdraw_all_of_com(world);
            findings.at_most("seconds until the name is gone",
                             seconds_until_gone(world, "sub.ghost.com.", {"sub.ghost.com.", "x.sub.ghost.com."}), 60);
          },
      .off = [](resolver::Settings& settings) { settings.guards.cut_within_parent = false; }});
}

TEST(Attack, K03_one_question_just_before_the_delegation_ends) {
  for (const char* type : {"NS", "A", "AAAA"}) {
    in_three_arms(Row{.benign = shop_lives_as_long_as_it_is_delegated,
                      .attack =
                          [type](World& world, Findings& findings) {
                            delegated_for_a_minute(world);
                            bool answers = true;
                            ghost_renews_itself(world, answers);
                            world.ask("www.ghost.com.");
                            withdraw_all_of_com(world);
                            world.pass(58s);
                            for (const char* name : {"ghost.com.", "ns.ghost.com.", "last.ghost.com."})
                              world.ask(name, type);
                            findings.at_most("seconds until the name is gone, after 58",
                                             seconds_until_gone(world, "ghost.com.", {}), 2);
                          },
                      .off = unguarded_delegations});
  }
}

TEST(Attack, K04_a_flood_of_names_does_not_flush_what_others_ask_for) {
  constexpr int hosts = 100;
  const auto hits = [](World& world, Findings& findings, int names_a_round) {
    world.site("calm.net.", "192.0.2.9", "* 86400 A 192.0.2.80");
    world.site("evil.com.", "192.0.2.66", "* 86400 A 192.0.2.7");
    std::uint64_t hit = 0;
    int name = 0;
    for (int round = 0; round < 12; ++round) {
      for (int i = 0; i < names_a_round; ++i) world.ask(fmt::format("n{}.evil.com.", name++));
      for (int i = 0; i < hosts; ++i)
        hit += world.ask(fmt::format("h{}.calm.net.", i)).packets == 0 && round >= 2 ? 1 : 0;  // two rounds to learn
    }
    findings.at_least("answers of 1000 to others from the cache", hit, 950);
  };
  in_three_arms(Row{.benign = [&](World& world, Findings& findings) { hits(world, findings, 0); },
                    .attack = [&](World& world, Findings& findings) { hits(world, findings, 700); },
                    .off = [](resolver::Settings& settings) { settings.guards.spares_visited = false; },
                    .world = {.cache_octets = 384U << 10}});
}

TEST(Attack, K05_the_cache_stays_in_its_bound) {
  constexpr std::uint64_t bound = 256U << 10;
  const auto flood = [](std::uint64_t octets, Findings& findings) {
    World world{{.cache_octets = octets}};
    world.site("evil.com.", "192.0.2.66", "* 86400 A 192.0.2.7");
    for (int i = 0; i < 5000; ++i) world.ask(fmt::format("n{}.evil.com.", i));
    findings.at_most("octets held", world.shared().cache.counters().octets, bound);
  };
  in_three_arms(Arms{.benign =
                         [](Findings& findings) {
                           World world{{.cache_octets = bound}};
                           shop_is_served(world, findings);
                         },
                     .attack = [&](Findings& findings) { flood(bound, findings); },
                     .teeth = [&](Findings& findings) { flood(bound * 64, findings); }});
}

TEST(Attack, K06_an_entry_of_sixty_kilobytes) {
  in_three_arms(Row{.benign = shop_is_served,
                    .attack =
                        [](World& world, Findings& findings) {
                          std::string text;
                          for (int i = 0; i < 90; ++i) text += fmt::format("big TXT {}{}\n", std::string(200, 'x'), i);
                          world.site("evil.com.", "192.0.2.66", text);
                          world.ask("evil.com.", "A");
                          const std::uint64_t before = world.shared().cache.counters().octets;
                          world.ask("big.evil.com.", "TXT");
                          findings.at_most("octets that one question adds",
                                           world.shared().cache.counters().octets - before, 8192);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.entry_bound = false; }});
}

TEST(Attack, C05_a_name_of_five_hundred_types) {
  in_three_arms(Row{.benign = shop_is_served,
                    .attack =
                        [](World& world, Findings& findings) {
                          std::string text;
                          for (int i = 0; i < 500; ++i) text += fmt::format("many TYPE{} \\# 0101\n", 1000 + i);
                          world.site("evil.com.", "192.0.2.66", text);
                          world.ask("evil.com.", "A");
                          const std::uint64_t before = world.shared().cache.counters().entries;
                          for (int i = 0; i < 500; ++i) world.ask("many.evil.com.", fmt::format("TYPE{}", 1000 + i));
                          findings.at_most("entries kept of the name", world.shared().cache.counters().entries - before,
                                           100);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.entries_of_name_bound = false; }});
}

TEST(Attack, K07_what_the_parent_has_denied_is_not_given_out_stale) {
  const auto stale = [](World& world) {
    world.settings().stale = 24h;
    world.settings().minimisation = resolver::Minimisation::off;
    world.site("deep.com.", "192.0.2.2", "a.b 60 A 192.0.2.7");
    world.ask("a.b.deep.com.");
    world.pass(61s);
  };
  in_three_arms(Row{.benign =
                        [&](World& world, Findings& findings) {
                          stale(world);
                          world.internet().server("192.0.2.2").behaves(silent());
                          const Answer answer = world.ask("a.b.deep.com.");
                          findings.answers(answer, {"a.b.deep.com. A 192.0.2.7"});
                          findings.at_most("TTL of a stale record", answer.ttl(), 30);
                          findings.holds("within 1.8 s", answer.took <= 1800ms);
                        },
                    .attack =
                        [&](World& world, Findings& findings) {
                          stale(world);
                          world.internet().server("192.0.2.2") =
                              Server{}.serves(world.zone("deep.com.", "@ NS ns\nns A 192.0.2.2\n"));
                          world.ask("b.deep.com.");  // is denied, and all below it
                          world.internet().server("192.0.2.2").behaves(silent());
                          std::size_t given = 0;
                          for (const Duration later : {2h, 20h}) {  // the denial itself has expired, too
                            world.pass(later);
                            given += world.ask("a.b.deep.com.").answer().size();
                          }
                          findings.at_most("stale records given out", given, 0);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.withdrawn_is_gone = false; }});
}

TEST(Attack, K08_ttls_beyond_all_bounds) {
  in_three_arms(Row{
      .benign = shop_is_served,
      .attack =
          [](World& world, Findings& findings) {
            std::uint64_t longest = 0;
            world.site("evil.com.", "192.0.2.66", "* 1 A 192.0.2.7").behaves(edits([](const Heard&, dns::Message& m) {
              const std::string text = m.question->name.to_text();
              for (dns::Record& record : m.answer)
                record.ttl =
                    dns::Ttl::from_wire(static_cast<std::uint32_t>(std::strtoul(text.c_str() + 1, nullptr, 10)));
            }));
            for (const std::uint64_t ttl :
                 {0ULL, 1ULL, 32'767ULL, 32'768ULL, 65'535ULL, 65'536ULL, 86'400ULL, 86'401ULL, 604'800ULL,
                  0x7ffffffeULL, 0x7fffffffULL, 0x80000000ULL, 0xffffffffULL}) {
              longest = std::max<std::uint64_t>(longest, world.ask(fmt::format("t{}.evil.com.", ttl)).ttl());
            }
            findings.at_most("longest TTL", longest, 86'400);
          },
      .off = [](resolver::Settings& settings) { settings.max_ttl = dns::Ttl::from_wire(0x7fffffff); }});
}

TEST(Attack, K08_a_stampede_for_a_record_of_no_time) {
  in_three_arms(Row{.benign = shop_is_served,
                    .attack =
                        [](World& world, Findings& findings) {
                          world.site("shop.com.", "192.0.2.1", "zero 0 A 192.0.2.7");
                          world.ask_at_once(std::vector<dns::Query>(500, World::query("zero.shop.com.")));
                          findings.at_most("queries to the server for a burst of 500",
                                           world.internet().packets_to("192.0.2.1"), 1);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.shared_flights = false; }});
}

TEST(Attack, K10_snooping_without_recursion) {
  in_three_arms(Row{.benign = shop_is_served,
                    .attack =
                        [](World& world, Findings& findings) {
                          world.site("shop.com.", "192.0.2.1");
                          world.ask("www.shop.com.");
                          dns::Query query = World::query("www.shop.com.");
                          query.header.recursion_desired = false;
                          const Answer answer = world.ask_at_once({query}).front();
                          findings.at_most("records told", answer.answer().size(), 0);
                          findings.holds("REFUSED", answer.rcode() == dns::Rcode::refused);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.recursion_asked = false; }});
}

TEST(Attack, K12_a_name_that_fails_asked_a_thousand_times_a_second) {
  in_three_arms(Row{.benign = shop_is_served,
                    .attack =
                        [](World& world, Findings& findings) {
                          world.site("dead.com.", "192.0.2.66").behaves(says(dns::Rcode::servfail));
                          world.ask("www.dead.com.");
                          const std::size_t first = world.internet().packets_to("192.0.2.66");
                          for (int i = 0; i < 4000; ++i) {
                            world.pass(1ms);
                            world.ask("www.dead.com.");
                          }
                          findings.at_most("packets to the server within 4 s, after the first question's",
                                           world.internet().packets_to("192.0.2.66") - first, 0);
                        },
                    .off = [](resolver::Settings& settings) { settings.guards.failure_memory = false; }});
}

}  // namespace redoubt::sim
