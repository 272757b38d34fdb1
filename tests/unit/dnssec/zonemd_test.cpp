#include "dnssec/zonemd.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "dns/text.hpp"

namespace redoubt::dnssec {
namespace {

const dns::Name apex = dns::Name::literal("example.");

/// RFC 8976 appendix A.1.
constexpr std::string_view simple_zone =
    "example. 86400 IN SOA ns1 admin 2018031900 1800 900 604800 86400\n"
    "example. 86400 IN NS ns1\n"
    "example. 86400 IN NS ns2\n"
    "example. 86400 IN ZONEMD 2018031900 1 1 "
    "c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9a9713b3c9ae5cc27777f98b8e730044c\n"
    "ns1 3600 IN A 203.0.113.63\n"
    "ns2 3600 IN AAAA 2001:db8::63\n";

std::vector<dns::Record> zone(std::string_view text) {
  auto records = dns::zone_from_text(text, apex);
  EXPECT_TRUE(records) << (records ? "" : records.error().what);
  return records.value_or(std::vector<dns::Record>{});
}

dns::Record record(std::string_view text) {
  auto parsed = dns::record_from_text(text, apex);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(dns::Record{});
}

std::vector<dns::Record> simple() { return zone(simple_zone); }

auto is_zonemd = [](const dns::Record& record) { return record.type == dns::type::zonemd; };

/// With the digest that it ought to have.
void seal(std::vector<dns::Record>& records, ZonemdHash hash = ZonemdHash::sha384, std::uint32_t serial = 2018031900) {
  std::erase_if(records, is_zonemd);
  const auto digest = simple_digest(apex, records, hash);
  dns::Record sealed{apex, dns::type::zonemd, dns::rr_class::in, dns::Ttl::from_wire(86400), {}};
  for (int shift = 24; shift >= 0; shift -= 8) sealed.rdata.push_back(static_cast<std::uint8_t>(serial >> shift));
  sealed.rdata.push_back(1);
  sealed.rdata.push_back(static_cast<std::uint8_t>(hash));
  sealed.rdata.insert(sealed.rdata.end(), digest.begin(), digest.end());
  records.push_back(sealed);
}

ZonemdFault fault_of(const std::vector<dns::Record>& records) {
  const auto verified = verify_zone_digest(apex, records);
  EXPECT_FALSE(verified);
  return verified ? ZonemdFault::no_resources : verified.error();
}

TEST(Zonemd, the_example_of_the_rfc_verifies) { EXPECT_TRUE(verify_zone_digest(apex, simple())); }

TEST(Zonemd, sha512_verifies) {
  auto records = simple();
  seal(records, ZonemdHash::sha512);
  EXPECT_TRUE(verify_zone_digest(apex, records));
}

TEST(Zonemd, order_case_and_duplicates_do_not_count) {
  auto records = simple();
  std::ranges::reverse(records);
  records.push_back(record("NS1.EXAMPLE. 3600 IN A 203.0.113.63"));
  records.push_back(record("example. 86400 IN NS Ns2.Example."));
  EXPECT_TRUE(verify_zone_digest(apex, records));
}

TEST(Zonemd, each_record_counts) {
  const auto whole = simple();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (is_zonemd(whole[i])) continue;
    auto less = whole;
    less.erase(less.begin() + static_cast<std::ptrdiff_t>(i));
    EXPECT_FALSE(verify_zone_digest(apex, less)) << dns::record_to_text(whole[i]);
  }
  auto more = whole;
  more.push_back(record("www 3600 IN A 203.0.113.64"));
  EXPECT_EQ(fault_of(more), ZonemdFault::digest_mismatch);
}

TEST(Zonemd, each_octet_of_a_record_counts) {
  const auto whole = simple();
  for (std::size_t i = 0; i < whole.size(); ++i) {
    if (is_zonemd(whole[i]) || whole[i].type == dns::type::ns) continue;
    auto altered = whole;
    altered[i].rdata.back() ^= 1;
    EXPECT_EQ(fault_of(altered), ZonemdFault::digest_mismatch) << dns::record_to_text(whole[i]);
    altered = whole;
    altered[i].ttl = dns::Ttl::from_wire(altered[i].ttl.seconds() + 1);
    EXPECT_EQ(fault_of(altered), ZonemdFault::digest_mismatch) << dns::record_to_text(whole[i]);
  }
}

TEST(Zonemd, each_bit_of_the_digest_counts) {
  for (std::size_t bit = 0; bit < 48 * 8; ++bit) {
    auto records = simple();
    const auto digest = std::ranges::find_if(records, is_zonemd);
    digest->rdata[6 + bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
    EXPECT_EQ(fault_of(records), ZonemdFault::digest_mismatch) << bit;
  }
}

TEST(Zonemd, signatures_over_the_digest_are_not_in_it_and_others_are) {
  auto records = simple();
  constexpr std::string_view signed_by = " 13 1 86400 20300101000000 20200101000000 1 example. AAAA";
  records.push_back(record("example. 86400 IN RRSIG ZONEMD" + std::string{signed_by}));
  EXPECT_TRUE(verify_zone_digest(apex, records));
  records.push_back(record("example. 86400 IN RRSIG SOA" + std::string{signed_by}));
  EXPECT_EQ(fault_of(records), ZonemdFault::digest_mismatch);
}

TEST(Zonemd, a_digest_below_the_apex_is_data) {
  auto records = simple();
  records.push_back(
      record("ns1 3600 IN ZONEMD 2018031900 1 1 "
             "c68090d90a7aed716bc459f9340e3d7c1370d4d24b7e2fc3a1ddc0b9a87153b9"));
  EXPECT_EQ(fault_of(records), ZonemdFault::digest_mismatch);
}

TEST(Zonemd, another_serial_does_not_verify) {
  auto records = simple();
  seal(records, ZonemdHash::sha384, 2018031901);
  EXPECT_EQ(fault_of(records), ZonemdFault::wrong_serial);
}

TEST(Zonemd, one_known_digest_that_fits_is_enough) {
  auto records = simple();
  records.push_back(record("example. 86400 IN ZONEMD 2018031900 1 240 e2d523f654b9422a96c5a8f44607bbee"));
  records.push_back(record("example. 86400 IN ZONEMD 2018031900 241 1 e1846540e33a9e4189792d18d5d131f605fc283e"));
  EXPECT_TRUE(verify_zone_digest(apex, records));
  std::erase_if(records,
                [](const dns::Record& one) { return is_zonemd(one) && one.rdata[4] == 1 && one.rdata[5] == 1; });
  EXPECT_EQ(fault_of(records), ZonemdFault::unsupported);
}

TEST(Zonemd, two_of_one_kind_are_refused) {
  auto records = simple();
  records.push_back(*std::ranges::find_if(records, is_zonemd));
  EXPECT_EQ(fault_of(records), ZonemdFault::malformed);
}

TEST(Zonemd, a_short_digest_is_refused) {
  auto records = simple();
  std::ranges::find_if(records, is_zonemd)->rdata.resize(6 + 11);
  EXPECT_EQ(fault_of(records), ZonemdFault::malformed);
}

TEST(Zonemd, a_zone_without_digest_or_soa_is_refused) {
  auto records = simple();
  std::erase_if(records, is_zonemd);
  EXPECT_EQ(fault_of(records), ZonemdFault::no_digest);
  std::erase_if(records, [](const dns::Record& one) { return one.type == dns::type::soa; });
  EXPECT_EQ(fault_of(records), ZonemdFault::no_soa);
}

TEST(Zonemd, foreign_records_are_refused) {
  auto records = simple();
  records.push_back(record("www.other. 3600 IN A 192.0.2.1"));
  EXPECT_EQ(fault_of(records), ZonemdFault::foreign_record);
  records = simple();
  records.push_back(record("www 3600 CH TXT x"));
  EXPECT_EQ(fault_of(records), ZonemdFault::foreign_record);
}

}  // namespace
}  // namespace redoubt::dnssec
