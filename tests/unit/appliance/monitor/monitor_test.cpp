#include <gtest/gtest.h>

#include <array>
#include <string>
#include <vector>

#include "appliance/monitor/backoff.hpp"
#include "appliance/monitor/command_line.hpp"

namespace redoubt::monitor {
namespace {

using namespace std::chrono_literals;

TEST(BackoffTest, the_first_death_costs_no_time_and_the_next_ones_twice_the_former_up_to_ten_seconds) {
  Backoff backoff;
  const Backoff::Time now{1000s};
  std::vector<long> delays;
  for (int i = 0; i < 10; ++i) delays.push_back(backoff.after_death(now + i * 1s).count());
  EXPECT_EQ(delays, (std::vector<long>{0, 100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000}));
}

TEST(BackoffTest, a_quiet_minute_forgives) {
  Backoff backoff;
  const Backoff::Time now{1000s};
  backoff.after_death(now);
  EXPECT_EQ(backoff.after_death(now + 59s), 100ms);
  EXPECT_EQ(backoff.after_death(now + 119s), 0ms);
  EXPECT_EQ(backoff.after_death(now + 120s), 100ms);
}

std::expected<CommandLine, std::string> parse(std::vector<std::string> arguments) {
  std::vector<char*> pointers;
  for (std::string& argument : arguments) pointers.push_back(argument.data());
  return parse_command_line(pointers);
}

TEST(CommandLineTest, knows_its_options_in_both_forms) {
  EXPECT_EQ(parse({})->configuration, "");
  EXPECT_EQ(parse({"--config", "/etc/a.yaml"})->configuration, "/etc/a.yaml");
  EXPECT_EQ(parse({"--config=/etc/a=b.yaml"})->configuration, "/etc/a=b.yaml");
  EXPECT_TRUE(parse({"--help"})->help);
  EXPECT_TRUE(parse({"--version"})->version);
  EXPECT_EQ(parse({"--role", "resolver"})->role, channel::Role::resolver);
}

TEST(CommandLineTest, says_what_is_wrong) {
  EXPECT_EQ(parse({"--confg"}).error(), "unknown argument '--confg'; resolverd --help lists what there is");
  EXPECT_EQ(
      parse({"--clock-offset-file", "f"}).error(),
      "unknown argument '--clock-offset-file'; resolverd --help lists what there is");  // builds for tests have it
  EXPECT_EQ(parse({"file"}).error(), "unknown argument 'file'; resolverd --help lists what there is");
  EXPECT_EQ(parse({"--config"}).error(), "--config needs a file");
  EXPECT_EQ(parse({"--config="}).error(), "--config needs a file");
  EXPECT_EQ(parse({"--help=yes"}).error(), "--help takes no value");
  EXPECT_FALSE(parse({"--role", "monitor"}).has_value());
  EXPECT_FALSE(parse({"--role"}).has_value());
}

}  // namespace
}  // namespace redoubt::monitor
