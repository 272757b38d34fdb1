#include "policy/rates/amplified_answers.hpp"

#include <gtest/gtest.h>

#include <random>

namespace redoubt::policy {
namespace {

dns::IpAddress address(const char* text) { return *dns::IpAddress::from_text(text); }

TEST(AmplifiedAnswers, so_many_leave_in_a_second_and_again_in_the_next) {
  AmplifiedAnswers answers{dns::HashKey{1}};
  for (const std::uint64_t second : {1000U, 1001U, 5000U}) {
    for (int i = 0; i < 5; ++i) EXPECT_TRUE(answers.may_leave(address("192.0.2.1"), second, 5));
    for (int i = 0; i < 100; ++i) EXPECT_FALSE(answers.may_leave(address("192.0.2.1"), second, 5));
  }
}

TEST(AmplifiedAnswers, a_network_is_one_receiver_and_its_neighbour_another) {
  AmplifiedAnswers answers{dns::HashKey{1}};
  EXPECT_TRUE(answers.may_leave(address("192.0.2.1"), 9, 1));
  EXPECT_FALSE(answers.may_leave(address("192.0.2.255"), 9, 1));
  EXPECT_FALSE(answers.may_leave(address("::ffff:192.0.2.7"), 9, 1));
  EXPECT_TRUE(answers.may_leave(address("192.0.3.1"), 9, 1));
  EXPECT_TRUE(answers.may_leave(address("2001:db8:0:100::1"), 9, 1));
  EXPECT_FALSE(answers.may_leave(address("2001:db8:0:1ff::1"), 9, 1));
  EXPECT_TRUE(answers.may_leave(address("2001:db8:0:200::1"), 9, 1));
}

/// attacks: sources from everywhere, so that the table forgets the one victim.
TEST(AmplifiedAnswers, a_victim_among_a_hundred_thousand_other_networks_is_not_forgotten) {
  AmplifiedAnswers answers{dns::HashKey{1}};
  std::mt19937 dice{3};
  unsigned left = 0;
  for (unsigned i = 0; i < 100'000; ++i) {
    const std::array<std::uint8_t, 4> octets{static_cast<std::uint8_t>(dice()), static_cast<std::uint8_t>(dice()),
                                             static_cast<std::uint8_t>(dice()), 1};
    answers.may_leave(dns::IpAddress::v4(octets), 77, 5);
    if (i % 100 == 0) left += answers.may_leave(address("198.51.100.1"), 77, 5) ? 1 : 0;
  }
  EXPECT_LE(left, 20U) << "of 1000 asked for in its name";
}

}  // namespace
}  // namespace redoubt::policy
