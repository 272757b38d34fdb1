#include "policy/special/special_names.hpp"

#include <gtest/gtest.h>

#include <string>

#include "dns/rdata.hpp"

namespace redoubt::policy {
namespace {

std::string zone_of(std::string_view name) {
  const SpecialZone* zone = find_special(dns::Name::literal(name));
  return zone == nullptr ? "" : std::string{zone->name};
}

LocalAnswer answer(std::string_view name, dns::RrType type) {
  const dns::Name asked = dns::Name::literal(name);
  const SpecialZone* zone = find_special(asked);
  EXPECT_NE(zone, nullptr) << name;
  return zone == nullptr ? LocalAnswer{} : answer_locally(*zone, {asked, type});
}

TEST(SpecialNames, every_zone_is_found_itself_and_from_below_in_any_case) {
  EXPECT_GE(special_zones().size(), 100U);
  for (const SpecialZone& zone : special_zones()) {
    const std::string name{zone.name};
    EXPECT_EQ(zone_of(name), name);
    EXPECT_EQ(zone_of("a.b.C." + name), name);
    std::string upper = name;
    for (char& c : upper) c = static_cast<char>(std::toupper(c));
    EXPECT_EQ(zone_of("x." + upper), name);
    EXPECT_FALSE(zone.source.empty());
  }
}

TEST(SpecialNames, every_zone_answers_for_its_apex_and_denies_what_is_below) {
  for (const SpecialZone& zone : special_zones()) {
    const std::string name{zone.name};
    const LocalAnswer soa = answer(name, dns::type::soa);
    ASSERT_TRUE(soa.data) << name;
    EXPECT_TRUE(dns::parse_soa(soa.data->rdata.at(0))) << name;
    ASSERT_TRUE(answer(name, dns::type::ns).data) << name;
    const LocalAnswer below = answer("nobody." + name, dns::type::mx);
    EXPECT_FALSE(below.data);
    ASSERT_TRUE(below.soa) << name;
    EXPECT_EQ(below.soa->owner, dns::Name::literal(name));
    const bool loopback = zone.use == SpecialUse::loopback;
    EXPECT_EQ(below.rcode, loopback ? dns::Rcode::noerror : dns::Rcode::nxdomain) << name;
    EXPECT_EQ(answer(name, dns::type::mx).rcode, dns::Rcode::noerror) << name;
  }
}

TEST(SpecialNames, localhost_and_all_below_it_is_this_machine) {
  for (const char* name : {"localhost.", "LocalHost.", "a.b.localhost."}) {
    const auto v4 = answer(name, dns::type::a).data;
    ASSERT_TRUE(v4);
    EXPECT_EQ(v4->owner, dns::Name::literal(name));
    EXPECT_EQ(std::vector(v4->rdata.at(0).begin(), v4->rdata.at(0).end()), (std::vector<std::uint8_t>{127, 0, 0, 1}));
    const auto v6 = answer(name, dns::type::aaaa).data;
    ASSERT_TRUE(v6);
    EXPECT_EQ(v6->rdata.at(0).back(), 1);
  }
}

TEST(SpecialNames, loopback_addresses_are_localhost) {
  for (const char* name :
       {"1.0.0.127.in-addr.arpa.", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa."}) {
    const auto pointer = answer(name, dns::type::ptr).data;
    ASSERT_TRUE(pointer) << name;
    EXPECT_EQ(dns::target_name(dns::type::ptr, pointer->rdata.at(0)), dns::Name::literal("localhost."));
  }
  EXPECT_EQ(answer("2.0.0.127.in-addr.arpa.", dns::type::ptr).rcode, dns::Rcode::nxdomain);
}

TEST(SpecialNames, neighbours_are_everybodys) {
  for (const char* name : {".",
                           "com.",
                           "example.",
                           "www.example.com.",
                           "arpa.",
                           "in-addr.arpa.",
                           "ip6.arpa.",
                           "8.8.8.8.in-addr.arpa.",
                           "15.172.in-addr.arpa.",
                           "32.172.in-addr.arpa.",
                           "63.100.in-addr.arpa.",
                           "128.100.in-addr.arpa.",
                           "192.in-addr.arpa.",
                           "172.in-addr.arpa.",
                           "169.192.in-addr.arpa.",
                           "110.in-addr.arpa.",
                           "c.f.ip6.arpa.",
                           "e.f.ip6.arpa.",
                           "c.e.f.ip6.arpa.",
                           "9.b.d.0.1.0.0.2.ip6.arpa.",
                           "ipv4only.arpa.",
                           "xlocalhost.",
                           "localhosts.",
                           "test.com.",
                           "mytest.",
                           "tes.",
                           "internals.",
                           "onion.org.",
                           "invalid.example."})
    EXPECT_EQ(zone_of(name), "") << name;
}

TEST(SpecialNames, a_label_with_a_dot_in_it_is_another_label) {
  EXPECT_EQ(find_special(dns::Name::literal("home\\.arpa.")), nullptr);
  EXPECT_EQ(find_special(dns::Name::literal("x\\009localhost.")), nullptr);
}

TEST(SpecialNames, private_addresses_of_every_network_are_found) {
  EXPECT_EQ(zone_of("4.3.2.10.in-addr.arpa."), "10.in-addr.arpa.");
  EXPECT_EQ(zone_of("4.3.20.172.in-addr.arpa."), "20.172.in-addr.arpa.");
  EXPECT_EQ(zone_of("4.3.168.192.in-addr.arpa."), "168.192.in-addr.arpa.");
  EXPECT_EQ(zone_of("4.3.100.100.in-addr.arpa."), "100.100.in-addr.arpa.");
  EXPECT_EQ(zone_of("1.2.3.4.d.f.ip6.arpa."), "d.f.ip6.arpa.");
  EXPECT_EQ(zone_of("1.1.0.0.127.in-addr.arpa."), "1.0.0.127.in-addr.arpa.") << "the deepest counts";
}

}  // namespace
}  // namespace redoubt::policy
