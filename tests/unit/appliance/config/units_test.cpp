#include "appliance/config/units.hpp"

#include <gtest/gtest.h>

#include <array>

#include "appliance/config/suggest.hpp"

namespace redoubt::config {
namespace {

using namespace std::chrono_literals;

TEST(Units, sizes_have_binary_units_or_none) {
  EXPECT_EQ(size_from_text("0"), 0U);
  EXPECT_EQ(size_from_text("4096"), 4096U);
  EXPECT_EQ(size_from_text("64KiB"), 65536U);
  EXPECT_EQ(size_from_text("256MiB"), 268'435'456U);
  EXPECT_EQ(size_from_text("1GiB"), 1'073'741'824U);
  for (const char* text : {"", "MiB", "1MB", "1M", "-1", "+1", "1.5GiB", " 1", "1 ", "1 MiB", "0x10",
                           "99999999999999999999", "17179869185GiB"}) {
    EXPECT_FALSE(size_from_text(text)) << text;
  }
}

TEST(Units, durations_need_a_unit) {
  EXPECT_EQ(duration_from_text("0s"), 0ms);
  EXPECT_EQ(duration_from_text("100ms"), 100ms);
  EXPECT_EQ(duration_from_text("30s"), 30s);
  EXPECT_EQ(duration_from_text("5m"), 5min);
  EXPECT_EQ(duration_from_text("1h"), 1h);
  EXPECT_EQ(duration_from_text("1d"), 24h);
  for (const char* text :
       {"", "0", "30", "s", "1w", "1S", "-1s", "1.5h", "18446744073709551615d", "18446744073709551615ms"}) {
    EXPECT_FALSE(duration_from_text(text)) << text;
  }
}

TEST(Units, what_is_printed_is_read_back) {
  for (const std::uint64_t octets : {0ULL, 1ULL, 1023ULL, 65536ULL, 3ULL << 20U, 5ULL << 40U})
    EXPECT_EQ(size_from_text(size_to_text(octets)), octets);
  for (const auto duration : {0ms, 1ms, 1500ms, 60'000ms, 86'400'000ms})
    EXPECT_EQ(duration_from_text(duration_to_text(duration)), duration);
}

TEST(Units, ports_are_a_range_in_order) {
  EXPECT_EQ(ports_from_text("1024-65535"), (std::pair<std::uint16_t, std::uint16_t>{1024, 65535}));
  for (const char* text : {"", "1024", "-", "1024-", "-1024", "0-10", "10-9", "1-65536", "1-2-3", "a-b"})
    EXPECT_FALSE(ports_from_text(text)) << text;
}

TEST(Suggest, finds_what_was_meant) {
  constexpr std::array<std::string_view, 5> keys{"cache", "resolution", "validation", "listen", "log"};
  EXPECT_EQ(nearest("cahce", keys), "cache");
  EXPECT_EQ(nearest("Cache", keys), "cache");
  EXPECT_EQ(nearest("resolutoin", keys), "resolution");
  EXPECT_EQ(nearest("listener", keys), "listen");
  EXPECT_EQ(nearest("logs", keys), "log");
  EXPECT_FALSE(nearest("zebra", keys));
  EXPECT_FALSE(nearest("", keys));
  EXPECT_FALSE(nearest(std::string(100'000, 'c'), keys));
}

TEST(Suggest, underscore_means_hyphen) {
  constexpr std::array<std::string_view, 2> keys{"min-ttl", "max-ttl"};
  EXPECT_EQ(nearest("max_ttl", keys), "max-ttl");
}

}  // namespace
}  // namespace redoubt::config
