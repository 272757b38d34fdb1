#include "dnssec/keys/backup.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <vector>

#include "dnssec/keys/key_folder.hpp"
#include "dnssec/roll/machine.hpp"
#include "dnssec/zone/state_file.hpp"
#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::dnssec {
namespace {

using tests::TemporaryFolder;

constexpr std::size_t mebi = std::size_t{1} << 20;

/// Two zones, each with a key and a state.
class BackupTest : public testing::Test {
 protected:
  BackupTest() {
    for (const dns::Name& zone : {good_, bad_}) {
      EXPECT_TRUE(keys_.generate(zone, Algorithm::ed25519, KeyRole::csk));
      const ZoneRolls state = fresh_zone(*built_in_policy("csk"), {Instant{seconds{1'800'000'000}}, std::nullopt});
      EXPECT_TRUE(store_state(keys_, zone, state, "a test"));
    }
  }
  std::expected<BackedUp, std::string> back_up(const BackupChoice& choice) const {
    return back_up_keys(folder_.path(), elsewhere_.file("backup"), passphrase_, SealCost::interactive, choice);
  }
  /// What a backup brings to an empty folder, by name.
  std::vector<std::string> restored() const {
    const TemporaryFolder fresh;
    EXPECT_TRUE(restore_keys(elsewhere_.file("backup"), fresh.path(), passphrase_));
    std::vector<std::string> names;
    for (const auto& entry : std::filesystem::directory_iterator{fresh.path()}) {
      const std::string name = entry.path().filename().string();
      names.push_back(name);
      EXPECT_EQ(fresh.read(name) == folder_.read(name), true) << name;
    }
    std::ranges::sort(names);
    return names;
  }
  static bool has(const std::vector<std::string>& names, std::string_view beginning, std::string_view ending) {
    return std::ranges::any_of(
        names, [&](const std::string& name) { return name.starts_with(beginning) && name.ends_with(ending); });
  }

  const dns::Name good_ = dns::Name::literal("good.example.");
  const dns::Name bad_ = dns::Name::literal("bad.example.");
  const Secret passphrase_{'p'};
  TemporaryFolder folder_;
  TemporaryFolder elsewhere_;
  KeyFolder keys_{folder_.path(), std::nullopt};
};

TEST_F(BackupTest, a_damaged_or_foreign_state_stops_it_by_name_and_says_what_to_do) {
  for (const std::string& content : {std::string{"no database"}, folder_.read("good.example.sqlite").substr(0, 5000)}) {
    folder_.write("bad.example.sqlite", content);
    const auto refused = back_up({});
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().find("/bad.example.sqlite: "), std::string::npos) << refused.error();
    EXPECT_NE(refused.error().find("--skip-damaged"), std::string::npos) << refused.error();
    EXPECT_FALSE(std::filesystem::exists(elsewhere_.file("backup"))) << "nothing that looks like a backup";
  }
}

TEST_F(BackupTest, whoever_says_so_gets_all_but_what_is_damaged_and_is_told) {
  folder_.write("bad.example.sqlite", "no database");
  const auto done = back_up({.zones = {}, .skip_damaged = true});
  ASSERT_TRUE(done) << done.error();
  ASSERT_EQ(done->left_out.size(), 1U);
  EXPECT_NE(done->left_out[0].find("/bad.example.sqlite: "), std::string::npos) << done->left_out[0];
  const auto names = restored();
  EXPECT_EQ(names.size(), 5U);
  EXPECT_EQ(done->files, 5U);
  EXPECT_TRUE(has(names, "good.example.", ".sqlite"));
  EXPECT_FALSE(has(names, "bad.example.", ".sqlite"));
  EXPECT_TRUE(has(names, "Kbad.example.+", ".private")) << "keys are never left out";
}

TEST_F(BackupTest, a_key_that_cannot_be_read_stops_it_whatever_was_said) {
  std::filesystem::create_directory(folder_.file("Kbad.example.+015+00001.private"));
  EXPECT_FALSE(back_up({.zones = {}, .skip_damaged = true}));
}

TEST_F(BackupTest, of_one_zone_has_its_files_and_no_other) {
  folder_.write("bad.example.sqlite", "no database");
  const auto done = back_up({.zones = {good_}, .skip_damaged = false});
  ASSERT_TRUE(done) << done.error();
  const auto names = restored();
  EXPECT_EQ(names.size(), 3U);
  EXPECT_TRUE(has(names, "Kgood.example.+", ".key"));
  EXPECT_TRUE(has(names, "Kgood.example.+", ".private"));
  EXPECT_TRUE(has(names, "good.example.", ".sqlite"));
  EXPECT_FALSE(back_up({.zones = {bad_}, .skip_damaged = false}));
  EXPECT_FALSE(back_up({.zones = {good_, dns::Name::literal("other.example.")}, .skip_damaged = false}))
      << "a backup that lacks a zone that was named";
  EXPECT_FALSE(back_up({.zones = {dns::Name::literal("example.")}, .skip_damaged = false}))
      << "a zone above has files of its own";
}

/// 12 MiB are more than a backup of earlier versions held.
TEST_F(BackupTest, much_fits_and_there_is_a_bound) {
  for (unsigned i = 0; i < 3; ++i) folder_.write("z" + std::to_string(i) + ".state", std::string(4 * mebi - i, 's'));
  const auto done = back_up({});
  ASSERT_TRUE(done) << done.error();
  EXPECT_EQ(restored().size(), 9U);
  for (unsigned i = 3; i < 17; ++i) folder_.write("z" + std::to_string(i) + ".state", std::string(4 * mebi, 's'));
  const auto refused = back_up({});
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("--zone"), std::string::npos) << refused.error();
  EXPECT_TRUE(back_up({.zones = {good_, bad_}, .skip_damaged = false}));
}

}  // namespace
}  // namespace redoubt::dnssec
