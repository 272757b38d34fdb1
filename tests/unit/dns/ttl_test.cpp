#include "dns/ttl.hpp"

#include <gtest/gtest.h>

namespace redoubt::dns {
namespace {

TEST(Ttl, is_held_between_floor_and_ceiling) {
  const Ttl floor = Ttl::from_wire(10);
  const Ttl ceiling = Ttl::from_wire(86400);
  EXPECT_EQ(Ttl::from_wire(5).capped(floor, ceiling).seconds(), 10U);
  EXPECT_EQ(Ttl::from_wire(500).capped(floor, ceiling).seconds(), 500U);
  EXPECT_EQ(Ttl::from_wire(0x7fffffff).capped(floor, ceiling).seconds(), 86400U);
}

TEST(Ttl, with_the_top_bit_counts_as_zero) {  // RFC 2181 §8
  EXPECT_EQ(Ttl::from_wire(0x80000000).capped(Ttl{}, Ttl::from_wire(86400)).seconds(), 0U);
  EXPECT_EQ(Ttl::from_wire(0xffffffff).seconds(), 0xffffffffU);  // kept for signatures
}

TEST(Ttl, ages_to_zero_and_not_below) {
  using std::chrono::seconds;
  EXPECT_EQ(Ttl::from_wire(60).after(seconds{59}).seconds(), 1U);
  EXPECT_EQ(Ttl::from_wire(60).after(seconds{60}).seconds(), 0U);
  EXPECT_EQ(Ttl::from_wire(60).after(seconds{1'000'000'000'000}).seconds(), 0U);
  EXPECT_EQ(Ttl::from_wire(60).after(seconds{-5}).seconds(), 60U);
}

}  // namespace
}  // namespace redoubt::dns
