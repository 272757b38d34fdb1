// Popular records are fetched again before they expire, so that nobody waits for them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

using testing::ElementsAre;

namespace {

struct Waits {
  std::size_t asked = 0;
  std::size_t waited = 0;
  std::size_t failed = 0;
};

/// Asks for `name` so often for so long, once it is known.
Waits keep_asking(
    World& world, std::string_view name, Duration pause, Duration time,
    const std::function<void()>& meanwhile = [] {}) {
  world.ask(name);
  Waits waits;
  for (const Instant end = world.clock().now() + time; world.clock().now() < end; ++waits.asked) {
    world.run_for(pause);
    meanwhile();
    const Answer answer = world.ask(name);
    if (answer.took != 0ms) ++waits.waited;
    if (answer.rcode() != dns::Rcode::noerror || answer.error() != "") ++waits.failed;
  }
  return waits;
}

}  // namespace

TEST(Prefetch, nobody_waits_for_a_name_of_five_seconds_that_is_asked_all_the_time) {
  for (const auto round_trip : {20ms, 60ms, 120ms, 200ms}) {
    World world;
    world.settings().prefetch = true;
    world.site("shop.com.", "192.0.2.1", "db 5 A 192.0.2.7").round_trip(round_trip);
    const Waits waits = keep_asking(world, "db.shop.com.", 100ms, 10min);
    EXPECT_EQ(waits.asked, 6000U);
    EXPECT_EQ(waits.waited, 0U) << round_trip.count();
    EXPECT_EQ(waits.failed, 0U);
    EXPECT_LE(world.internet().packets_about("db.shop.com."), 600U / 4 + 6) << "at most once in each four seconds";
  }
}

TEST(Prefetch, nobody_waits_when_the_way_to_the_server_is_uneven) {
  World world;
  world.settings().prefetch = true;
  Server& server = world.site("shop.com.", "192.0.2.1", "db 5 A 192.0.2.7");
  SeededRandom random{7};
  const Waits waits = keep_asking(world, "db.shop.com.", 100ms, 10min,
                                  [&] { server.round_trip(std::chrono::milliseconds{20 + random.below(181)}); });
  EXPECT_EQ(waits.waited, 0U);
  EXPECT_EQ(waits.failed, 0U);
}

TEST(Prefetch, nobody_waits_behind_an_alias_whose_ends_have_short_times_of_their_own) {
  World world;
  world.settings().prefetch = true;
  world.site("shop.com.", "192.0.2.1", "db 7 CNAME db.host.net.").round_trip(150ms);
  world.site("host.net.", "192.0.2.2", "db 5 A 192.0.2.7").round_trip(150ms);
  const Waits waits = keep_asking(world, "db.shop.com.", 100ms, 10min);
  EXPECT_EQ(waits.waited, 0U);
  EXPECT_EQ(waits.failed, 0U);
}

TEST(Prefetch, is_not_done_unless_it_is_switched_on) {
  World world;
  world.site("shop.com.", "192.0.2.1", "db 5 A 192.0.2.7");
  EXPECT_GT(keep_asking(world, "db.shop.com.", 100ms, 1min).waited, 10U);
}

TEST(Prefetch, of_what_is_asked_only_now_and_then_is_not_done) {
  World world;
  world.settings().prefetch = true;
  world.site("shop.com.", "192.0.2.1", "x 100 A 192.0.2.7");
  world.ask("x.shop.com.");
  const std::size_t before = world.internet().packets();
  world.run_for(95s);
  world.ask("x.shop.com.");
  world.run_for(1s);
  EXPECT_EQ(world.internet().packets(), before) << "the first client since it was fetched";
  world.ask("x.shop.com.");
  world.run_for(1s);
  EXPECT_EQ(world.internet().packets(), before + 1) << "the second";
  world.ask("x.shop.com.");
  EXPECT_GE(world.ask("x.shop.com.").ttl(), 99U);
}

