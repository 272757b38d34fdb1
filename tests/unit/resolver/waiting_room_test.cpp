#include "resolver/fairness/waiting_room.hpp"

#include <gtest/gtest.h>

#include <list>

namespace redoubt::resolver {
namespace {

using namespace std::chrono_literals;
using Turned = WaitingRoom::Turned;

constexpr dns::HashKey key{3};
constexpr Instant start{std::chrono::hours{1}};

dns::IpAddress at(const char* text) { return *dns::IpAddress::from_text(text); }

class WaitingRoomTest : public testing::Test {
 protected:
  bool enter(const char* client, WaitingRoom::Bounds bounds, Instant now = start,
             AddressProof proof = AddressProof::none) {
    auto entry = room.enter(at(client), proof, bounds, now);
    turned = entry.turned;
    if (entry.place) places.push_back(std::move(*entry.place));
    return entry.place.has_value();
  }
  WaitingRoom room{key};
  std::list<WaitingRoom::Place> places;  // gone before the room
  Turned turned = Turned::away;
};

TEST_F(WaitingRoomTest, one_client_fills_its_share_and_no_more) {
  const WaitingRoom::Bounds bounds{10, 3};
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(enter("192.0.2.1", bounds));
  EXPECT_FALSE(enter("192.0.2.1", bounds));
  EXPECT_EQ(turned, Turned::away_alone);
  EXPECT_FALSE(enter("::ffff:192.0.2.1", bounds)) << "the same client by another socket";
  EXPECT_TRUE(enter("192.0.2.2", bounds));
  places.pop_front();
  EXPECT_TRUE(enter("192.0.2.1", bounds));
}

/// attacks F02: the limiter turned on its victim.
TEST_F(WaitingRoomTest, queries_in_a_forged_name_take_no_place_from_whoever_has_proven_it) {
  const WaitingRoom::Bounds bounds{10'000, 1000};
  for (int i = 0; i < 3000; ++i) enter("192.0.2.1", bounds);
  EXPECT_FALSE(enter("192.0.2.1", bounds));
  for (int i = 0; i < 1000; ++i) EXPECT_TRUE(enter("192.0.2.1", bounds, start, AddressProof::given));
  EXPECT_FALSE(enter("192.0.2.1", bounds, start, AddressProof::given)) << "proven, but one client still";
}

TEST_F(WaitingRoomTest, a_site_counts_as_one_client_in_ipv6) {
  const WaitingRoom::Bounds bounds{10, 2};
  EXPECT_TRUE(enter("2001:db8:0:100::1", bounds));
  EXPECT_TRUE(enter("2001:db8:0:1ff:ffff::2", bounds));
  EXPECT_FALSE(enter("2001:db8:0:123::3", bounds));
  EXPECT_TRUE(enter("2001:db8:0:200::3", bounds));
}

TEST_F(WaitingRoomTest, all_together_have_a_bound_and_nothing_is_kept_of_who_left) {
  for (const char* client : {"10.0.0.1", "10.0.0.2", "10.0.0.3"}) EXPECT_TRUE(enter(client, {3, 3}));
  EXPECT_FALSE(enter("192.0.2.1", {3, 3}));
  EXPECT_EQ(turned, Turned::away);
  EXPECT_EQ(room.networks(), 3U);
  places.clear();
  EXPECT_EQ(room.count(), 0U);
  EXPECT_EQ(room.networks(), 0U);
}

TEST_F(WaitingRoomTest, a_few_answers_leave_whenever_they_are_there) {
  for (std::uint32_t i = 1; i < WaitingRoom::crowd; ++i) enter("192.0.2.1", {1000, 1000});
  for (WaitingRoom::Place& place : places) EXPECT_EQ(place.leave_at(start + 4s), start + 4s);
  EXPECT_EQ(room.count(), 0U);
  places.clear();
  EXPECT_EQ(room.count(), 0U) << "a place is given back once";
}

TEST_F(WaitingRoomTest, whose_answer_waits_keeps_the_place) {
  for (std::uint32_t i = 0; i < WaitingRoom::crowd; ++i) enter("192.0.2.1", {1000, 1000});
  EXPECT_EQ(places.front().leave_at(start + 1s), start + 1s);
  EXPECT_EQ(room.count(), WaitingRoom::crowd - 1);
  EXPECT_GT(std::next(places.begin())->leave_at(start + 1s), start + 1s);
  EXPECT_EQ(room.count(), WaitingRoom::crowd - 1);
  places.clear();
  EXPECT_EQ(room.count(), 0U);
}

TEST_F(WaitingRoomTest, a_crowds_answers_leave_at_a_steady_pace) {
  for (int i = 0; i < 1000; ++i) enter("192.0.2.1", {2000, 1000});
  enter("192.0.2.2", {2000, 1000});
  std::vector<Instant> left;
  for (WaitingRoom::Place& place : places) left.push_back(place.leave_at(start + 1s).value());
  EXPECT_EQ(left.back(), start + 1s) << "another client is not held up by it";
  left.pop_back();
  EXPECT_EQ(left[0], start + 1s);
  for (std::size_t i = 100; i < left.size(); ++i) EXPECT_GE(left[i] - left[i - 100], 10ms);
}

TEST_F(WaitingRoomTest, a_crowds_late_answers_stay_until_the_crowd_is_gone) {
  for (int i = 0; i < 200; ++i) enter("192.0.2.1", {1000, 1000});
  EXPECT_TRUE(places.front().leave_at(start + 1900ms));
  places.pop_front();
  while (!places.empty()) {
    EXPECT_FALSE(places.front().leave_at(start + 1901ms)) << places.size();
    places.pop_front();
  }
  enter("192.0.2.1", {1000, 1000}, start + 2s);
  EXPECT_TRUE(places.front().leave_at(start + 6s));
}

TEST_F(WaitingRoomTest, a_crowd_beyond_its_share_is_told_so_at_the_same_pace) {
  for (int i = 0; i < 200; ++i) enter("192.0.2.1", {1000, 200});
  int told = 0;
  for (int i = 0; i < 5000; ++i) {
    EXPECT_FALSE(enter("192.0.2.1", {1000, 200}, start + std::chrono::microseconds{i * 2}));
    told += turned == Turned::away_alone ? 1 : 0;
  }
  EXPECT_LE(told, 102);
  EXPECT_GE(told, 50);
}

}  // namespace
}  // namespace redoubt::resolver
