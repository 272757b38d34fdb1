#include "resolver/upstream/servers.hpp"

#include <gtest/gtest.h>

#include <thread>

#include "tests/sim/world.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::resolver {

using namespace std::chrono_literals;

namespace {

constexpr Instant now{std::chrono::hours{1}};
const dns::Name zone = sim::name_from_text("shop.com.");
const dns::Name other_zone = sim::name_from_text("bank.com.");

dns::IpAddress address(std::uint32_t number) {
  return dns::IpAddress::v4({192, static_cast<std::uint8_t>(number >> 16), static_cast<std::uint8_t>(number >> 8),
                             static_cast<std::uint8_t>(number)});
}

}  // namespace

TEST(Servers, are_put_aside_after_three_failures_longer_each_time_and_at_most_a_minute) {
  Servers servers{dns::HashKey{}};
  servers.failed(address(1), zone, now);
  servers.failed(address(1), zone, now);
  EXPECT_FALSE(servers.is_aside(address(1), zone, now));
  servers.failed(address(1), zone, now);
  EXPECT_TRUE(servers.is_aside(address(1), zone, now + 4s));
  EXPECT_FALSE(servers.is_aside(address(1), zone, now + 5s));
  servers.failed(address(1), zone, now);
  EXPECT_TRUE(servers.is_aside(address(1), zone, now + 9s));
  for (int i = 0; i < 100; ++i) servers.failed(address(1), zone, now);
  EXPECT_FALSE(servers.is_aside(address(1), zone, now + 60s));
}

TEST(Servers, aside_for_one_zone_are_not_for_another) {
  Servers servers{dns::HashKey{}};
  servers.put_aside(address(1), zone, now + 60s);
  EXPECT_TRUE(servers.is_aside(address(1), zone, now));
  EXPECT_FALSE(servers.is_aside(address(1), other_zone, now));
  EXPECT_FALSE(servers.is_aside(address(2), zone, now));
}

TEST(Servers, success_wipes_the_slate) {
  Servers servers{dns::HashKey{}};
  for (int i = 0; i < 5; ++i) servers.failed(address(1), zone, now);
  servers.succeeded(address(1), zone);
  EXPECT_FALSE(servers.is_aside(address(1), zone, now));
  servers.failed(address(1), zone, now);
  EXPECT_FALSE(servers.is_aside(address(1), zone, now));
}

TEST(Servers, tables_are_bounded_and_forget_the_longest_untouched) {
  Servers servers{dns::HashKey{}};
  for (std::uint32_t i = 0; i < 30'000; ++i) {
    servers.answered(address(i), 20ms);
    servers.put_aside(address(i), zone, now + 60s);
  }
  EXPECT_EQ(servers.measured(), Servers::max_measured);
  EXPECT_EQ(servers.troubled(), Servers::max_troubled);
  EXPECT_EQ(servers.round_trip(address(0)), Duration::zero());
  EXPECT_EQ(servers.round_trip(address(29'999)), 20ms);
}

TEST(Servers, those_aside_are_chosen_only_when_there_are_no_others) {
  sim::SeededRandom random{1};
  Servers servers{dns::HashKey{}};
  const std::vector<dns::IpAddress> candidates{address(1), address(2)};
  servers.put_aside(address(1), zone, now + 60s);
  for (int i = 0; i < 200; ++i) EXPECT_EQ(servers.choose(candidates, zone, now, random), 1U);
  servers.put_aside(address(2), zone, now + 60s);
  std::size_t first = 0;
  for (int i = 0; i < 200; ++i) first += servers.choose(candidates, zone, now, random) == 0 ? 1 : 0;
  EXPECT_GT(first, 50U);
  EXPECT_LT(first, 150U);
}

TEST(Servers, patience_grows_with_tries_and_round_trip_within_bounds) {
  EXPECT_EQ(Servers::patience({}, 0), 400ms);
  EXPECT_EQ(Servers::patience({}, 1), 800ms);
  EXPECT_EQ(Servers::patience({}, 2), 1600ms);
  EXPECT_EQ(Servers::patience({}, 9), 1600ms);
  EXPECT_EQ(Servers::patience(1ms, 0), 200ms);
  EXPECT_EQ(Servers::patience(100ms, 0), 400ms);
  EXPECT_EQ(Servers::patience(10s, 0), 1600ms);
}

TEST(Servers, are_shared_by_threads) {
  Servers servers{dns::HashKey{}};
  std::vector<std::thread> threads;
  for (unsigned thread = 0; thread < 4; ++thread) {
    threads.emplace_back([&servers, thread] {
      sim::SeededRandom random{thread};
      for (std::uint32_t i = 0; i < 2000; ++i) {
        const std::vector<dns::IpAddress> candidates{address(i % 50), address(i % 70)};
        const dns::IpAddress chosen = candidates[servers.choose(candidates, zone, now, random)];
        servers.answered(chosen, 5ms);
        i % 3 == 0 ? servers.failed(chosen, zone, now) : servers.succeeded(chosen, zone);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(servers.measured(), 70U);
}

}  // namespace redoubt::resolver
