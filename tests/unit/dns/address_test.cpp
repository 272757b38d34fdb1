#include "dns/address.hpp"

#include <gtest/gtest.h>

namespace redoubt::dns {
namespace {

TEST(IpAddress, text_goes_both_ways) {
  for (const char* text : {"0.0.0.0", "192.0.2.1", "255.255.255.255", "::", "::1", "2001:db8::1"}) {
    const auto address = IpAddress::from_text(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(address->to_text(), text);
    EXPECT_EQ(IpAddress::from_octets(address->octets()), address);
  }
  for (const char* bad :
       {"", "192.0.2", "192.0.2.256", "192.0.2.1 ", "2001:db8:::1", "::1%lo", "example.com", "1.2.3.4.5"})
    EXPECT_FALSE(IpAddress::from_text(bad)) << bad;
}

TEST(IpAddress, an_empty_text_without_memory_behind_it_is_no_address) {
  EXPECT_FALSE(IpAddress::from_text(std::string_view{}));
  EXPECT_FALSE(Endpoint::from_text(std::string_view{}, 53));
  EXPECT_FALSE(Prefix::from_text(std::string_view{}));
}

TEST(IpAddress, mapped_addresses_mean_ipv4_only_when_asked) {
  const auto mapped = IpAddress::from_text("::ffff:192.0.2.1");
  ASSERT_TRUE(mapped);
  EXPECT_TRUE(mapped->is_v6());
  EXPECT_EQ(mapped->unmapped(), IpAddress::v4({192, 0, 2, 1}));
  EXPECT_EQ(IpAddress::from_text("::1")->unmapped(), *IpAddress::from_text("::1"));
}

TEST(IpAddress, octets_are_four_or_sixteen) {
  const std::array<std::uint8_t, 17> octets{};
  for (std::size_t size = 0; size <= octets.size(); ++size)
    EXPECT_EQ(IpAddress::from_octets(std::span{octets}.first(size)).has_value(), size == 4 || size == 16) << size;
}

TEST(Endpoint, the_port_stands_behind_an_at_sign) {
  EXPECT_EQ(Endpoint::from_text("192.0.2.1@5300", 53)->port, 5300);
  EXPECT_EQ(Endpoint::from_text("2001:db8::1", 53)->port, 53);
  EXPECT_EQ(Endpoint::from_text("2001:db8::1@853", 53)->to_text(), "2001:db8::1@853");
  for (const char* bad : {"192.0.2.1@", "192.0.2.1@65536", "192.0.2.1@-1", "192.0.2.1@5x", "@53", "192.0.2.1@53@53"})
    EXPECT_FALSE(Endpoint::from_text(bad, 53)) << bad;
}

TEST(Prefix, contains_by_bits) {
  const auto prefix = Prefix::from_text("10.128.0.0/9");
  ASSERT_TRUE(prefix);
  EXPECT_TRUE(prefix->contains(*IpAddress::from_text("10.128.0.0")));
  EXPECT_TRUE(prefix->contains(*IpAddress::from_text("10.255.255.255")));
  EXPECT_FALSE(prefix->contains(*IpAddress::from_text("10.127.255.255")));
  EXPECT_FALSE(prefix->contains(*IpAddress::from_text("::ffff:10.128.0.0")));
  EXPECT_TRUE(Prefix::from_text("::/0")->contains(*IpAddress::from_text("2001:db8::1")));
  EXPECT_FALSE(Prefix::from_text("::/0")->contains(*IpAddress::from_text("10.0.0.1")));
  EXPECT_EQ(Prefix::from_text("192.0.2.1")->length(), 32);
  EXPECT_EQ(Prefix::from_text("::1")->length(), 128);
  for (const char* bad : {"10.0.0.1/8", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "10.0.0.0/8x", "/8"})
    EXPECT_FALSE(Prefix::from_text(bad)) << bad;
}

}  // namespace
}  // namespace redoubt::dns
