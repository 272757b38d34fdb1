// Keys that another process has.

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "tests/unit/dnssec/fake_house.hpp"
#include "tests/unit/dnssec/maintain_site.hpp"

namespace redoubt::dnssec {
namespace {

using namespace sites;
using std::chrono::days;
using std::chrono::hours;

TEST(Maintain, a_key_that_another_process_erased_without_saying_so_can_still_be_forgotten_here) {
  Site site;
  const auto house = std::make_shared<FakeHouse>();
  site.keys_.use(house, true);
  ASSERT_TRUE(site.run());
  const auto keys = site.keys_.list();
  ASSERT_TRUE(keys && !keys->empty());
  const StoredKey& key = keys->front();
  const std::string pointer = site.folder_.path() + "/" + key.stem + ".keykeeper";
  house->loses_answers_ = true;
  EXPECT_FALSE(site.keys_.erase_in_house(key, 1, false));
  EXPECT_TRUE(std::filesystem::exists(pointer));
  const auto again = site.keys_.erase_in_house(key, 1, false);
  ASSERT_FALSE(again);
  EXPECT_THAT(again.error(), testing::HasSubstr("--force forgets it"));
  EXPECT_TRUE(site.keys_.erase_in_house(key, 1, true));
  EXPECT_FALSE(std::filesystem::exists(pointer));
}

TEST(Maintain, keys_of_another_process_sign_in_batches_and_their_end_leaves_the_old_output) {
  for (const bool zonemd : {false, true}) {
    Site site;
    const auto house = std::make_shared<FakeHouse>();
    site.keys_.use(house, true);
    site.options_.policy.signing.zonemd = zonemd;
    const auto result = site.run();
    ASSERT_TRUE(result) << result.error();
    EXPECT_EQ(site.faults(), "");
    ASSERT_EQ(house->keys_.size(), 2U);
    const auto& zsk = (house->keys_[0].first[1] & 1) == 0 ? house->keys_[0].second : house->keys_[1].second;
    EXPECT_GE(zsk->batches.load(), 1);
    EXPECT_LT(zsk->batches.load() * 2, static_cast<int>(result->file.counts.made)) << "far fewer than signatures";
    for (const auto& entry : std::filesystem::directory_iterator{site.folder_.path()}) {
      const std::string name = entry.path().filename().string();
      EXPECT_FALSE(name.ends_with(".private") || name.ends_with(".sealed")) << name;
    }
    const std::string before = site.folder_.read("example.zone.signed");
    zsk->batches_left = 0;
    site.options_.file.everything = true;
    const auto failed = site.run();
    ASSERT_FALSE(failed);
    EXPECT_NE(failed.error().find("it has ended"), std::string::npos) << failed.error();
    EXPECT_EQ(site.folder_.read("example.zone.signed"), before);
  }
}

/// Where the state is lost, a KSK must not be taken for a CSK: keykeeper would not sign the zone with it.
TEST(Maintain, a_key_of_another_process_is_taken_over_for_what_it_was_made_for) {
  Site site;
  const auto house = std::make_shared<FakeHouse>();
  site.keys_.use(house, true);
  ASSERT_TRUE(site.run());
  for (const KeyRole role : {KeyRole::ksk, KeyRole::zsk}) {
    const auto stored = site.keys_.keys_of(apex).value();
    EXPECT_EQ(std::ranges::count(stored, std::optional{role}, &StoredKey::kept_as), 1);
  }
  std::filesystem::remove(site.folder_.file("example.sqlite"));
  site.options_.policy = built_in_policy("csk").value();
  const auto again = site.run();
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(std::ranges::count(again->zone.keys, KeyRole::ksk, &RollingKey::role), 1) << "and it is rolled away";
  EXPECT_EQ(site.faults(), "");
}

}  // namespace
}  // namespace redoubt::dnssec
