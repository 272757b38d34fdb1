#include "appliance/log/log.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <regex>

#include "appliance/log/rate_limiter.hpp"

namespace redoubt::log {
namespace {

using namespace std::chrono_literals;

/// Standard error, caught in a pipe while this lives.
class Caught {
 public:
  Caught() : former_{::dup(STDERR_FILENO)} {
    (void)::pipe2(ends_.data(), O_CLOEXEC | O_NONBLOCK);
    ::dup2(ends_[1], STDERR_FILENO);
  }
  ~Caught() {
    ::dup2(former_, STDERR_FILENO);
    for (const int fd : {former_, ends_[0], ends_[1]}) ::close(fd);
  }
  Caught(const Caught&) = delete;
  Caught& operator=(const Caught&) = delete;
  std::string text() const {
    std::string result;
    std::array<char, 65536> buffer{};
    for (ssize_t count = 0; (count = ::read(ends_[0], buffer.data(), buffer.size())) > 0;) {
      result.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return result;
  }
  void close_reader() { ::close(std::exchange(ends_[0], -1)); }
  int reader() const { return ends_[0]; }

 private:
  int former_;
  std::array<int, 2> ends_{};
};

struct LogTest : testing::Test {
  LogTest() { start("resolver"); }
};

TEST_F(LogTest, a_line_has_time_level_and_who) {
  const Caught caught;
  info("serving {} listeners", 3);
  const std::string line = caught.text();
  EXPECT_TRUE(std::regex_match(
      line, std::regex{R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z info resolver: serving 3 listeners\n)"}))
      << line;
}

TEST_F(LogTest, levels_below_the_chosen_one_say_nothing) {
  const Caught caught;
  debug("details");
  set(Level::warning, false);
  info("chatter");
  warning("trouble ahead");
  EXPECT_EQ(std::ranges::count(caught.text(), '\n'), 1);
  EXPECT_FALSE(enabled(Level::info));
  EXPECT_TRUE(enabled(Level::error));
}

TEST_F(LogTest, as_json_a_line_is_one_object) {
  const Caught caught;
  set(Level::info, true);
  error("said \"no\"\nand \xff left");
  const std::string line = caught.text();
  ASSERT_EQ(std::ranges::count(line, '\n'), 1) << line;
  const auto object = nlohmann::json::parse(line);
  EXPECT_EQ(object.at("level"), "error");
  EXPECT_EQ(object.at("who"), "resolver");
  EXPECT_EQ(object.at("message"), "said \"no\"\\x0aand \xef\xbf\xbd left");  // what is no UTF-8 becomes U+FFFD
  EXPECT_TRUE(object.at("time").get<std::string>().ends_with('Z'));
}

TEST_F(LogTest, no_octet_can_start_a_line_of_its_own_or_command_a_terminal) {
  const Caught caught;
  info("{}", "a\nb\r\x1b[2Jc\x7f");
  const std::string line = caught.text();
  EXPECT_TRUE(line.ends_with("a\\x0ab\\x0d\\x1b[2Jc\\x7f\n")) << line;
}

TEST_F(LogTest, a_long_line_is_cut_so_that_it_goes_out_in_one_write) {
  const Caught caught;
  info("{}", std::string(100'000, 'x'));
  const std::string line = caught.text();
  EXPECT_LE(line.size(), 4096U);  // PIPE_BUF
  EXPECT_TRUE(line.ends_with("x [cut]\n"));
}

TEST_F(LogTest, a_flood_is_held_back) {
  const Caught caught;
  for (unsigned i = 0; i < 10 * max_lines_per_second; ++i) info("flood");
  const auto lines = static_cast<unsigned>(std::ranges::count(caught.text(), '\n'));
  EXPECT_GE(lines, max_lines_per_second);
  EXPECT_LE(lines, 3 * max_lines_per_second);  // the flood may have met the turn of a second, on a slow machine of two
}

TEST_F(LogTest, a_reader_that_went_away_does_not_end_the_process) {
  Caught caught;
  caught.close_reader();
  for (int i = 0; i < 10; ++i) info("to nobody");
  SUCCEED();  // SIGPIPE would have ended us
}

TEST_F(LogTest, a_reader_that_stopped_reading_does_not_stop_the_process) {
  const Caught caught;
  ::fcntl(STDERR_FILENO, F_SETFL, 0);  // a blocking pipe, as it usually is
  std::array<char, 4096> octets{};
  ::fcntl(STDERR_FILENO, F_SETFL, O_NONBLOCK);
  while (::write(STDERR_FILENO, octets.data(), octets.size()) > 0) {
  }
  ::fcntl(STDERR_FILENO, F_SETFL, 0);
  info("this would wait for ever");
  (void)caught.text();
  info("later");
  EXPECT_NE(caught.text().find("1 log lines held back"), std::string::npos);
}

TEST(Printable, what_is_not_plain_ascii_is_escaped) {
  EXPECT_EQ(printable("plain text"), "plain text");
  EXPECT_EQ(printable(std::string_view{"\0\n\x7f\x80\xff", 5}), "\\x00\\x0a\\x7f\\x80\\xff");
}

TEST(LevelText, only_the_five_names_are_levels) {
  EXPECT_EQ(level_from_text("warning"), Level::warning);
  EXPECT_EQ(level_from_text("warn"), std::nullopt);
  EXPECT_EQ(level_from_text(""), std::nullopt);
}

TEST(RateLimiterTest, each_second_has_its_lines_and_what_was_held_back_is_counted) {
  RateLimiter limiter{3};
  const RateLimiter::Time start{100s};
  unsigned allowed = 0;
  for (int i = 0; i < 10; ++i) allowed += limiter.allow(start + i * 10ms) ? 1 : 0;
  EXPECT_EQ(allowed, 3U);
  EXPECT_FALSE(limiter.allow(start + 999ms));
  EXPECT_TRUE(limiter.allow(start + 1000ms));
  EXPECT_EQ(limiter.take_held_back(), 8U);
  EXPECT_EQ(limiter.take_held_back(), 0U);
}

}  // namespace
}  // namespace redoubt::log
