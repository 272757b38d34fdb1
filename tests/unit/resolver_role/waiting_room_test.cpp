#include "resolver/role/waiting_room.hpp"

#include <gtest/gtest.h>

#include <list>

namespace redoubt::resolver {
namespace {

dns::IpAddress at(const char* text) { return *dns::IpAddress::from_text(text); }

TEST(WaitingRoom, one_client_fills_its_share_and_no_more) {
  WaitingRoom room;
  const WaitingRoom::Bounds bounds{10, 3};
  std::list<WaitingRoom::Place> places;
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(room.is_full_for(at("192.0.2.1"), bounds));
    places.emplace_back(room, at("192.0.2.1"));
  }
  EXPECT_TRUE(room.is_full_for(at("192.0.2.1"), bounds));
  EXPECT_TRUE(room.is_full_for(at("::ffff:192.0.2.1"), bounds)) << "the same client by another socket";
  EXPECT_FALSE(room.is_full_for(at("192.0.2.2"), bounds));
  places.pop_front();
  EXPECT_FALSE(room.is_full_for(at("192.0.2.1"), bounds));
}

TEST(WaitingRoom, a_site_counts_as_one_client_in_ipv6) {
  WaitingRoom room;
  const WaitingRoom::Bounds bounds{10, 2};
  const WaitingRoom::Place first{room, at("2001:db8:0:100::1")};
  const WaitingRoom::Place second{room, at("2001:db8:0:1ff:ffff::2")};
  EXPECT_TRUE(room.is_full_for(at("2001:db8:0:123::3"), bounds));
  EXPECT_FALSE(room.is_full_for(at("2001:db8:0:200::3"), bounds));
}

TEST(WaitingRoom, all_together_have_a_bound_and_nothing_is_kept_of_who_left) {
  WaitingRoom room;
  {
    std::list<WaitingRoom::Place> places;
    for (int i = 1; i <= 10; ++i)
      places.emplace_back(room, dns::IpAddress::v4({10, 0, 0, static_cast<std::uint8_t>(i)}));
    EXPECT_TRUE(room.is_full_for(at("192.0.2.1"), {10, 3}));
    EXPECT_EQ(room.networks(), 10U);
  }
  EXPECT_EQ(room.count(), 0U);
  EXPECT_EQ(room.networks(), 0U);
}

}  // namespace
}  // namespace redoubt::resolver
