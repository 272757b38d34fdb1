#include "policy/access/access_list.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace redoubt::policy {
namespace {

AccessList list_of(std::initializer_list<const char*> texts) {
  std::vector<dns::Prefix> prefixes;
  for (const char* text : texts) prefixes.push_back(*dns::Prefix::from_text(text));
  return AccessList{prefixes};
}

bool allows(const AccessList& list, const char* address) { return list.allows(*dns::IpAddress::from_text(address)); }

TEST(AccessList, an_empty_list_lets_nobody_in) {
  EXPECT_FALSE(allows(AccessList{}, "127.0.0.1"));
  EXPECT_FALSE(allows(AccessList{}, "::1"));
}

TEST(AccessList, both_ends_of_a_range_are_in_and_their_neighbours_are_not) {
  const AccessList list = list_of({"10.0.0.0/8", "192.0.2.64/26", "2001:db8::/33"});
  for (const char* inside : {"10.0.0.0", "10.255.255.255", "192.0.2.64", "192.0.2.127",
                             "2001:db8::", "2001:db8:7fff:ffff:ffff:ffff:ffff:ffff"}) {
    EXPECT_TRUE(allows(list, inside)) << inside;
  }
  for (const char* outside :
       {"9.255.255.255", "11.0.0.0", "192.0.2.63", "192.0.2.128", "2001:db7:ffff::", "2001:db8:8000::"}) {
    EXPECT_FALSE(allows(list, outside)) << outside;
  }
}

TEST(AccessList, ranges_inside_others_change_nothing) {
  const AccessList list = list_of({"10.1.0.0/16", "10.0.0.0/8", "10.1.2.3", "10.0.0.0/8"});
  EXPECT_TRUE(allows(list, "10.1.2.3"));
  EXPECT_TRUE(allows(list, "10.200.0.1"));
  EXPECT_FALSE(allows(list, "11.1.2.3"));
}

TEST(AccessList, of_two_ranges_with_the_same_first_address_the_larger_counts) {
  for (const auto& list : {list_of({"10.0.0.0/16", "10.0.0.0/8"}), list_of({"10.0.0.0/8", "10.0.0.0/16"})})
    EXPECT_TRUE(allows(list, "10.9.0.1"));
}

TEST(AccessList, the_whole_of_one_family_says_nothing_about_the_other) {
  EXPECT_FALSE(allows(list_of({"0.0.0.0/0"}), "2001:db8::1"));
  EXPECT_FALSE(allows(list_of({"::/0"}), "192.0.2.1"));
  EXPECT_TRUE(allows(list_of({"0.0.0.0/0"}), "255.255.255.255"));
}

TEST(AccessList, a_mapped_address_counts_as_the_ipv4_address_it_means) {
  const AccessList list = list_of({"127.0.0.0/8"});
  EXPECT_TRUE(allows(list, "::ffff:127.0.0.1"));
  EXPECT_FALSE(allows(list, "::ffff:192.0.2.1"));
}

TEST(AccessList, agrees_with_asking_every_prefix_in_turn) {
  std::mt19937 random{20261120};
  for (int round = 0; round < 200; ++round) {
    std::vector<dns::Prefix> prefixes;
    for (int i = 0; i < 20; ++i) {
      const auto length = static_cast<std::uint8_t>(random() % 33);
      const std::uint32_t bits =
          length == 0 ? 0 : static_cast<std::uint32_t>(random()) & (0xffffffffU << (32 - length));
      prefixes.push_back(*dns::Prefix::make(
          dns::IpAddress::v4({static_cast<std::uint8_t>(bits >> 24), static_cast<std::uint8_t>(bits >> 16),
                              static_cast<std::uint8_t>(bits >> 8), static_cast<std::uint8_t>(bits)}),
          length));
    }
    std::erase_if(prefixes, [](const dns::Prefix& prefix) { return prefix.length() < 6; });
    const AccessList list{prefixes};
    for (int i = 0; i < 200; ++i) {
      const auto draw = static_cast<std::uint32_t>(random());
      const auto address =
          dns::IpAddress::v4({static_cast<std::uint8_t>(draw >> 24), static_cast<std::uint8_t>(draw >> 16),
                              static_cast<std::uint8_t>(draw >> 8), static_cast<std::uint8_t>(draw)});
      const bool expected =
          std::ranges::any_of(prefixes, [&](const dns::Prefix& prefix) { return prefix.contains(address); });
      EXPECT_EQ(list.allows(address), expected) << address.to_text();
    }
  }
}

AllowedNames names_of(std::initializer_list<std::string> texts) {
  std::vector<dns::Name> names;
  for (const std::string& text : texts) names.push_back(dns::Name::literal(text));
  return AllowedNames{std::move(names)};
}

TEST(AllowedNames, nobody_without_a_name_is_allowed) {
  EXPECT_FALSE(names_of({"laptop.example."}).allows(dns::Name{}));
  EXPECT_FALSE(AllowedNames{}.allows(dns::Name::literal("laptop.example.")));
}

TEST(AllowedNames, a_name_counts_whatever_its_letter_case) {
  const AllowedNames names = names_of({"b.example.", "Laptop.Example."});
  EXPECT_TRUE(names.allows(dns::Name::literal("lapTOP.example.")));
  EXPECT_FALSE(names.allows(dns::Name::literal("a.laptop.example.")));
  EXPECT_FALSE(names.allows(dns::Name::literal("example.")));
}

TEST(AllowedNames, a_wildcard_stands_for_one_label) {
  const AllowedNames names = names_of({"*.staff.example."});
  EXPECT_TRUE(names.allows(dns::Name::literal("a.Staff.example.")));
  EXPECT_FALSE(names.allows(dns::Name::literal("b.a.staff.example.")));
  EXPECT_FALSE(names.allows(dns::Name::literal("staff.example.")));
  EXPECT_FALSE(names.allows(dns::Name::literal("a.xstaff.example.")));
}

}  // namespace
}  // namespace redoubt::policy
