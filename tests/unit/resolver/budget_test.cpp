#include "resolver/budget.hpp"

#include <gtest/gtest.h>

#include <set>

namespace redoubt::resolver {

TEST(LimitTable, names_are_unique_and_initial_values_are_in_range) {
  std::set<std::string_view> names;
  for (const dns::LimitRow& row : limit_rows()) {
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_LE(row.least, row.initial) << row.name;
    EXPECT_LE(row.initial, row.most) << row.name;
    EXPECT_NE(row.help.find('('), std::string_view::npos) << row.name << " does not say which attack it answers";
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Limit::count));
}

TEST(LimitTable, order_is_that_of_the_enumeration) {
  EXPECT_EQ(name_of(Limit::upstream_queries), "upstream-queries");
  EXPECT_EQ(name_of(Limit::nested_questions), "nested-questions");
  EXPECT_EQ(name_of(Limit::question_time_ms), "question-time");
  EXPECT_EQ(name_of(Limit::flights), "resolutions");
}

TEST(LimitTable, every_row_can_be_set_to_its_ends_and_no_further) {
  for (const dns::LimitRow& row : limit_rows()) {
    Limits limits;
    EXPECT_TRUE(limits.set(row.name, row.least));
    EXPECT_TRUE(limits.set(row.name, row.most));
    EXPECT_FALSE(limits.set(row.name, row.least - 1)) << row.name;
    EXPECT_FALSE(limits.set(row.name, row.most + 1)) << row.name;
  }
  Limits limits;
  EXPECT_FALSE(limits.set("no-such-limit", 1));
}

TEST(Ledger, lets_exactly_the_limit_be_spent) {
  Limits limits;
  limits.set("upstream-queries", 10);
  Budget budget{limits, Instant{}};
  for (int i = 0; i < 10; ++i) EXPECT_TRUE(budget.spend(Limit::upstream_queries));
  EXPECT_FALSE(budget.exhausted());
  EXPECT_FALSE(budget.spend(Limit::upstream_queries));
  EXPECT_EQ(budget.exhausted(), Limit::upstream_queries);
  EXPECT_EQ(budget.spent(Limit::upstream_queries), 10U);
}

TEST(Ledger, refuses_an_amount_that_is_more_than_is_left_however_large) {
  Budget budget{Limits{}, Instant{}};
  EXPECT_TRUE(budget.spend(Limit::upstream_octets, 99'999));
  EXPECT_FALSE(budget.spend(Limit::upstream_octets, 2));
  EXPECT_FALSE(budget.spend(Limit::upstream_octets, ~std::uint64_t{0}));
  EXPECT_TRUE(budget.spend(Limit::upstream_octets, 1)) << "what was refused is not charged";
}

TEST(Ledger, names_the_limit_that_was_hit_first) {
  Budget budget{Limits{}, Instant{}};
  budget.exhaust(Limit::records_per_rrset);
  budget.exhaust(Limit::question_time_ms);
  EXPECT_EQ(budget.exhausted(), Limit::records_per_rrset);
}

TEST(Ledger, ends_after_the_time_limit) {
  const Instant started{std::chrono::hours{5}};
  EXPECT_EQ(Budget(Limits{}, started).deadline(), started + std::chrono::milliseconds{4500});
}

}  // namespace redoubt::resolver
