#include "resolver/fairness/denial_rates.hpp"

#include <gtest/gtest.h>

namespace redoubt::resolver {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{std::chrono::hours{1}};
constexpr Holder zone{1};
constexpr Holder client{2};
constexpr std::uint64_t rate = 100;

/// How many of `count` at once were let through, and ended so.
int pass(DenialRates& rates, Holder who, int count, bool of_use, Instant now) {
  int passed = 0;
  for (int i = 0; i < count; ++i) {
    if (!rates.begin(zone, who, rate, now)) continue;
    ++passed;
    rates.end(zone, who, rate, now, of_use);
  }
  return passed;
}

TEST(DenialRates, let_through_so_many_of_no_use_in_a_second) {
  DenialRates rates;
  EXPECT_EQ(pass(rates, Holder::nobody, 1000, false, start), 100);
  EXPECT_EQ(pass(rates, Holder::nobody, 1000, false, start + 500ms), 50);
  EXPECT_EQ(pass(rates, Holder::nobody, 1000, false, start + 1500ms), 100);
}

TEST(DenialRates, let_through_all_that_is_of_use_however_many_are_under_way) {
  DenialRates rates;
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(rates.begin(zone, client, rate, start));
  for (int i = 0; i < 1000; ++i) rates.end(zone, client, rate, start + 1s, true);
  EXPECT_EQ(pass(rates, client, 1000, true, start + 1s), 1000);
}

TEST(DenialRates, count_what_is_under_way_once_most_is_of_no_use) {
  DenialRates rates;
  pass(rates, Holder::nobody, 90, false, start);
  const Instant later = start + 2s;
  int under_way = 0;
  while (under_way < 1000 && rates.begin(zone, Holder::nobody, rate, later)) ++under_way;
  EXPECT_GE(under_way, 99);
  EXPECT_LE(under_way, 105);
}

TEST(DenialRates, of_one_client_are_half_of_the_zones) {
  DenialRates rates;
  EXPECT_EQ(pass(rates, client, 1000, false, start), 50);
  EXPECT_EQ(pass(rates, client, 1000, true, start), 0);
}

TEST(DenialRates, leave_a_quarter_to_those_who_have_spent_nothing_of_late) {
  DenialRates rates;
  pass(rates, client, 1000, false, start);
  EXPECT_EQ(pass(rates, Holder{3}, 1000, false, start), 25);
  EXPECT_EQ(pass(rates, Holder{4}, 1000, false, start), 1) << "and has then spent, too";
  EXPECT_EQ(pass(rates, Holder{5}, 1000, true, start), 1000) << "what exists costs nothing";
  int one_each = 0;
  for (std::uint64_t who = 100; who < 1000; ++who) one_each += pass(rates, Holder{who}, 1, false, start);
  EXPECT_EQ(one_each, 24) << "all together no more than the zone's rate";
  EXPECT_EQ(pass(rates, client, 1000, false, start + 1500ms), 50) << "a while later all begins anew";
}

TEST(DenialRates, of_one_zone_are_none_of_anothers_and_the_table_is_bounded) {
  DenialRates rates;
  pass(rates, client, 1000, false, start);
  for (std::uint64_t other = 10; other < 30'000; ++other) {
    EXPECT_TRUE(rates.begin(Holder{other}, Holder::nobody, rate, start));
    rates.end(Holder{other}, Holder::nobody, rate, start, false);
  }
  EXPECT_EQ(rates.size(), DenialRates::most);
}

}  // namespace
}  // namespace redoubt::resolver
