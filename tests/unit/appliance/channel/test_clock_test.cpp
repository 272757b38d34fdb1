// The clock of builds with test hooks: what the file says, and timers when it jumps.
#include "appliance/channel/test_clock.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "resolver/role/machine_clock.hpp"

namespace redoubt::channel::test_clock {
namespace {

using namespace std::chrono_literals;
using resolver::Instant;
using resolver::MachineClock;
using resolver::MachineTimer;

class TestClockTest : public ::testing::Test {
 protected:
  TestClockTest() {
    std::string pattern = "/tmp/redoubt-clock-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    file_ = folder_ + "/offset";
  }
  ~TestClockTest() override { std::filesystem::remove_all(folder_); }

  void say(const std::string& text) const { std::ofstream{file_} << text; }
  std::chrono::nanoseconds after(const std::string& text) const {
    say(text);
    refresh();
    return offset();
  }

  std::string folder_;
  std::string file_;
};

TEST_F(TestClockTest, adds_what_the_file_says) {
  say("0");
  ASSERT_TRUE(watch(file_).has_value());
  EXPECT_EQ(offset(), 0s);
  EXPECT_EQ(after("301\n"), 301s);
  EXPECT_EQ(after("+1.25"), 1250ms);
  EXPECT_EQ(after("-3600.5\n"), -3600500ms);
  EXPECT_EQ(after("1000000000"), 1'000'000'000s);
}

TEST_F(TestClockTest, what_is_no_number_changes_nothing) {
  say("7");
  ASSERT_TRUE(watch(file_).has_value());
  for (const char* text : {"", "7 days", "nan", "inf", "1e3", "1000000001", "-1000000001", "0x10", "--1"})
    EXPECT_EQ(after(text), 7s) << text;
  std::filesystem::remove(file_);
  refresh();
  EXPECT_EQ(offset(), 7s);
}

TEST_F(TestClockTest, a_file_in_the_old_ones_place_counts) {
  say("1");
  ASSERT_TRUE(watch(file_).has_value());
  std::ofstream{file_ + ".new"} << "2";
  std::filesystem::rename(file_ + ".new", file_);
  refresh();
  EXPECT_EQ(offset(), 2s);
}

TEST_F(TestClockTest, without_a_number_nothing_starts) {
  EXPECT_NE(watch(file_).error().find("No such file"), std::string::npos);
  say("tomorrow");
  EXPECT_FALSE(watch(file_).has_value());
}

TEST_F(TestClockTest, children_see_it_and_cannot_change_it) {
  say("5");
  ASSERT_TRUE(watch(file_).has_value());
  EXPECT_EQ(::mmap(nullptr, 8, PROT_READ | PROT_WRITE, MAP_SHARED, page(), 0), MAP_FAILED);
  const pid_t child = ::fork();
  ASSERT_GE(child, 0);
  if (child == 0) {
    ::dup2(page(), page_descriptor);
    adopt();
    const bool seen = offset() == 5s && ::fcntl(page_descriptor, F_GETFD) < 0;
    ::_exit(seen ? 0 : 1);
  }
  int status = 0;
  ASSERT_EQ(::waitpid(child, &status, 0), child);
  EXPECT_EQ(status, 0);
}

TEST_F(TestClockTest, a_timer_keeps_up_with_a_jump) {
  say("0");
  ASSERT_TRUE(watch(file_).has_value());
  const Instant before = MachineClock::now();
  const auto wall_before = resolver::machine_wall();
  boost::asio::io_context loop;
  MachineTimer timer{loop, before + 300s};
  bool due = false;
  timer.async_wait([&](boost::system::error_code error) { due = !error; });
  loop.run_for(30ms);
  EXPECT_FALSE(due);
  after("301");
  loop.run_for(10s);  // ends with the timer: nothing else is in the loop
  EXPECT_TRUE(due);
  EXPECT_GE(MachineClock::now() - before, 301s);
  EXPECT_LT(MachineClock::now() - before, 321s);
  EXPECT_GE(resolver::machine_wall() - wall_before, 301s);
}

}  // namespace
}  // namespace redoubt::channel::test_clock
