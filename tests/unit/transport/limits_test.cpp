#include "transport/limits.hpp"

#include <gtest/gtest.h>

#include <set>

namespace redoubt::transport {

namespace {

TEST(TransportLimits, rows_are_in_range_and_named_once) {
  std::set<std::string_view> names;
  for (const dns::LimitRow& row : limit_rows()) {
    EXPECT_LE(row.least, row.initial) << row.name;
    EXPECT_LE(row.initial, row.most) << row.name;
    EXPECT_TRUE(names.insert(row.name).second) << row.name;
    EXPECT_FALSE(row.help.empty());
  }
  EXPECT_EQ(names.size(), static_cast<std::size_t>(Limit::count));
}

TEST(TransportLimits, rows_stand_in_the_order_of_their_numbers) {
  const Limits limits;
  EXPECT_EQ(limits[Limit::connections], 1024U);
  EXPECT_EQ(limits[Limit::queries_in_flight], 20U);
  EXPECT_EQ(limits[Limit::queued_octets], 128U * 1024);
  EXPECT_EQ(limits[Limit::upstream_connections_per_server], 32U);
  EXPECT_EQ(limits.time(Limit::upstream_time), std::chrono::seconds{10});
}

TEST(TransportLimits, only_known_names_and_values_in_range_are_taken) {
  Limits limits;
  EXPECT_TRUE(limits.set("stream-connections", 16));
  EXPECT_EQ(limits[Limit::connections], 16U);
  EXPECT_FALSE(limits.set("stream-connections", 15));
  EXPECT_FALSE(limits.set("stream-connections", 100'001));
  EXPECT_FALSE(limits.set("stream-connection", 100));
  EXPECT_EQ(limits[Limit::connections], 16U);
}

}  // namespace

}  // namespace redoubt::transport
