#include "resolver/upstream/recent_table.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace redoubt::resolver {

namespace {
using Table = RecentTable<int, int, std::hash<int>>;
}  // namespace

TEST(RecentTable, forgets_what_was_touched_longest_ago) {
  Table table{3, {}};
  for (const int key : {1, 2, 3}) table.touch(key) = key * 10;
  table.touch(1);
  table.touch(4) = 40;
  EXPECT_EQ(table.size(), 3U);
  EXPECT_EQ(table.find(2), nullptr);
  for (const int key : {1, 3, 4}) {
    ASSERT_NE(table.find(key), nullptr) << key;
    EXPECT_EQ(*table.find(key), key * 10);
  }
}

TEST(RecentTable, what_was_touched_just_now_stays_where_it_is) {
  Table table{2, {}};
  table.touch(1);
  int& kept = table.touch(2);
  kept = 20;
  table.touch(3);
  EXPECT_EQ(&kept, table.find(2)) << "a caller may hold two rows at once";
}

TEST(RecentTable, of_one_row_has_the_last) {
  Table table{1, {}};
  for (const int key : {1, 2, 2}) ++table.touch(key);
  EXPECT_EQ(table.find(1), nullptr);
  EXPECT_EQ(*table.find(2), 2);
  table.erase(2);
  EXPECT_EQ(table.size(), 0U);
  EXPECT_EQ(table.touch(2), 0) << "made anew";
}

}  // namespace redoubt::resolver
