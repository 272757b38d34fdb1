// What the resolver remembers, and for how long.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

using testing::ElementsAre;

TEST(Remembering, lasts_as_long_as_the_ttl_and_not_a_second_more) {
  World world;
  world.site("shop.com.", "192.0.2.1", "short 30 A 192.0.2.7");
  EXPECT_EQ(world.ask("short.shop.com.").ttl(), 30U);
  world.pass(10s);
  EXPECT_EQ(world.ask("short.shop.com.").ttl(), 20U - 0U);
  world.pass(19s);
  EXPECT_EQ(world.ask("short.shop.com.").packets, 0U);
  world.pass(1s);
  const Answer answer = world.ask("short.shop.com.");
  EXPECT_EQ(answer.packets, 1U);
  EXPECT_EQ(answer.ttl(), 30U);
}

TEST(Remembering, is_regardless_of_case_and_answers_in_the_asker_s) {
  World world;
  world.site("shop.com.", "192.0.2.1");
  world.ask("www.shop.com.");
  const Answer answer = world.ask("WWW.Shop.COM.");
  EXPECT_EQ(answer.packets, 0U);
  EXPECT_EQ(answer.message.question->name.to_text(), "WWW.Shop.COM.");
  EXPECT_THAT(answer.answer(), ElementsAre("WWW.Shop.COM. A 192.0.2.80"));
}

