// Floods, and what is left for those who have nothing to do with them (docs/security.md, D15 to D18).
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/sim/attacks/arms.hpp"
#include "tests/sim/bystander.hpp"

namespace redoubt::sim {

namespace {

using resolver::Limit;

void bystander_is_served(Findings& findings, const Bystander& bystander) {
  findings.at_least("bystander's answers in a thousand", bystander.answered() * 1000 / bystander.asked(), 990);
  const auto milliseconds = [](Duration time) {
    return static_cast<std::uint64_t>(std::chrono::ceil<std::chrono::milliseconds>(time).count());
  };
  findings.at_most("bystander's slowest answer, ms; twice that of quiet times", milliseconds(bystander.slowest()),
                   milliseconds(2 * quiet()));
}

/// As many questions of a busy client are all served, when they are for names that exist.
void busy_client_is_served(World& world, Findings& findings) {
  world.site("busy.com.", "192.0.2.1", anything);
  world.site("calm.net.", "192.0.2.9", anything);
  Bystander bystander{world, "calm.net."};
  int name = 0;
  std::size_t answered = 0;
  attack(world, bystander, 1s, [&](int) {
    world.send(World::query(fmt::format("r{}.busy.com.", name++)), client_at("10.0.0.1"),
               [&](std::optional<Answer> answer) { answered += answer && !answer->answer().empty() ? 1 : 0; });
  });
  world.run_for(1s);
  findings.at_least("answers of 1000", answered, 1000);
  bystander_is_served(findings, bystander);
}

}  // namespace

TEST(Attack, D15_dnsbomb_answers_held_back_leave_in_no_pulse) {
  in_three_arms(
      Row{.benign = busy_client_is_served,
          .attack =
              [](World& world, Findings& findings) {
                // The server holds its answers back so that those to all of 5000 questions are there at one instant.
                world.site("bomb.com.", "192.0.2.1", anything);
                world.ask("first.bomb.com.");
                const Instant release = world.clock().now() + 2500ms;
                world.internet().server("192.0.2.1").behaves([release](const Heard& heard, Reaction& reaction) {
                  for (Delivery& delivery : reaction.deliveries) delivery.after = release - heard.when;
                });
                world.site("calm.net.", "192.0.2.9", anything);
                Bystander bystander{world, "calm.net."};
                std::vector<Instant> left;
                std::size_t waiting = 0;
                std::uint64_t late = 0;
                attack(world, bystander, 5s, [&](int step) {
                  for (int i = 0; i < (step < 1000 ? 5 : 0); ++i) {
                    const Instant sent = world.clock().now();
                    world.send(World::query("big.bomb.com.", "A"), client_at("10.0.0.1"),
                               [&, sent](std::optional<Answer> answer) {
                                 if (!answer) return;
                                 left.push_back(world.clock().now());
                                 if (world.clock().now() - sent > 1900ms) ++late;
                               });
                  }
                  waiting = std::max(waiting, world.shared().waiting.count());
                });
                findings.at_most("questions of one source that wait", waiting, 1010);
                findings.at_most("answers within 10 ms", largest_pulse(left), 100);
                findings.at_most("answers later than 1.9 s", late, 0);
              },
          .off =
              [](resolver::Settings& settings) {
                settings.guards.steady_answers = false;
                settings.limits.lift(Limit::waiting_of_one_client);
              }});
}

TEST(Attack, D16_water_torture_random_names_of_one_zone) {
  in_three_arms(Row{
      .benign = busy_client_is_served,
      .attack =
          [](World& world, Findings& findings) {
            world.site("victim.com.", "192.0.2.1");
            world.site("calm.net.", "192.0.2.9", anything);
            world.ask("www.victim.com.");
            Bystander bystander{world, "calm.net."};
            std::uint32_t name = 0;
            std::size_t after_a_second = 0;
            attack(world, bystander, 3s, [&](int step) {
              if (step == 1000) after_a_second = world.internet().packets_to("192.0.2.1");
              for (int i = 0; i < 4; ++i, ++name) {
                const dns::IpAddress source =
                    dns::IpAddress::v4({10, 0, static_cast<std::uint8_t>(name >> 8), static_cast<std::uint8_t>(name)});
                world.send(World::query(fmt::format("r{}.victim.com.", name)), source, [](std::optional<Answer>) {});
              }
            });
            findings.at_most("queries a second to the zone's server, of 4000",
                             (world.internet().packets_to("192.0.2.1") - after_a_second) / 2, 202);
            bystander_is_served(findings, bystander);
          },
      .off = [](resolver::Settings& settings) { settings.limits.lift(Limit::denials_of_one_zone); }});
}

TEST(Attack, D17_phantom_domains_that_never_answer) {
  in_three_arms(Row{.benign = busy_client_is_served,
                    .attack =
                        [](World& world, Findings& findings) {
                          std::string cuts;
                          for (int zone = 0; zone < 2000; ++zone)
                            cuts += fmt::format("z{0}.com. NS ns.z{0}.com.\nns.z{0}.com. A 10.{1}.{2}.1\n", zone,
                                                zone / 250, zone % 250);
                          world.delegate("com.", cuts);
                          world.site("calm.net.", "192.0.2.9", anything);
                          Bystander bystander{world, "calm.net."};
                          std::size_t most = 0;
                          int zone = 0;
                          attack(world, bystander, 2s, [&](int) {
                            world.send(World::query(fmt::format("www.z{}.com.", zone++)), client_at("10.0.0.1"),
                                       [](std::optional<Answer>) {});
                            most = std::max(most, world.shared().flights.in_flight());
                          });
                          findings.at_most("resolutions held by one source, of 2000", most, 210);
                          bystander_is_served(findings, bystander);
                        },
                    .off = [](resolver::Settings& settings) { settings.limits.lift(Limit::flights_of_one_client); }});
}

TEST(Attack, D17_one_slow_zone_holds_its_share_of_places) {
  in_three_arms(Row{.benign = busy_client_is_served,
                    .attack =
                        [](World& world, Findings& findings) {
                          world.site("slow.com.", "192.0.2.1").behaves(silent());
                          world.site("calm.net.", "192.0.2.9", anything);
                          Bystander bystander{world, "calm.net."};
                          std::size_t most = 0;
                          int name = 0;
                          attack(world, bystander, 2s, [&](int) {
                            world.send(World::query(fmt::format("r{}.slow.com.", name)),
                                       client_at(fmt::format("10.0.{}.{}", name / 250, name % 250)),
                                       [](std::optional<Answer>) {});
                            ++name;
                            most = std::max(most, world.shared().flights.in_flight());
                          });
                          findings.at_most("resolutions held in one zone, of 2000", most, 410);
                          bystander_is_served(findings, bystander);
                        },
                    .off =
                        [](resolver::Settings& settings) {
                          settings.limits.lift(Limit::flights_of_one_zone);
                          settings.limits.lift(Limit::denials_of_one_zone);
                        }});
}

TEST(Attack, F03_a_site_of_ever_new_addresses) {
  in_three_arms(
      Row{.benign = busy_client_is_served,
          .attack =
              [](World& world, Findings& findings) {
                world.site("slow.com.", "192.0.2.1").behaves(silent());
                world.site("calm.net.", "192.0.2.9", anything);
                Bystander bystander{world, "calm.net.", "2001:db8:1::1"};
                std::size_t most = 0;
                std::uint32_t host = 0;
                attack(world, bystander, 2s, [&](int) {
                  for (int i = 0; i < 2; ++i, ++host) {
                    const auto source = client_at(fmt::format("2001:db8:0:{:x}::{:x}", 0x100 + host % 0x100, host));
                    world.send(World::query(fmt::format("r{}.slow.com.", host)), source, [](std::optional<Answer>) {});
                  }
                  most = std::max(most, world.shared().flights.in_flight());
                });
                findings.at_most("resolutions held by 4000 addresses of one /56", most, 210);
                bystander_is_served(findings, bystander);
              },
          .off = [](resolver::Settings& settings) { settings.limits.lift(Limit::flights_of_one_client); }});
}

TEST(Attack, D18_a_zone_whose_servers_were_down_comes_back) {
  in_three_arms(
      Row{.benign = busy_client_is_served,
          .attack =
              [](World& world, Findings& findings) {
                bool down = true;
                world.site("shop.com.", "192.0.2.1", anything).behaves([&down](const Heard& heard, Reaction& reaction) {
                  if (down) silent()(heard, reaction);
                });
                for (int i = 0; i < 50; ++i) {
                  world.ask(fmt::format("d{}.shop.com.", i));
                  world.pass(2s);
                }
                down = false;
                std::uint64_t seconds = 0;
                while (seconds < 100 && world.ask("d49.shop.com.").rcode() != dns::Rcode::noerror) {
                  world.pass(1s);
                  ++seconds;
                }
                findings.at_most("seconds until the zone answers again", seconds, 10);
              },
          .off = [](resolver::Settings& settings) { settings.guards.short_failures = false; }});
}

}  // namespace redoubt::sim
