#include "policy/cookies/server_cookies.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

namespace redoubt::policy {
namespace {

std::vector<std::uint8_t> octets_of(std::string_view hexadecimal) {
  std::vector<std::uint8_t> octets;
  for (std::size_t i = 0; i < hexadecimal.size(); i += 2)
    octets.push_back(static_cast<std::uint8_t>(std::stoul(std::string{hexadecimal.substr(i, 2)}, nullptr, 16)));
  return octets;
}

template <std::size_t n>
std::array<std::uint8_t, n> array_of(std::string_view hexadecimal) {
  std::array<std::uint8_t, n> array{};
  std::ranges::copy(octets_of(hexadecimal), array.begin());
  return array;
}

dns::IpAddress address(const char* text) { return *dns::IpAddress::from_text(text); }

const ServerCookies cookies{array_of<16>("e5e973e5a6b2a43f48e7dc849e37bfcf")};
const ClientCookie client = array_of<8>("2464c4abcf10c957");
constexpr CookieTime made = 1'559'731'985;

/// RFC 9018 appendix A.
TEST(ServerCookies, are_those_of_the_standard) {
  struct Example {
    const char* secret;
    const char* client;
    const char* address;
    CookieTime time;
    const char* server;
  };
  for (const Example& example :
       {Example{"e5e973e5a6b2a43f48e7dc849e37bfcf", "2464c4abcf10c957", "198.51.100.100", made,
                "010000005cf79f111f8130c3eee29480"},
        Example{"e5e973e5a6b2a43f48e7dc849e37bfcf", "2464c4abcf10c957", "198.51.100.100", 1'559'734'385,
                "010000005cf7a871d4a564a1442aca77"},
        Example{"e5e973e5a6b2a43f48e7dc849e37bfcf", "fc93fc62807ddb86", "203.0.113.203", 1'559'734'700,
                "010000005cf7a9acf73a7810aca2381e"},
        Example{"445536bcd2513298075a5d379663c962", "22681ab97d52c298", "2001:db8:220:1:59de:d0f4:8769:82b8",
                1'559'741'961, "010000005cf7c609a6bb79d16625507a"}}) {
    const ServerCookies made_with{array_of<16>(example.secret)};
    EXPECT_EQ(made_with.make(array_of<8>(example.client), address(example.address), example.time),
              array_of<16>(example.server));
  }
}

TEST(ServerCookies, are_good_for_an_hour_and_for_clocks_five_minutes_behind) {
  const auto cookie = cookies.make(client, address("198.51.100.100"), made);
  for (const auto& [time, good] : {std::pair{made, true}, std::pair{made + 3600, true}, std::pair{made + 3601, false},
                                   std::pair{made - 300, true}, std::pair{made - 301, false}})
    EXPECT_EQ(cookies.is_good(client, cookie, address("198.51.100.100"), time), good) << time - made;
}

TEST(ServerCookies, are_good_across_the_end_of_their_time) {
  constexpr CookieTime last = UINT32_MAX;
  const auto cookie = cookies.make(client, address("198.51.100.100"), last);
  EXPECT_TRUE(cookies.is_good(client, cookie, address("198.51.100.100"), last + 60));
}

/// attacks: replay from another address, of another client, cut, changed.
TEST(ServerCookies, are_good_for_nobody_else_and_in_no_other_form) {
  const auto cookie = cookies.make(client, address("198.51.100.100"), made);
  EXPECT_FALSE(cookies.is_good(client, cookie, address("198.51.100.101"), made));
  EXPECT_FALSE(cookies.is_good(client, cookie, address("2001:db8::1"), made));
  EXPECT_FALSE(cookies.is_good(array_of<8>("2464c4abcf10c958"), cookie, address("198.51.100.100"), made));
  EXPECT_FALSE(ServerCookies{dns::HashKey{1}}.is_good(client, cookie, address("198.51.100.100"), made));
  for (std::size_t bit = 0; bit < cookie.size() * 8; ++bit) {
    auto changed = cookie;
    changed[bit / 8] = static_cast<std::uint8_t>(changed[bit / 8] ^ (1U << bit % 8));
    EXPECT_FALSE(cookies.is_good(client, changed, address("198.51.100.100"), made)) << bit;
  }
  for (std::size_t octets = 0; octets <= 32; ++octets) {
    std::vector<std::uint8_t> cut{cookie.begin(), cookie.end()};
    cut.resize(octets, 0);
    EXPECT_EQ(cookies.is_good(client, cut, address("198.51.100.100"), made), octets == 16) << octets;
  }
}

TEST(ServerCookies, an_ipv4_client_on_an_ipv6_socket_is_the_same_client) {
  const auto cookie = cookies.make(client, address("198.51.100.100"), made);
  EXPECT_TRUE(cookies.is_good(client, cookie, address("::ffff:198.51.100.100"), made));
}

TEST(ServerCookies, answers_keep_a_good_cookie_for_half_its_time_and_renew_it_then) {
  const auto here = address("198.51.100.100");
  const auto cookie = cookies.make(client, here, made);
  EXPECT_EQ(cookies.answer_to(client, cookie, here, made + 1800), cookie);
  EXPECT_EQ(cookies.answer_to(client, cookie, here, made + 1801), cookies.make(client, here, made + 1801));
  EXPECT_EQ(cookies.answer_to(client, {}, here, made), cookie);
}

}  // namespace
}  // namespace redoubt::policy
