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
  bool histogram = false;
  for (std::string line; std::getline(lines, line);) {
    if (line.starts_with("# HELP ")) {
      current = line.substr(7, line.find(' ', 7) - 7);
      EXPECT_TRUE(seen.insert(current).second) << "a second head of " << current;
      continue;
    }
    if (line.starts_with("# TYPE ")) {
      histogram = line.ends_with(" histogram");
      continue;
    }
    std::smatch match;
    ASSERT_TRUE(std::regex_match(line, match, row)) << line;
    const std::string name = match[1].str();
    EXPECT_EQ(histogram ? name.substr(0, name.rfind('_')) : name, current);
    EXPECT_TRUE(series.insert(line.substr(0, line.rfind(' '))).second) << line;
  }
  EXPECT_GT(seen.size(), 20U);
}

TEST(Metrics, a_histogram_has_its_parts_under_one_head) {
  MetricsSources some = sources();
  some.resolver->at(static_cast<std::size_t>(channel::ResolverCounter::resolution_time_sum)) = 2'500'000;
  const std::string page = metrics_page(some);
  EXPECT_THAT(page, HasSubstr("\n# TYPE redoubt_resolution_seconds histogram\n"));
  EXPECT_THAT(page, HasSubstr("\nredoubt_resolution_seconds_bucket{le=\"0.001\"} 5\n"));
  EXPECT_THAT(page, HasSubstr("\nredoubt_resolution_seconds_bucket{le=\"+Inf\"} 5\n"));
  EXPECT_THAT(page, HasSubstr("\nredoubt_resolution_seconds_count 5\n"));
  EXPECT_THAT(page, HasSubstr("\nredoubt_resolution_seconds_sum 2.5\n"));
}

TEST(Metrics, configured_upstreams_and_zones_have_rows_of_their_own) {
  MetricsSources some = sources();
  channel::Upstreams& shown = some.upstreams.emplace();
  shown.configured.push_back({.at = *dns::Endpoint::from_text("192.0.2.1", 53),
                              .queries = 7,
                              .answers = 6,
                              .timeouts = 1,
                              .failures = 0,
                              .overtaken = 0,
                              .refused = 0,
                              .waiting = 0,
                              .round_trip = 12'500,
                              .aside_for = 0});
  shown.zones.push_back({.zone = *dns::Name::from_text(R"(a\"b\010.example)"), .questions = 5, .failures = 2});
  const std::string page = metrics_page(some);
  EXPECT_THAT(page, HasSubstr("\nredoubt_forward_queries_total{upstream=\"192.0.2.1@53\"} 7\n"));
  EXPECT_THAT(page, HasSubstr("\nredoubt_forward_round_trip_seconds{upstream=\"192.0.2.1@53\"} 0.0125\n"));
  EXPECT_THAT(page, HasSubstr(R"(redoubt_forward_zone_questions_total{zone="a\\\"b\\010.example."} 5)"));
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
