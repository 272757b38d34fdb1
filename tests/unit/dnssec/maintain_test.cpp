#include "dnssec/zone/maintain.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/dnssec/maintain_site.hpp"

namespace redoubt::dnssec {
namespace {

using namespace sites;
using std::chrono::days;
using std::chrono::hours;

TEST(Maintain, a_run_says_whether_the_parent_is_asked_anew) {
  Site site;
  EXPECT_FALSE(site.run()->asks_parent_anew) << "not before all unsigned data has left the caches";
  bool asked = false;
  for (int day = 0; day < 10 && !asked; ++day) {
    site.wait(days{1});
    const auto result = site.run();
    ASSERT_TRUE(result);
    asked = result->asks_parent_anew;
    EXPECT_EQ(asked, result->zone.asked.has_value());
  }
  EXPECT_TRUE(asked);
  EXPECT_FALSE(site.run()->asks_parent_anew);
}

TEST(Maintain, a_first_run_makes_keys_and_a_signed_zone) {
  Site site;
  const auto result = site.run();
  ASSERT_TRUE(result) << result.error();
  EXPECT_TRUE(result->file.written);
  EXPECT_EQ(result->keys.size(), 2U);
  ASSERT_EQ(result->ds.size(), 1U) << "the DS to publish";
  EXPECT_EQ(site.faults(), "");
  EXPECT_FALSE(result->zone.asked) << "unsigned data is still in caches: a DS now would make it bogus";
  const auto again = site.run();
  ASSERT_TRUE(again) << again.error();
  EXPECT_FALSE(again->file.written);
  EXPECT_EQ(again->keys.size(), 2U);
}

TEST(Maintain, keys_roll_by_runs_alone) {
  Site site;
  site.options_.policy.ksk_lifetime = days{30};
  site.options_.policy.zsk_lifetime = days{15};
  const ZoneRolls zone = site.live(days{75}, days{1});
  EXPECT_TRUE(zone.settled);
  EXPECT_LE(keys_in_use(zone), 4U);
  EXPECT_GE(site.keys_.list()->size(), 5U) << "two KSKs at least, and three ZSKs";
}

TEST(Maintain, another_algorithm_and_back_to_unsigned) {
  Site site;
  static_cast<void>(site.live(days{6}, days{1}));
  site.options_.policy.algorithm = Algorithm::ed25519;
  const ZoneRolls rolled = site.live(days{20}, days{1});
  EXPECT_TRUE(std::ranges::all_of(
      rolled.keys, [](const RollingKey& key) { return key.free || key.algorithm == Algorithm::ed25519; }));
  site.options_.policy = built_in_policy("unsigned").value();
  const ZoneRolls unsigned_zone = site.live(days{20}, days{1});
  EXPECT_TRUE(site.parent_.empty());
  EXPECT_EQ(unsigned_zone.key_sets.newest().published, 0U);
  EXPECT_EQ(site.folder_.read("example.zone.signed").find("RRSIG"), std::string::npos);
}

/// An outage by a record with a long TTL would be one of our own making.
TEST(Maintain, a_ttl_above_the_policys_stops_rolls_and_not_signing) {
  Site site;
  site.options_.policy.zsk_lifetime = days{15};
  site.folder_.write("example.zone", tests::random_zone(77) + "long 604800 A 192.0.2.1\n");
  static_cast<void>(site.run());
  site.wait(days{16});
  const auto result = site.run();
  ASSERT_TRUE(result) << result.error();
  EXPECT_EQ(site.faults(), "");
  EXPECT_TRUE(std::ranges::any_of(
      result->waiting, [](const std::string& why) { return why.find("above max-zone-ttl") != std::string::npos; }));
  EXPECT_EQ(result->keys.size(), 2U);
}

TEST(Maintain, a_dry_run_changes_nothing) {
  Site site;
  site.options_.file.dry_run = true;
  const auto result = site.run();
  ASSERT_TRUE(result) << result.error();
  EXPECT_TRUE(result->keys_missing);
  EXPECT_TRUE(site.keys_.list()->empty());
  EXPECT_FALSE(std::filesystem::exists(site.folder_.file("example.zone.signed")));
  EXPECT_FALSE(std::filesystem::exists(site.folder_.file("example.sqlite")));
}

TEST(Maintain, a_zone_that_another_tool_signed_keeps_its_keys) {
  Site site;
  const auto first = site.run();
  ASSERT_TRUE(first);
  std::filesystem::remove(site.folder_.file("example.sqlite"));
  site.parent_ = {};
  const auto adopted = site.run();
  ASSERT_TRUE(adopted) << adopted.error();
  EXPECT_EQ(adopted->keys.size(), 2U);
  EXPECT_EQ(adopted->file.counts.made, 0U);
  EXPECT_EQ(std::popcount(adopted->zone.key_sets.current.published), 2);
  EXPECT_EQ(std::popcount(adopted->zone.signatures.current), 1);
}

TEST(Maintain, a_key_that_is_gone_or_a_state_that_is_damaged_is_an_error_and_nothing_is_replaced) {
  Site site;
  const auto first = site.run();
  ASSERT_TRUE(first);
  const std::string before = site.folder_.read("example.zone.signed");
  const std::string state = site.folder_.read("example.sqlite");
  ASSERT_FALSE(state.empty());
  site.folder_.write("example.sqlite", state.substr(0, state.size() - 5));
  EXPECT_FALSE(site.run());
  site.folder_.write("example.sqlite", state);
  const std::string key = site.folder_.file(first->keys[0].stem + ".key");
  std::filesystem::rename(key, key + ".away");
  EXPECT_FALSE(site.run());
  std::filesystem::rename(key + ".away", key);
  site.folder_.write("example.zone", "nonsense");
  EXPECT_FALSE(site.run());
  EXPECT_EQ(site.folder_.read("example.zone.signed"), before);
}

/// A key that was rolled away, perhaps because it was stolen, lies in the folder for ever.
TEST(Maintain, a_rolled_away_key_is_not_used_again_when_the_state_is_lost) {
  Site site;
  site.options_.policy.zsk_lifetime = days{15};
  const ZoneRolls before = site.live(days{40}, days{1});
  ASSERT_GE(site.keys_.list()->size(), 4U);
  std::filesystem::remove(site.folder_.file("example.sqlite"));
  const auto after = site.run();
  ASSERT_TRUE(after) << after.error();
  std::size_t wanted = 0;
  for (const RollingKey& key : after->zone.keys) {
    ASSERT_TRUE(before.place_of(key.stem)) << key.stem << " had gone, and came back";
    wanted += key.wanted ? 1 : 0;
    EXPECT_EQ(key.wanted, before.keys[*before.place_of(key.stem)].wanted) << key.stem;
  }
  EXPECT_EQ(wanted, 2U);
  EXPECT_EQ(site.faults(), "");
}

TEST(Maintain, a_roll_that_was_asked_for_is_remembered_without_the_state) {
  Site site;
  static_cast<void>(site.live(days{5}, days{1}));
  const auto rolled = change_state(
      site.keys_, apex, [](ZoneRolls& zone) { return start_roll(zone, 0b10); }, "a test");
  ASSERT_TRUE(rolled) << rolled.error();
  const std::string stolen = rolled->keys[1].stem;
  std::filesystem::remove(site.folder_.file("example.sqlite"));
  const ZoneRolls zone = site.live(days{10}, days{1});
  EXPECT_FALSE(zone.place_of(stolen)) << "it goes, as was asked for";
  EXPECT_EQ(keys_in_use(zone), 2U);
}

TEST(Maintain, a_bad_zone_file_leaves_no_trace) {
  Site site;
  const KeyFolder fresh{site.folder_.file("keys"), std::nullopt};
  site.options_.keys = &fresh;
  const std::string good = site.folder_.read("example.zone");
  for (const auto& [bad, where] : {std::pair{"www CNAME a\nwww A 192.0.2.1\n", "www.example. CNAME"},
                                   std::pair{"www A 192.0.2.300\n", "192.0.2.300"}}) {
    site.folder_.write("example.zone", good + bad);
    const auto lines = std::to_string(std::ranges::count(good, '\n') + 1);
    const auto result = site.run();
    ASSERT_FALSE(result);
    EXPECT_NE(result.error().find("example.zone:" + lines + ": "), std::string::npos) << result.error();
    EXPECT_FALSE(std::filesystem::exists(fresh.path())) << where;
    EXPECT_FALSE(std::filesystem::exists(site.folder_.file("example.zone.signed")));
  }
  site.folder_.write("example.zone", good + "www CNAME a\nwww A 192.0.2.1\n");
  site.options_.despite_faults = true;
  const auto result = site.run();
  ASSERT_TRUE(result) << result.error();
  EXPECT_TRUE(is_told(result->file.remarks, "beside it there is A"));
}

TEST(Maintain, a_word_that_comes_too_early_is_told_and_from_when_it_counts) {
  Site site;
  site.options_.observe = [](const dns::Name&, const ZoneRolls& zone, std::span<const StoredKey>) {
    Observations observed;
    observed.sworn = true;
    if (zone.asked) observed.parents.push_back({*zone.asked, false});
    return observed;
  };
  const auto first = site.run();
  ASSERT_TRUE(first) << first.error();
  EXPECT_TRUE(is_told(first->waiting, "too early"));
  ASSERT_EQ(first->later.size(), 2U);
  ASSERT_TRUE(first->later[0].from);
  EXPECT_NE(first->later[0].what.find("asked for the DS"), std::string::npos);
  const auto state = read_state(site.keys_, apex);
  ASSERT_TRUE(state && *state);
  EXPECT_EQ((*state)->later, first->later) << "for zone rollover status";
  EXPECT_EQ((*state)->waiting, first->waiting);
  site.wait(*first->later[0].from - start - seconds{1});
  EXPECT_FALSE(site.run()->zone.asked);
  site.wait(seconds{1});
  EXPECT_TRUE(site.run()->zone.asked) << "the time that was told is the time";
}

TEST(Maintain, a_private_half_that_others_may_read_is_not_used_unless_that_is_known) {
  Site site;
  const auto first = site.run();
  ASSERT_TRUE(first);
  EXPECT_FALSE(is_told(first->file.remarks, "others than its owner"));
  std::filesystem::permissions(site.folder_.file(first->keys[0].stem + ".private"), std::filesystem::perms{0644});
  const std::string before = site.folder_.read("example.zone.signed");
  site.wait(days{20});  // signatures are due
  const auto refused = site.run();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("others than its owner"), std::string::npos);
  EXPECT_EQ(site.folder_.read("example.zone.signed"), before);
  site.options_.despite_exposure = true;
  EXPECT_TRUE(is_told(site.run()->file.remarks, "others than its owner"));
  std::filesystem::permissions(site.folder_.file(first->keys[0].stem + ".private"), std::filesystem::perms{0600});
  site.options_.despite_exposure = false;
  EXPECT_FALSE(is_told(site.run()->file.remarks, "others than its owner"));
}

/// It leaves, and signs until it has left: what counts is that it is used.
TEST(Maintain, a_retired_private_half_that_others_may_read_is_not_used_either) {
  Site site;
  const auto first = site.run();
  ASSERT_TRUE(first);
  const StoredKey& key = first->keys[0];
  ASSERT_TRUE(site.keys_.retire(key.stem, start.time_since_epoch().count()));
  std::filesystem::permissions(site.folder_.file(key.stem + ".private"), std::filesystem::perms{0644});
  site.wait(days{20});  // signatures are due
  const auto refused = site.run();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find(key.stem + ".private: others than its owner"), std::string::npos) << refused.error();
}

}  // namespace
}  // namespace redoubt::dnssec
