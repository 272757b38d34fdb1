#include "appliance/store/store.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sqlite3.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <random>

#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::store {
namespace {

using testing::HasSubstr;
using testing::IsEmpty;

/// A state folder of its own, known to the store by descriptor alone.
class StoreTest : public testing::Test {
 protected:
  StoreTest() { folder_ = ::open(path_.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC); }
  ~StoreTest() override { ::close(folder_); }
  Store opened() {
    auto store = Store::open(folder_);
    if (!store) throw std::runtime_error{store.error()};
    return *std::move(store);
  }
  tests::TemporaryFolder temporary_;
  const std::string& path_ = temporary_.path();
  int folder_ = -1;
};

TEST_F(StoreTest, numbers_go_on_where_a_former_life_ended) {
  {
    Store store = opened();
    EXPECT_EQ(store.begin_generation(100, "aa"), 1U);
    EXPECT_EQ(store.begin_generation(101, "bb"), 2U);
    EXPECT_TRUE(store.finish_generation(2, Outcome::in_force, "", "workers: 2\n"));
  }
  Store store = opened();
  EXPECT_EQ(store.begin_generation(102, "cc"), 3U);
  EXPECT_TRUE(store.finish_generation(3, Outcome::failed, "address already in use", "never kept"));
  const auto all = store.generations(10);
  ASSERT_TRUE(all);
  EXPECT_THAT(*all, testing::ElementsAre(Generation{3, 102, "cc", Outcome::failed, "address already in use"},
                                         Generation{2, 101, "bb", Outcome::in_force, ""},
                                         Generation{1, 100, "aa", Outcome::begun, ""}));
  EXPECT_EQ(store.last_configuration().value(), std::optional<std::string>{"workers: 2\n"});
}

TEST_F(StoreTest, numbers_of_starts_that_failed_are_given_again) {
  Store store = opened();
  EXPECT_EQ(store.begin_first_generation(100, "aa"), 1U);
  EXPECT_TRUE(store.finish_generation(1, Outcome::in_force, "", "x"));
  EXPECT_EQ(store.begin_generation(101, "bb"), 2U);
  EXPECT_TRUE(store.forget_start(1)) << "in force, and renewed, but never in use";
  EXPECT_THAT(store.generations(10).value(), IsEmpty());
  EXPECT_EQ(store.begin_first_generation(102, "cc"), 1U);
  EXPECT_TRUE(store.finish_generation(1, Outcome::in_force, "", "x"));
  EXPECT_EQ(store.begin_generation(103, "dd"), 2U);
  EXPECT_TRUE(store.finish_generation(2, Outcome::failed, "no", "x"));
  EXPECT_EQ(store.begin_first_generation(104, "ee"), 3U);
  EXPECT_EQ(store.begin_first_generation(105, "ff"), 3U) << "that start was killed before it could say anything";
  EXPECT_TRUE(store.finish_generation(3, Outcome::in_force, "", "x"));
  EXPECT_EQ(store.begin_generation(106, "gg"), 4U);
  EXPECT_EQ(store.begin_first_generation(107, "hh"), 5U) << "may have been in force, when the disk was full";
}

TEST_F(StoreTest, a_fresh_one_remembers_nothing) {
  Store store = opened();
  EXPECT_EQ(store.last_configuration().value(), std::optional<std::string>{});
  EXPECT_THAT(store.generations(10).value(), IsEmpty());
}

TEST_F(StoreTest, the_history_is_bounded_and_numbers_are_not_used_again) {
  Store store = opened();
  const std::uint64_t count = max_generations_kept + 50;
  for (std::uint64_t i = 1; i <= count; ++i) ASSERT_EQ(store.begin_generation(0, ""), i);
  const auto all = store.generations(5000).value();
  EXPECT_EQ(all.size(), max_generations_kept);
  EXPECT_EQ(all.front().number, count);
}

TEST_F(StoreTest, the_folder_may_move_or_be_out_of_reach_by_path) {
  const std::string elsewhere = path_ + "-moved";
  std::filesystem::rename(path_, elsewhere);
  {
    Store store = opened();
    EXPECT_TRUE(store.begin_generation(1, "x"));
    EXPECT_TRUE(std::filesystem::exists(elsewhere + "/redoubt.sqlite"));
  }
  std::filesystem::rename(elsewhere, path_);
}

TEST_F(StoreTest, a_second_process_is_told_that_it_is_taken) {
  Store first = opened();
  ASSERT_TRUE(first.begin_generation(1, "x"));
  const pid_t child = ::fork();
  if (child == 0) {
    const auto second = Store::open(folder_);
    ::_exit(!second && second.error().find("another process holds it") != std::string::npos ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(StoreTest, a_file_of_a_younger_version_is_refused) {
  { opened(); }
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open((path_ + "/redoubt.sqlite").c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, "PRAGMA user_version = 99", nullptr, nullptr, nullptr), SQLITE_OK);
  sqlite3_close(database);
  const auto store = Store::open(folder_);
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error(), HasSubstr("made by a younger version (layout 99"));
}

TEST_F(StoreTest, a_damaged_file_is_said_to_be_one) {
  std::FILE* file = std::fopen((path_ + "/redoubt.sqlite").c_str(), "w");
  for (int i = 0; i < 1000; ++i) std::fputs("this is no database ", file);
  std::fclose(file);
  const auto store = Store::open(folder_);
  ASSERT_FALSE(store);
  EXPECT_THAT(store.error(), HasSubstr("it is damaged"));
}

TEST_F(StoreTest, a_full_disk_is_an_error_and_not_the_end) {
  const pid_t child = ::fork();
  if (child == 0) {
    auto store = Store::open(folder_);
    if (!store || !store->begin_generation(1, "before")) ::_exit(1);
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit full{.rlim_cur = 4096, .rlim_max = RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &full);
    const auto refused = store->begin_generation(2, "during");
    const bool readable = store->generations(5).has_value();
    const rlimit space{.rlim_cur = RLIM_INFINITY, .rlim_max = RLIM_INFINITY};
    ::setrlimit(RLIMIT_FSIZE, &space);
    const auto again = store->begin_generation(3, "after");
    ::_exit(!refused && refused.error().find("redoubt.sqlite") != std::string::npos && readable && again && *again >= 2
                ? 0
                : 2);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

TEST_F(StoreTest, the_copy_of_the_root_zone_is_kept_and_renewed) {
  const std::string records{"\0binary\0octets\xff", 15};
  {
    Store store = opened();
    EXPECT_EQ(store.root_copy().value(), std::nullopt);
    ASSERT_TRUE(store.set_root_copy(1'795'000'000, records));
  }
  Store store = opened();
  auto copy = store.root_copy().value();
  ASSERT_TRUE(copy);
  EXPECT_EQ(copy->at, 1'795'000'000);
  EXPECT_EQ(copy->records, records);
  ASSERT_TRUE(store.renew_root_copy(1'795'000'900));
  copy = store.root_copy().value();
  EXPECT_EQ(copy->at, 1'795'000'900);
  EXPECT_EQ(copy->records, records);
}

/// Begins generations and writes each number to `report` once it is said to be remembered, until it is killed.
[[noreturn]] void begin_until_killed(int folder, int report) {
  auto store = Store::open(folder);
  if (!store) ::_exit(1);
  for (;;) {
    const auto number = store->begin_generation(0, std::string(64, 'd'));
    if (!number || ::write(report, &*number, sizeof *number) != sizeof *number) ::_exit(1);
    if (!store->finish_generation(*number, Outcome::in_force, "", std::string(3000, 'c'))) ::_exit(1);
  }
}

TEST_F(StoreTest, killed_at_any_moment_numbers_stay_monotonic_and_nothing_is_damaged) {
  std::mt19937 random{20260101};
  std::uniform_int_distribution<int> microseconds{0, 20'000};
  std::uint64_t highest = 0;
  for (int life = 0; life < 40; ++life) {
    int report[2];
    ASSERT_EQ(::pipe(report), 0);
    const pid_t child = ::fork();
    if (child == 0) begin_until_killed(folder_, report[1]);
    ::close(report[1]);
    std::uint64_t number = 0;
    ASSERT_EQ(::read(report[0], &number, sizeof number), static_cast<ssize_t>(sizeof number));
    EXPECT_GT(number, highest);
    highest = number;
    ::usleep(static_cast<useconds_t>(microseconds(random)));  // where the kill hits is left to chance
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    while (::read(report[0], &number, sizeof number) == sizeof number) {
      EXPECT_EQ(number, highest + 1);
      highest = number;
    }
    ::close(report[0]);
  }
  Store store = opened();
  EXPECT_GT(store.begin_generation(0, "").value_or(0), highest);
  EXPECT_GE(highest, 40U);
}

TEST_F(StoreTest, states_of_trust_are_kept_whole) {
  {
    Store store = opened();
    EXPECT_EQ(store.trust_point(".").value(), std::optional<std::string>{});
    EXPECT_TRUE(store.set_trust_point(".", "one"));
    EXPECT_TRUE(store.set_trust_point(".", "two"));
    EXPECT_TRUE(store.set_trust_point("example.", "three"));
    EXPECT_TRUE(store.put_negative_anchor({"b.example.", 10, 20, "why"}));
    EXPECT_TRUE(store.put_negative_anchor({"a.example.", 10, 20, "why"}));
    EXPECT_TRUE(store.put_negative_anchor({"b.example.", 11, 30, "still"}));
  }
  Store store = opened();
  EXPECT_EQ(store.trust_point(".").value(), std::optional<std::string>{"two"});
  EXPECT_EQ(store.trust_point("example.").value(), std::optional<std::string>{"three"});
  EXPECT_THAT(store.negative_anchors().value(),
              testing::ElementsAre(Store::NegativeAnchor{"a.example.", 10, 20, "why"},
                                   Store::NegativeAnchor{"b.example.", 11, 30, "still"}));
  EXPECT_TRUE(store.remove_negative_anchor("a.example."));
  EXPECT_THAT(store.negative_anchors().value(), testing::SizeIs(1));
}

/// Writes states numbered from `first` on and tells `report` of each that is said to be kept, until it is killed.
[[noreturn]] void write_states_until_killed(int folder, std::uint64_t first, int report) {
  auto store = Store::open(folder);
  if (!store) ::_exit(1);
  for (std::uint64_t number = first;; ++number) {
    if (!store->set_trust_point(".", std::string(2000, 'x') + std::to_string(number))) ::_exit(1);
    if (::write(report, &number, sizeof number) != sizeof number) ::_exit(1);
  }
}

TEST_F(StoreTest, killed_while_it_writes_a_state_it_has_the_old_one_or_the_new_one) {
  std::mt19937 dice{11};
  std::uint64_t last = 0;  // the newest of which it is known that it is there
  for (int life = 0; life < 25; ++life) {
    int report[2];
    ASSERT_EQ(::pipe(report), 0);
    const pid_t child = ::fork();
    if (child == 0) write_states_until_killed(folder_, last + 1, report[1]);
    ::close(report[1]);
    std::uint64_t kept = 0;
    ASSERT_EQ(::read(report[0], &kept, sizeof kept), static_cast<ssize_t>(sizeof kept)) << "it wrote nothing";
    ::usleep(static_cast<useconds_t>(dice() % 60'000));  // where the kill hits is left to chance
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    while (::read(report[0], &kept, sizeof kept) == sizeof kept) {
    }
    ::close(report[0]);

    Store store = opened();
    const auto state = store.trust_point(".");
    ASSERT_TRUE(state);
    ASSERT_TRUE(*state) << "what was kept is gone";
    ASSERT_EQ((*state)->substr(0, 2000), std::string(2000, 'x'));
    last = std::stoull((*state)->substr(2000));
    EXPECT_GE(last, kept) << "older than one that was said to be kept";
    EXPECT_LE(last, kept + 1) << "newer than the one that it may have been at";
  }
}

TEST(Digest, is_sha256) {
  EXPECT_EQ(digest_of("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");  // FIPS 180-2 B.1
}

}  // namespace
}  // namespace redoubt::store
