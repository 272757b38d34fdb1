// Whether a key may be deleted, in each state that it can be in.
#include <gtest/gtest.h>

#include <map>
#include <optional>
#include <string>

#include "dnssec/roll/outlook.hpp"
#include "tests/unit/dnssec/rolling_zone.hpp"

namespace redoubt::dnssec {
namespace {

using namespace rolling;

constexpr const char* published = "it is in the zone's DNSKEY RRset, or caches may have one with it";
constexpr const char* waits = "it waits to be published";

std::string need(const ZoneRolls& zone, unsigned place) {
  return need_of(zone, zone.keys[place].stem).value_or("none");
}

TEST(NeedOf, a_key_that_waits_to_be_published_stays) {
  const Policy policy = policy_named("standard");
  ZoneRolls zone = settled_zone(policy);
  zone.held = "holidays";
  const unsigned place = add_key(zone, key_named("K9")).value();
  static_cast<void>(decide(policy, zone, seen(0b001)));
  ASSERT_EQ(zone.keys[place].state, KeyState::generated);
  EXPECT_EQ(need(zone, place), waits);
  zone.keys[place].standby = true;
  EXPECT_EQ(need(zone, place), waits) << "a standby key is published one day";
  zone.keys[place].role = KeyRole::foreign;
  EXPECT_EQ(need(zone, place), "none") << "its private half is another signer's";
}

TEST(NeedOf, what_the_state_does_not_know_nobody_needs) {
  const ZoneRolls zone = settled_zone(policy_named("standard"));
  EXPECT_FALSE(need_of(zone, "K77"));
  EXPECT_FALSE(need_of(zone, zone.keys[2].stem)) << "its place is free: it is in no cache any more";
}

/// From its making to the last cache: needed in each state of RFC 7583 but after the last.
TEST(NeedOf, a_zsk_is_needed_from_its_first_day_to_the_last_cache) {
  const Policy policy = policy_named("standard");
  ZoneRolls zone = settled_zone(policy);
  ASSERT_TRUE(start_roll(zone, 0b010));
  static_cast<void>(decide(policy, zone, seen(0b001)));
  ASSERT_EQ(add_key(zone, key_named("K9")), 2U);
  EXPECT_EQ(need(zone, 2), waits) << "generated";
  std::map<KeyState, std::string> coming;
  std::map<KeyState, std::string> leaving;
  const auto look = [&](seconds later) {
    zone.clock.now += later;
    static_cast<void>(decide(policy, zone, seen(0b001)));
    coming[zone.keys[2].state] = need(zone, 2);
    if (!zone.keys[1].free) leaving[zone.keys[1].state] = need(zone, 1);
  };
  for (unsigned step = 0; step < 64 && !zone.keys[1].free; ++step) {
    look(seconds{0});
    note_written(zone, 7, std::chrono::hours{1});
    look(std::max(policy.keys_linger(), policy.signatures_linger()) / 8);
  }
  ASSERT_TRUE(zone.keys[1].free) << "the roll came to its end";
  EXPECT_FALSE(need_of(zone, "K1"));
  EXPECT_EQ(coming[KeyState::published], published);
  EXPECT_EQ(coming[KeyState::active], published);
  EXPECT_EQ(leaving[KeyState::retired], published);
  EXPECT_EQ(leaving[KeyState::removed], published) << "of caches";
}

TEST(NeedOf, a_ksk_is_needed_as_long_as_the_parent_may_have_its_ds) {
  const Policy policy = policy_named("standard");
  ZoneRolls zone = settled_zone(policy);
  EXPECT_EQ(need(zone, 0), published);
  // Out of the zone and of all caches, and whoever holds the DS would be bogus: an operator's mistake of before.
  zone.keys[0].wanted = false;
  zone.key_sets = {{0b010, 0}, std::nullopt, {}};
  EXPECT_EQ(need(zone, 0), "the parent may have its DS");
  zone.ds = {{}};
  EXPECT_EQ(need(zone, 0), "the parent may have its DS") << "it is asked for";
  zone.asked.reset();
  EXPECT_EQ(need(zone, 0), "none");
}

TEST(NeedOf, a_key_whose_signatures_may_be_in_caches_stays) {
  ZoneRolls zone = settled_zone(policy_named("standard"));
  zone.keys[1].wanted = false;
  zone.key_sets = {{0b001, 0b001}, std::nullopt, {}};
  EXPECT_EQ(need(zone, 1), "caches may have signatures by it");
  zone.signatures = {0, std::nullopt, {{0b010, zone.clock.now + seconds{1}}}};
  EXPECT_EQ(need(zone, 1), "caches may have signatures by it");
  zone.clock.now += seconds{1};
  EXPECT_EQ(need(zone, 1), "none");
}

}  // namespace
}  // namespace redoubt::dnssec