TEST(Prefetch, is_done_in_the_last_tenth_alone_and_once) {
  World world;
  world.settings().prefetch = true;
  Server& server = world.site("shop.com.", "192.0.2.1", "x 100 A 192.0.2.7");
  world.ask("x.shop.com.");
  server.behaves(silent());
  const std::size_t before = world.internet().packets();
  for (int second = 0; second < 89; ++second) {
    world.run_for(1s);
    world.ask("x.shop.com.");
  }
  EXPECT_EQ(world.internet().packets(), before);
  for (int i = 0; i < 100; ++i) {
    world.run_for(100ms);
    world.ask("x.shop.com.");
  }
  EXPECT_LE(world.internet().packets(), before + 4)
      << "one resolution's tries, and its parent asked whether the zone has moved";
}

TEST(Prefetch, brings_what_changed_and_what_is_gone) {
  World world;
  world.settings().prefetch = true;
  world.site("shop.com.", "192.0.2.1", "x 5 A 192.0.2.7");
  keep_asking(world, "x.shop.com.", 100ms, 10s);
  world.internet().server("192.0.2.1") =
      Server{}.serves(world.zone("shop.com.", "@ NS ns\nns A 192.0.2.1\nx 5 A 192.0.2.8"));
  keep_asking(world, "x.shop.com.", 100ms, 10s);
  EXPECT_THAT(world.ask("x.shop.com.").answer(), ElementsAre("x.shop.com. A 192.0.2.8"));
  world.internet().server("192.0.2.1") = Server{}.serves(world.zone("shop.com.", "@ NS ns\nns A 192.0.2.1\n"));
  keep_asking(world, "x.shop.com.", 100ms, 10s);
  EXPECT_EQ(world.ask("x.shop.com.").rcode(), dns::Rcode::nxdomain);
}

TEST(Prefetch, is_shared_by_a_client_who_comes_too_late_for_the_record) {
  World world;
  world.settings().prefetch = true;
  world.site("shop.com.", "192.0.2.1", "x 5 A 192.0.2.7").round_trip(190ms);
  world.ask("x.shop.com.");
  world.run_for(4700ms);
  world.ask("x.shop.com.");
  world.ask("x.shop.com.");
  world.run_for(110ms);
  const std::size_t before = world.internet().packets();
  const Answer answer = world.ask("x.shop.com.");
  EXPECT_LE(answer.took, 200ms);
  EXPECT_EQ(world.internet().packets(), before);
}

TEST(Prefetch, is_bounded_and_steps_back_when_places_run_short) {
  const auto renewals = [](std::string_view limit, std::uint64_t value, std::size_t strangers) {
    World world;
    world.settings().prefetch = true;
    world.limit(limit, value);
    std::string zone;
    for (int i = 0; i < 20; ++i) zone += "n" + std::to_string(i) + " 100 A 192.0.2.7\n";
    world.site("shop.com.", "192.0.2.1", zone);
    for (int i = 0; i < 20; ++i) world.ask("n" + std::to_string(i) + ".shop.com.");
    world.pass(95s);
    std::vector<dns::Query> queries;
    for (std::size_t i = 0; i < strangers; ++i) queries.push_back(World::query("s" + std::to_string(i) + ".shop.com."));
    for (int round = 0; round < 2; ++round) {
      for (int i = 0; i < 20; ++i) queries.push_back(World::query("n" + std::to_string(i) + ".shop.com."));
    }
    const std::size_t before = world.internet().packets();
    world.ask_at_once(queries);
    world.run_for(1s);
    return world.internet().packets() - before - strangers;
  };
  EXPECT_EQ(renewals("prefetches", 100, 0), 20U);
  EXPECT_EQ(renewals("prefetches", 3, 0), 3U);
  EXPECT_EQ(renewals("resolutions", 20, 0), 10U) << "never more than half of the table";
  EXPECT_EQ(renewals("resolutions", 20, 10), 0U);
  EXPECT_EQ(renewals("waiting-queries", 20, 10), 0U);
}

}  // namespace redoubt::sim
