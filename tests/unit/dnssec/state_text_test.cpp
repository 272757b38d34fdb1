#include "dnssec/roll/state_text.hpp"

#include <gtest/gtest.h>

#include "tests/unit/dnssec/rolling_zone.hpp"

namespace redoubt::dnssec {
namespace {

using namespace rolling;

TEST(StateText, gives_the_same_back) {
  ZoneRolls zone = settled_zone(policy_named("standard"));
  zone.clock.last = ClockReading{zone.clock.now, seconds{5}, "life", true};
  zone.held = "two words";
  zone.waiting = {"a secondary is silent"};
  zone.later = {{"a roll of 7 begins", zone.clock.now}, {"7 is published", std::nullopt}};
  zone.key_sets.pending = KeySet{0b001, 0b001};
  zone.signatures.past.push_back({0b010, zone.clock.now});
  const auto read = zone_keys_from_text(to_text(zone));
  ASSERT_TRUE(read) << read.error();
  EXPECT_EQ(to_text(*read), to_text(zone));
  ZoneRolls expected = zone;
  expected.keys[2] = RollingKey{};
  expected.keys[2].free = true;
  EXPECT_EQ(*read, expected);
}

TEST(StateText, nothing_that_is_cut_off_or_doubtful_is_read) {
  const std::string text = to_text(settled_zone(policy_named("standard")));
  for (std::size_t size = 0; size < text.size(); ++size)
    EXPECT_FALSE(zone_keys_from_text(text.substr(0, size))) << size;
  const auto with = [&](std::string_view from, std::string_view to) {
    std::string changed = text;
    changed.replace(changed.find(from), from.size(), to);
    return zone_keys_from_text(changed);
  };
  EXPECT_EQ(with("redoubt-zone-keys 1", "redoubt-zone-keys 2").error(), "line 1: expected \"redoubt-zone-keys 1\"");
  EXPECT_FALSE(with("dnskey 3 1", "dnskey 3 8")) << "a key that there is not";
  EXPECT_FALSE(with("written no 0", "written perhaps 0"));
  EXPECT_FALSE(with("written no 0", "written no 0 0"));
  EXPECT_FALSE(with("written no 0", "written no 99999999999"));
  EXPECT_FALSE(with("written no 0\n", "written no 0\nwritten no 0\n"));
  EXPECT_FALSE(with("written no 0\n", ""));
  EXPECT_FALSE(with("end\n", "end\nmore\n"));
  EXPECT_FALSE(with("K0", "../K0"));
}

}  // namespace
}  // namespace redoubt::dnssec
