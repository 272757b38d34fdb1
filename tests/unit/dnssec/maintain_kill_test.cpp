// Runs that end in the middle, two at once, full disks: state and output fit all the same.

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <bit>

#include "dnssec/roll/state_text.hpp"
#include "dnssec/zone/state_file.hpp"
#include "tests/unit/dnssec/fake_house.hpp"
#include "tests/unit/dnssec/file_calls.hpp"
#include "tests/unit/dnssec/maintain_site.hpp"

namespace redoubt::dnssec {
namespace {

using namespace sites;
using std::chrono::days;
using std::chrono::hours;

TEST(Maintain, two_runs_at_once_do_not_meet) {
  Site site;
  std::optional<std::string> inner;
  site.options_.observe = [&](const dns::Name&, const ZoneRolls&, std::span<const StoredKey>) {
    MaintainOptions other = site.options_;
    other.observe = nullptr;
    const auto result = maintain(other);
    inner = result ? "" : result.error();
    return Observations{};
  };
  EXPECT_TRUE(site.run());
  ASSERT_TRUE(inner);
  EXPECT_NE(inner->find("another run"), std::string::npos);
}

/// Killed wherever it is, again and again: each time the output is whole and validates, and no published key is lost.
TEST(Maintain, a_kill_at_any_instant_leaves_a_zone_that_validates) {
  Site site("csk");
  site.options_.policy.ksk_lifetime = days{40};
  for (int round = 0; round < 60; ++round) {
    site.wait(hours{12});
    const pid_t child = fork();
    if (child == 0) {
      static_cast<void>(site.run());
      _exit(0);
    }
    if (round % 10 != 9) {  // one run in ten comes to its end, or on a slow machine signatures would expire
      usleep(static_cast<useconds_t>(500 * (round % 37)));  // wherever it is by then
      kill(child, SIGKILL);
    }
    waitpid(child, nullptr, 0);
    if (!std::filesystem::exists(site.folder_.file("example.zone.signed"))) continue;
    ASSERT_EQ(site.faults(), "") << round;
    const auto state = read_state(site.keys_, apex);
    ASSERT_TRUE(state) << state.error();
    if (*state) site.obey(**state);
  }
  const auto last = site.run();
  ASSERT_TRUE(last) << last.error();
  EXPECT_EQ(site.faults(), "");
}

/// The steps of storing: before the first commit, between the commits, after the last.
TEST(Maintain, a_kill_before_a_step_of_storing_leaves_a_state_and_an_output_that_fit) {
  tests::FileCalls::install();
  Site site("csk");
  ASSERT_TRUE(site.run());
  ASSERT_TRUE(change_state(
      site.keys_, apex, [](ZoneRolls& zone) { return start_roll(zone, 1); }, "a test"));
  site.parent_ = {site.keys_.list()->front().stem};
  site.wait(hours{1});
  const TemporaryFolder before;
  const auto copy = [](const TemporaryFolder& from, const TemporaryFolder& to) {
    for (const auto& entry : std::filesystem::directory_iterator{to.path()}) std::filesystem::remove(entry.path());
    std::filesystem::copy(from.path(), to.path());
  };
  copy(site.folder_, before);
  bool is_done = false;
  int step = 1;
  for (; !is_done; step += 3) {  // state_database_test does each of them, for a state alone
    copy(before, site.folder_);
    is_done = tests::FileCalls::comes_to_its_end(step, [&] { return site.run().has_value(); });
    ASSERT_EQ(site.faults(), "") << step;
    const auto after = site.run();
    ASSERT_TRUE(after) << step << ": " << after.error();
    ASSERT_EQ(site.faults(), "") << step;
    EXPECT_EQ(std::popcount(after->zone.key_sets.newest().published), 2) << "the roll has begun";
  }
  EXPECT_GE(step, 10) << "two transactions at least";
}

TEST(Maintain, a_kill_after_the_commit_and_before_publishing_is_made_up_for_by_the_next_run) {
  Site site;
  const auto house = std::make_shared<FakeHouse>();
  site.keys_.use(house, true);
  ASSERT_TRUE(site.run());
  ASSERT_TRUE(change_state(
      site.keys_, apex, [](ZoneRolls& zone) { return start_roll(zone, 0b11); }, "a test"));
  const std::string before = site.folder_.read("example.zone.signed");
  // The other process of this test has the keys that exist now, and no later ones.
  for (const KeyRole role : {KeyRole::ksk, KeyRole::zsk}) {
    const auto made = house->make(apex, Algorithm::ecdsa_p256_sha256, role, 0, {});
    ASSERT_TRUE(made);
    house->ready_.push_back(*made);
  }
  for (const auto& [rdata, key] : house->keys_) key->kills = true;
  EXPECT_FALSE(tests::FileCalls::comes_to_its_end(0, [&] { return site.run().has_value(); })) << "killed as it signs";
  const auto state = read_state(site.keys_, apex);
  ASSERT_TRUE(state && *state);
  EXPECT_TRUE((*state)->key_sets.pending) << "it was stored";
  const KeySet pending = *(*state)->key_sets.pending;
  EXPECT_EQ(site.folder_.read("example.zone.signed"), before) << "and did not take effect";
  EXPECT_EQ(site.faults(), "");
  for (const auto& [rdata, key] : house->keys_) key->kills = false;
  const auto next = site.run();
  ASSERT_TRUE(next) << next.error();
  EXPECT_TRUE(next->file.written);
  EXPECT_EQ(next->zone.key_sets.newest(), pending) << "the same version is published, and no other";
  EXPECT_EQ(site.faults(), "");
}

TEST(Maintain, a_full_disk_leaves_the_state_and_the_output) {
  tests::FileCalls::install();
  Site site;
  ASSERT_TRUE(site.run());
  const ZoneRolls before = **read_state(site.keys_, apex);
  const std::string output = site.folder_.read("example.zone.signed");
  site.options_.file.everything = true;
  site.wait(days{1});
  tests::FileCalls::fill_disk(true);
  const auto failed = site.run();
  tests::FileCalls::fill_disk(false);
  ASSERT_FALSE(failed);
  EXPECT_NE(failed.error().find("example.sqlite: no space left"), std::string::npos) << failed.error();
  EXPECT_EQ(**read_state(site.keys_, apex), before);
  EXPECT_EQ(site.folder_.read("example.zone.signed"), output);
  EXPECT_TRUE(site.run());
}

TEST(Maintain, a_run_over_the_text_of_an_earlier_version_goes_on_from_it) {
  Site site;
  site.options_.policy.zsk_lifetime = days{15};
  const ZoneRolls before = site.live(days{17}, days{1});
  std::filesystem::remove(site.folder_.file("example.sqlite"));
  site.folder_.write("example.state", to_text(before));
  const auto after = site.run();
  ASSERT_TRUE(after) << after.error();
  EXPECT_EQ(after->zone.keys.size(), before.keys.size());
  EXPECT_GE(after->zone.written_serial, before.written_serial);
  EXPECT_TRUE(std::filesystem::exists(site.folder_.file("example.state.imported")));
  EXPECT_EQ(site.faults(), "");
}

TEST(Maintain, what_a_run_stored_is_in_the_history_with_its_reason) {
  Site site;
  ASSERT_TRUE(site.run());
  const auto history = read_history(site.keys_, apex, 100);
  ASSERT_TRUE(history) << history.error();
  const auto of = std::ranges::find(*history, "dnskey", &Transition::of);
  ASSERT_NE(of, history->end());
  EXPECT_EQ(of->before, "none");
  EXPECT_TRUE(of->why.starts_with("zone sign: ")) << of->why;
}

}  // namespace
}  // namespace redoubt::dnssec
