#include "appliance/control/metrics.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <regex>
#include <set>
#include <sstream>

namespace redoubt::control {
namespace {

using channel::Role;
using testing::HasSubstr;
using testing::Not;

MetricsSources sources() {
  MetricsSources sources;
  sources.roles = {{Role::resolver, true, 10, 2}, {Role::transport, false, 11, 0}};
  sources.resolver = std::vector<std::uint64_t>(static_cast<std::size_t>(channel::ResolverCounter::count), 5);
  sources.generation = 3;
  sources.version = "1.2.3";
  return sources;
}

TEST(Metrics, tell_what_answered_and_that_the_rest_is_down) {
  const std::string page = metrics_page(sources());
  EXPECT_THAT(page, HasSubstr("\nredoubt_queries_total{transport=\"udp\"} 5\n"));
  EXPECT_THAT(page, HasSubstr("\nredoubt_role_up{role=\"transport\"} 0\n"));
  EXPECT_THAT(page, HasSubstr("\nredoubt_role_restarts_total{role=\"resolver\"} 2\n"));
  EXPECT_THAT(page, HasSubstr("\nredoubt_configuration_generation 3\n"));
  EXPECT_THAT(page, HasSubstr("redoubt_build_info{version=\"1.2.3\"} 1\n"));
  EXPECT_THAT(page, Not(HasSubstr("redoubt_connections_open")));
}

TEST(Metrics, every_name_has_one_head_before_its_rows) {
  MetricsSources all = sources();
  all.transport = std::vector<std::uint64_t>(static_cast<std::size_t>(channel::TransportCounter::count), 1);
  std::istringstream lines{metrics_page(all)};
  static const std::regex row{R"(([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[a-z_]+="[^"\\]*"(,[a-z_]+="[^"\\]*")*\})? [0-9.e+-]+)"};
  std::set<std::string> seen;
  std::set<std::string> series;
  std::string current;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP ")) {
      current = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(seen.insert(current).second) << "a second head of " << current;
      continue;
    }
    if (line.starts_with("# TYPE ")) continue;
    std::smatch match;
    ASSERT_TRUE(std::regex_match(line, match, row)) << line;
    EXPECT_EQ(match[1].str(), current);
    EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << line;
  }
  EXPECT_GT(seen.size(), 20U);
}

TEST(Metrics, a_role_of_another_build_may_know_fewer_or_more) {
  MetricsSources few = sources();
  few.resolver = std::vector<std::uint64_t>{7};
  EXPECT_THAT(metrics_page(few), HasSubstr("redoubt_queries_total{transport=\"udp\"} 7\n"));
  few.resolver = std::vector<std::uint64_t>(1000, 9);
  EXPECT_THAT(metrics_page(few), HasSubstr("redoubt_queries_total{transport=\"udp\"} 9\n"));
}

}  // namespace
}  // namespace redoubt::control
