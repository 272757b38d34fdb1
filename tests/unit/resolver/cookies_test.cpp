#include "resolver/upstream/cookies.hpp"

#include <gtest/gtest.h>

#include <set>

namespace redoubt::resolver {
namespace {

dns::IpAddress address(std::uint32_t number) {
  return *dns::IpAddress::from_text("10." + std::to_string(number >> 16 & 255) + "." +
                                    std::to_string(number >> 8 & 255) + "." + std::to_string(number & 255));
}

TEST(Cookies, each_server_gets_another_one_and_the_same_each_time) {
  const Cookies cookies{dns::HashKey{1}};
  std::set<std::array<std::uint8_t, 8>> seen;
  for (std::uint32_t i = 0; i < 1000; ++i) seen.insert(cookies.cookie_for(address(i)).client);
  EXPECT_EQ(seen.size(), 1000U);
  EXPECT_EQ(cookies.cookie_for(address(7)), cookies.cookie_for(address(7)));
  EXPECT_NE(cookies.cookie_for(address(7)).client, Cookies{dns::HashKey{2}}.cookie_for(address(7)).client);
}

TEST(Cookies, what_a_server_gave_is_sent_back_to_it_alone) {
  Cookies cookies{dns::HashKey{1}};
  EXPECT_FALSE(cookies.is_expected_of(address(1)));
  const std::vector<std::uint8_t> part(16, 0x5a);
  cookies.learn(address(1), part);
  EXPECT_TRUE(cookies.is_expected_of(address(1)));
  EXPECT_EQ(cookies.cookie_for(address(1)).server, part);
  EXPECT_TRUE(cookies.cookie_for(address(2)).server.empty());
  cookies.forget(address(1));
  EXPECT_FALSE(cookies.is_expected_of(address(1)));
}

TEST(Cookies, lengths_that_are_none_are_not_learned) {
  Cookies cookies{dns::HashKey{1}};
  for (const std::size_t octets : {0U, 33U, 1000U}) cookies.learn(address(1), std::vector<std::uint8_t>(octets));
  EXPECT_FALSE(cookies.is_expected_of(address(1)));
}

TEST(Cookies, only_so_many_servers_are_remembered) {
  Cookies cookies{dns::HashKey{1}};
  for (std::uint32_t i = 0; i < Cookies::max_servers * 3; ++i) cookies.learn(address(i), {1, 2, 3, 4, 5, 6, 7, 8});
  EXPECT_EQ(cookies.size(), Cookies::max_servers);
}

TEST(Cookies, of_others_are_not_forgotten_for_those_of_one_site_with_addresses_without_number) {
  Cookies cookies{dns::HashKey{1}};
  for (std::uint32_t i = 0; i < 1000; ++i) cookies.learn(address(i), {1, 2, 3, 4, 5, 6, 7, 8});
  for (std::uint32_t i = 0; i < 100'000; ++i) {
    cookies.learn(
        dns::IpAddress::v6({0x20, 0x01, 0x0d, 0xb8, 0, 7, 0, 0, 0, 0, 0, 0, 0, static_cast<std::uint8_t>(i >> 16),
                            static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)}),
        {1, 2, 3, 4, 5, 6, 7, 8});
  }
  int known = 0;
  for (std::uint32_t i = 0; i < 1000; ++i) known += cookies.is_expected_of(address(i)) ? 1 : 0;
  EXPECT_GE(known, 980) << "one part of 256";
}

}  // namespace
}  // namespace redoubt::resolver