TEST(Remembering, is_capped_by_the_ceiling_whatever_the_zone_says) {
  for (const char* ttl : {"86401", "604800", "2147483647"}) {
    World world;
    world.site("shop.com.", "192.0.2.1", std::string{"x "} + ttl + " A 192.0.2.7");
    EXPECT_EQ(world.ask("x.shop.com.").ttl(), 86'400U) << ttl;
  }
}

TEST(Remembering, takes_a_ttl_with_the_top_bit_for_zero) {
  World world;
  world.site("shop.com.", "192.0.2.1", "x 2147483648 A 192.0.2.7");
  EXPECT_EQ(world.ask("x.shop.com.").ttl(), 0U);
  EXPECT_EQ(world.ask("x.shop.com.").packets, 1U);
}

TEST(Remembering, does_not_keep_a_ttl_of_zero) {
  World world;
  world.site("shop.com.", "192.0.2.1", "x 0 A 192.0.2.7");
  EXPECT_THAT(world.ask("x.shop.com.").answer(), ElementsAre("x.shop.com. A 192.0.2.7"));
  EXPECT_EQ(world.ask("x.shop.com.").packets, 1U);
}

TEST(Remembering, holds_short_ttls_up_to_the_floor) {
  World world;
  world.settings().min_ttl = dns::Ttl::from_wire(5);
  world.site("shop.com.", "192.0.2.1", "x 0 A 192.0.2.7");
  EXPECT_EQ(world.ask("x.shop.com.").ttl(), 5U);
  EXPECT_EQ(world.ask("x.shop.com.").packets, 0U);
}

TEST(Remembering, is_held_between_floor_and_ceiling_whatever_the_ttl_on_the_wire) {
  struct Wire {
    const char* ttl;
    std::uint32_t plain;  // with the bounds 0 and 86,400
    std::uint32_t held;   // with 5 and 30
  };
  for (const Wire& wire : {Wire{"0", 0, 5}, Wire{"1", 1, 5}, Wire{"32768", 32'768, 30}, Wire{"2147483647", 86'400, 30},
                           Wire{"2147483648", 0, 5}, Wire{"4294967295", 0, 5}}) {
    for (const bool by_zone : {false, true}) {
      World world;
      if (by_zone)
        world.settings().zone_ttls.set(name_from_text("shop.com."), {dns::Ttl::from_wire(5), dns::Ttl::from_wire(30)});
      world.site("shop.com.", "192.0.2.1", std::string{"x "} + wire.ttl + " A 192.0.2.7");
      EXPECT_EQ(world.ask("x.shop.com.").ttl(), by_zone ? wire.held : wire.plain) << wire.ttl;
    }
  }
}

TEST(Remembering, goes_by_the_deepest_zone_that_has_bounds_of_its_own) {
  World world;
  const auto bounds = [](std::uint32_t least, std::uint32_t most) {
    return resolver::TtlBounds{dns::Ttl::from_wire(least), dns::Ttl::from_wire(most)};
  };
  world.settings().zone_ttls.set(name_from_text("com."), bounds(0, 600));
  world.settings().zone_ttls.set(name_from_text("RDS.shop.com."), bounds(10, 20));
  world.site("shop.com.", "192.0.2.1",
             "x.rds 5 A 192.0.2.7\nrds 5 A 192.0.2.7\nards 5 A 192.0.2.7\ny 3600 CNAME x.rds");
  world.site("shop.net.", "192.0.2.2", "x 3600 A 192.0.2.7");
  EXPECT_EQ(world.ask("x.rds.shop.com.").ttl(), 10U);
  EXPECT_EQ(world.ask("rds.shop.com.").ttl(), 10U);
  EXPECT_EQ(world.ask("ards.shop.com.").ttl(), 5U);
  const Answer alias = world.ask("y.shop.com.");
  EXPECT_EQ(alias.message.answer[0].ttl.seconds(), 600U);
  EXPECT_EQ(alias.message.answer[1].ttl.seconds(), 10U) << "each link by its own name";
  EXPECT_EQ(world.ask("x.shop.net.").ttl(), 3600U);
  EXPECT_EQ(world.ask("none.rds.shop.com.").message.authority.front().ttl.seconds(), 20U);
}

TEST(Remembering, nothing_of_a_ttl_of_zero_still_costs_one_query_for_a_burst) {
  World world;
  world.site("shop.com.", "192.0.2.1", "x 0 A 192.0.2.7");
  world.ask("x.shop.com.");
  for (int burst = 0; burst < 5; ++burst) {
    const std::size_t before = world.internet().packets();
    for (const Answer& answer : world.ask_at_once(std::vector<dns::Query>(500, World::query("x.shop.com."))))
      EXPECT_EQ(answer.ttl(), 0U);
    EXPECT_EQ(world.internet().packets() - before, 1U);
  }
}

TEST(Remembering, uses_the_lowest_ttl_of_an_rrset) {
  World world;
  world.site("shop.com.", "192.0.2.1", "x 300 A 192.0.2.7\nx 20 A 192.0.2.8");
  EXPECT_EQ(world.ask("x.shop.com.").ttl(), 20U);
}

TEST(Remembering, ends_when_it_is_flushed) {
  World world;
  world.site("shop.com.", "192.0.2.1", "a A 192.0.2.7\nb A 192.0.2.8");
  world.ask("a.shop.com.");
  world.ask("b.shop.com.");
  EXPECT_EQ(world.shared().cache.flush(name_from_text("a.shop.com."), false), 1U);
  EXPECT_EQ(world.ask("a.shop.com.").packets, 1U);
  EXPECT_EQ(world.ask("b.shop.com.").packets, 0U);
  world.shared().cache.flush(name_from_text("com."), true);
  EXPECT_EQ(world.ask("b.shop.com.").packets, 3U) << "the delegation of com. goes too\n" << world.trace();
}

TEST(Remembering, stays_in_its_bound_under_a_flood_of_names) {
  World world{{.cache_octets = 256U << 10}};
  std::string zone = "* A 192.0.2.7\n";
  world.site("shop.com.", "192.0.2.1", zone);
  std::uint64_t most = 0;
  for (int i = 0; i < 5000; ++i) {
    world.ask("flood" + std::to_string(i) + ".shop.com.");
    most = std::max(most, world.shared().cache.counters().octets);
  }
  EXPECT_LE(most, 256U << 10);
  EXPECT_GT(most, 128U << 10) << "the bound was never near";
  EXPECT_GT(world.shared().cache.counters().evictions, 1000U);
}

TEST(Remembering, what_is_asked_for_survives_a_flood_of_names_that_are_not) {
  World world{{.cache_octets = 512U << 10}};
  std::string zone = "* A 192.0.2.7\n";
  for (int i = 0; i < 100; ++i) zone += "known" + std::to_string(i) + " A 192.0.2.8\n";
  world.site("shop.com.", "192.0.2.1", zone);
  const auto ask_known = [&] {
    std::size_t missed = 0;
    for (int i = 0; i < 100; ++i) missed += world.ask("known" + std::to_string(i) + ".shop.com.").packets != 0 ? 1 : 0;
    return missed;
  };
  ask_known();
  ask_known();
  std::size_t missed = 0;
  for (int i = 0; i < 10'000; ++i) {
    world.ask("flood" + std::to_string(i) + ".shop.com.");
    if (i % 500 == 0) missed += ask_known();
  }
  EXPECT_LE(missed, 100U) << "of 2,000";
}

}  // namespace redoubt::sim
