// Zones that another signer, or this one with another key folder, signed before.

#include <gtest/gtest.h>

#include "tests/unit/dnssec/maintain_site.hpp"

namespace redoubt::dnssec {
namespace {

using namespace sites;
using std::chrono::days;
using std::chrono::hours;

/// A signed zone, and a folder that has none of its keys.
struct OtherFolder {
  OtherFolder() {
    const auto first = site.run();
    EXPECT_TRUE(first) << first.error();
    if (first) keys = first->keys;
    before = site.folder_.read("example.zone.signed");
    site.options_.keys = &empty;
  }
  bool names_all(const std::string& error) const {
    return std::ranges::all_of(
        keys, [&](const StoredKey& key) { return error.find(std::to_string(key.tag)) != std::string::npos; });
  }

  Site site;
  std::vector<StoredKey> keys;
  std::string before;
  TemporaryFolder folder;
  KeyFolder empty{folder.path(), std::nullopt};
};

TEST(MaintainAdopt, keys_that_are_not_here_are_not_replaced_unless_that_is_wanted) {
  OtherFolder other;
  for (const bool dry_run : {true, false}) {
    other.site.options_.file.dry_run = dry_run;
    const auto result = other.site.run();
    ASSERT_FALSE(result) << dry_run;
    EXPECT_TRUE(other.names_all(result.error())) << result.error();
    EXPECT_NE(result.error().find(other.folder.path()), std::string::npos) << result.error();
    EXPECT_NE(result.error().find("key import " + other.site.folder_.path() + "/Kexample."), std::string::npos)
        << "their files lie beside the zone: " << result.error();
    EXPECT_NE(result.error().find("--despite-missing-keys"), std::string::npos) << result.error();
  }
  EXPECT_TRUE(other.empty.list()->empty()) << "no key is made";
  EXPECT_EQ(other.site.folder_.read("example.zone.signed"), other.before);
  other.site.options_.despite_missing_keys = true;
  const auto result = other.site.run();
  ASSERT_TRUE(result) << result.error();
  EXPECT_EQ(other.empty.list()->size(), 2U);
}

TEST(MaintainAdopt, a_refusal_makes_no_folder) {
  OtherFolder other;
  const KeyFolder nowhere{other.folder.file("keys"), std::nullopt};
  other.site.options_.keys = &nowhere;
  for (const bool dry_run : {true, false}) {
    other.site.options_.file.dry_run = dry_run;
    EXPECT_FALSE(other.site.run());
    EXPECT_FALSE(std::filesystem::exists(nowhere.path()));
  }
}

/// With the ZSK alone, the KSK that the parent's DS leads to would go in one step; and the other way round, the
/// signatures in caches would have no key.
TEST(MaintainAdopt, a_part_of_the_keys_is_not_enough) {
  for (const std::size_t here : {std::size_t{0}, std::size_t{1}}) {
    OtherFolder other;
    for (const char* ending : {".key", ".private"}) {
      const std::string name = other.keys[here].stem + ending;
      std::filesystem::copy_file(other.site.folder_.file(name), other.folder.file(name));
    }
    const auto result = other.site.run();
    ASSERT_FALSE(result) << here;
    EXPECT_NE(result.error().find(std::to_string(other.keys[1 - here].tag)), std::string::npos) << result.error();
    EXPECT_EQ(other.site.folder_.read("example.zone.signed"), other.before);
  }
}

TEST(MaintainAdopt, a_source_that_is_signed_with_keys_that_are_not_here_is_not_signed_with_others) {
  OtherFolder other;
  other.site.folder_.write("example.zone", other.before);
  other.site.options_.file.output = other.site.folder_.file("output");
  const auto result = other.site.run();
  ASSERT_FALSE(result);
  EXPECT_TRUE(other.names_all(result.error())) << result.error();
  EXPECT_FALSE(std::filesystem::exists(other.site.options_.file.output));
}

/// Its secondaries have that serial with the signatures of before.
TEST(MaintainAdopt, a_signed_source_is_followed_by_a_later_serial) {
  Site site;
  const auto first = site.run();
  ASSERT_TRUE(first);
  site.folder_.write("example.zone", site.folder_.read("example.zone.signed"));
  std::filesystem::remove(site.folder_.file("example.sqlite"));
  site.options_.file.output = site.folder_.file("output");
  const auto result = site.run();
  ASSERT_TRUE(result) << result.error();
  EXPECT_EQ(result->file.serial, first->file.serial + 1);
}

/// named writes its signed zones in a form of its own.
TEST(MaintainAdopt, an_output_that_nobody_can_read_is_not_replaced_where_no_state_tells_what_was_in_it) {
  OtherFolder other;
  other.site.folder_.write("example.zone.signed", std::string("\0\0\0\3raw", 7));
  const auto result = other.site.run();
  ASSERT_FALSE(result);
  EXPECT_NE(result.error().find("nobody can say which keys"), std::string::npos) << result.error();
  EXPECT_TRUE(other.empty.list()->empty());
  other.site.folder_.write("example.zone.signed", "");
  EXPECT_TRUE(other.site.run()) << "nothing was signed there";
}

/// The state tells of keys, and the output has others: somebody else signed in between.
TEST(MaintainAdopt, an_output_with_none_of_the_keys_here_is_not_replaced_although_there_is_a_state) {
  OtherFolder other;
  Site mine;
  ASSERT_TRUE(mine.run());
  mine.folder_.write("example.zone.signed", other.before);
  mine.folder_.write("example.zone", mine.folder_.read("example.zone") + "changed A 192.0.2.1\n");
  const auto result = mine.run();
  ASSERT_FALSE(result);
  EXPECT_TRUE(other.names_all(result.error())) << result.error();
  EXPECT_EQ(mine.folder_.read("example.zone.signed"), other.before);
  mine.options_.despite_missing_keys = true;
  EXPECT_TRUE(mine.run());
}

/// What no validator would take was not put out; so nothing of it is remembered, and no policy has to go on with it.
TEST(MaintainAdopt, after_a_refused_output_the_policy_of_before_goes_on) {
  Site site;
  site.options_.policy_name = "standard";
  const ZoneRolls before = site.live(days{12}, hours{12});
  ASSERT_TRUE(before.settled);
  const std::string output = site.folder_.read("example.zone.signed");
  site.options_.policy = built_in_policy("csk").value();
  site.options_.policy_name = "csk";
  site.options_.policy_is_chosen = true;
  site.options_.policy.signing.backdate = -days{1};  // not valid yet
  site.options_.file.everything = true;
  const auto refused = site.run();
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("the output would not validate, nothing was replaced"), std::string::npos);
  EXPECT_NE(refused.error().find("more faults"), std::string::npos) << "one cause, many effects: " << refused.error();
  EXPECT_LE(std::ranges::count(refused.error(), '\n'), 6) << refused.error();
  EXPECT_EQ(site.folder_.read("example.zone.signed"), output);
  site.options_.policy = built_in_policy("standard").value();
  site.options_.policy_name = "standard";
  site.options_.policy_is_chosen = false;
  const auto again = site.run();
  ASSERT_TRUE(again) << again.error();
  EXPECT_EQ(again->zone.signatures.newest(), before.signatures.newest());
  EXPECT_EQ(keys_in_use(again->zone), 2U);
  const auto stored = site.keys_.list();
  ASSERT_TRUE(stored);
  ASSERT_EQ(stored->size(), 3U);
  for (const StoredKey& key : *stored)
    EXPECT_EQ(key.retired, !again->zone.place_of(key.stem)) << "the key that was made is used never, the others go on";
  EXPECT_EQ(site.faults(), "");
}

/// As dnssec-signzone has it: the ZSK signs the DNSKEY RRset, too.
TEST(MaintainAdopt, keys_of_another_signer_change_to_another_layout) {
  Site site;
  auto first = site.run();
  ASSERT_TRUE(first);
  ZoneRolls signed_elsewhere = first->zone;
  signed_elsewhere.key_sets.current = {0b11, 0b11};
  signed_elsewhere.key_sets.pending.reset();
  ASSERT_TRUE(store_state(site.keys_, apex, signed_elsewhere, "test"));
  site.options_.file.everything = true;
  ASSERT_TRUE(site.run());
  site.options_.file.everything = false;
  std::filesystem::remove(site.folder_.file("example.sqlite"));
  ASSERT_TRUE(site.run());
  site.options_.policy = built_in_policy("csk").value();
  const ZoneRolls last = site.live(days{60}, days{1});
  EXPECT_EQ(std::ranges::count_if(last.keys, [](const RollingKey& key) { return !key.free; }), 1);
  EXPECT_EQ(site.faults(), "");
}

}  // namespace
}  // namespace redoubt::dnssec
