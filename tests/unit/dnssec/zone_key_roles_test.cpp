// What a key signs by its role, whoever asks.
#include <gtest/gtest.h>

#include <array>

#include "tests/unit/dnssec/zone_keys_fixture.hpp"

namespace redoubt::keykeeper {
namespace {

using namespace testing_keys;

constexpr std::array of_the_zone{dns::type::a,          dns::type::soa, dns::type::ns,  dns::type::nsec,
                                 dns::type::nsec3param, dns::type::txt, dns::type::caa, dns::type::ds};

/// What whoever is control could ask for: each set that is not for a key of that role is refused, and so is a batch
/// with one such set in it.
TEST(ZoneKeys, a_key_signs_what_its_role_signs_and_nothing_else) {
  const TemporaryFolder folder;
  std::vector<Octets> all;
  for (const KeyRole role : {KeyRole::ksk, KeyRole::zsk, KeyRole::csk})
    all.push_back(*keys_in(folder).make(wish(13, role)));
  const Octets &ksk = all[0], &zsk = all[1], &csk = all[2];
  const Octets cds = dnssec::ds_rdata(zone, ksk, dnssec::DsDigest::sha256);
  for (const bool only_own : {true, false}) {
    ZoneKeys keys = keys_in(folder, "a passphrase", {.only_own = only_own, .complain = {}, .tell = {}});
    for (const dns::RrType type : {dns::type::dnskey, dns::type::cdnskey}) {
      EXPECT_TRUE(signs(keys, ksk, type, {ksk, zsk}));
      EXPECT_FALSE(signs(keys, zsk, type, {ksk, zsk}));
      EXPECT_TRUE(signs(keys, csk, type, {ksk, zsk}));
    }
    EXPECT_TRUE(signs(keys, ksk, dns::type::cds, {cds}));
    EXPECT_FALSE(signs(keys, zsk, dns::type::cds, {cds}));
    EXPECT_TRUE(signs(keys, csk, dns::type::cds, {cds}));
    for (const dns::RrType type : of_the_zone) {
      EXPECT_FALSE(signs(keys, ksk, type, {{1, 2, 3, 4}})) << type.value;
      EXPECT_TRUE(signs(keys, zsk, type, {{1, 2, 3, 4}})) << type.value;
      EXPECT_TRUE(signs(keys, csk, type, {{1, 2, 3, 4}})) << type.value;
    }
  }
}

TEST(ZoneKeys, one_set_that_is_not_for_the_role_and_nothing_is_signed) {
  const TemporaryFolder folder;
  ZoneKeys keys = keys_in(folder);
  const Octets ksk = *keys.make(wish(13, KeyRole::ksk));
  const std::uint16_t tag = dnssec::key_tag(ksk);
  const std::vector<Octets> sets{set_of(13, tag, zone, dns::type::dnskey, {ksk}), set_for(13, tag)};
  const auto refused = keys.sign(zone, 13, tag, sets, now);
  ASSERT_FALSE(refused);
  EXPECT_NE(refused.error().find("set 2 is the zone's data, and this key is a KSK"), std::string::npos)
      << refused.error();
  EXPECT_TRUE(keys.sign(zone, 13, tag, std::span{sets}.first(1), now));
}

TEST(ZoneKeys, a_role_is_read_from_the_sealed_file_in_each_life) {
  const TemporaryFolder folder;
  const Octets ksk = *keys_in(folder).make(wish(13, KeyRole::ksk));
  const Octets imported = put(folder, dnssec::ksk_flags, "Role: ksk\n");
  ZoneKeys again = keys_in(folder);
  for (const Octets& key : {ksk, imported}) {
    EXPECT_FALSE(signs_data(again, key));
    EXPECT_TRUE(signs(again, key, dns::type::dnskey, {key}));
  }
}

TEST(ZoneKeys, a_role_that_makes_no_sense_makes_a_key_that_is_not_there) {
  const TemporaryFolder folder;
  put(folder, dnssec::ksk_flags, "Role: foreign\n");
  put(folder, dnssec::ksk_flags, "Role: king\n");
  put(folder, dnssec::ksk_flags, "Role: ksk\nRole: csk\n");
  put(folder, dnssec::ksk_flags, "Role:\n");
  put(folder, dnssec::ksk_flags, "Role: zsk\n");  // whose tag is that of a key with the SEP flag
  put(folder, dnssec::zsk_flags, "Role: csk\n");
  std::size_t complaints = 0;
  ZoneKeys keys = keys_in(folder, "a passphrase", {.complain = [&](const std::string&) { ++complaints; }, .tell = {}});
  EXPECT_TRUE(keys.list(zone)->empty());
  EXPECT_EQ(complaints, 6U);
}

TEST(ZoneKeys, keys_without_a_role_sign_as_before_and_are_told_of) {
  const TemporaryFolder folder;
  std::vector<std::string> complaints;
  const ZoneKeyRules rules{.complain = [&](const std::string& what) { complaints.push_back(what); }, .tell = {}};
  ZoneKeys keys = keys_in(folder, "a passphrase", rules);
  const Octets zsk = put(folder, dnssec::zsk_flags, "");
  EXPECT_TRUE(signs(keys, zsk, dns::type::dnskey, {zsk})) << "there is no other";
  ASSERT_EQ(complaints.size(), 1U);
  EXPECT_NE(complaints[0].find("has no role"), std::string::npos) << complaints[0];
  ASSERT_TRUE(keys.make(wish(15, KeyRole::ksk)));
  EXPECT_TRUE(signs(keys, zsk, dns::type::dnskey, {zsk})) << "none of its algorithm";
  const Octets ksk = put(folder, dnssec::ksk_flags, "");
  for (const bool only_own : {true, false}) {
    ZoneKeys either = keys_in(folder, "a passphrase", {.only_own = only_own, .complain = {}, .tell = {}});
    EXPECT_FALSE(signs(either, zsk, dns::type::dnskey, {ksk, zsk}));
    EXPECT_TRUE(signs(either, ksk, dns::type::dnskey, {ksk, zsk}));
    EXPECT_TRUE(signs(either, zsk, dns::type::a, {{192, 0, 2, 1}}));
    EXPECT_TRUE(signs(either, ksk, dns::type::a, {{192, 0, 2, 1}})) << "nobody can tell it from a CSK";
  }
}

}  // namespace
}  // namespace redoubt::keykeeper
