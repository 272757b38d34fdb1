#include "dnssec/keys/signing_shape.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>

#include "dns/rrset.hpp"
#include "dnssec/base/canonical.hpp"

namespace redoubt::dnssec {
namespace {

bool is_signing_input(OctetView octets, const SigningIdentity& key, std::int64_t now) {
  return read_signing_input(octets, key, now).has_value();
}

constexpr std::int64_t now = 1'795'000'000;
constexpr std::uint16_t tag = 4711;
const dns::Name zone = dns::Name::literal("zone.example.");
const SigningIdentity key{zone, Algorithm::ecdsa_p256_sha256, tag};

struct Sample {
  dns::Name owner = dns::Name::literal("www.zone.example.");
  dns::RrType type = dns::type::a;
  std::vector<Octets> rdata = {{192, 0, 2, 1}, {192, 0, 2, 2}};
  Rrsig rrsig{.covered = dns::type::a,
              .algorithm = 13,
              .labels = 3,
              .original_ttl = dns::Ttl::from_wire(3600),
              .expiration = static_cast<std::uint32_t>(now + 14 * 86400),
              .inception = static_cast<std::uint32_t>(now - 3600),
              .key_tag = tag,
              .signer = zone,
              .signature = {}};

  Octets octets() const {
    dns::RdataList list;
    for (const Octets& one : rdata) list.add(one);
    Octets out;
    EXPECT_TRUE(append_signed_data(out, rrsig_prefix(rrsig), {owner, type, list}));
    return out;
  }
  bool is_taken() const { return is_signing_input(octets(), key, now); }
};

TEST(SigningShape, what_a_signer_signs_is_taken) {
  EXPECT_TRUE(Sample{}.is_taken());
  Sample wild;
  wild.owner = dns::Name::literal("*.zone.example.");
  wild.rrsig.labels = 2;
  EXPECT_TRUE(wild.is_taken());
  Sample apex;
  apex.owner = zone;
  apex.rrsig.labels = 2;
  EXPECT_TRUE(apex.is_taken());
  apex.type = apex.rrsig.covered = dns::type::dnskey;
  apex.rdata = {{1, 1, 3, 13, 9, 9}};
  EXPECT_TRUE(apex.is_taken());
}

TEST(SigningShape, another_key_zone_or_algorithm_is_refused) {
  Sample other_tag;
  other_tag.rrsig.key_tag = tag + 1;
  EXPECT_FALSE(other_tag.is_taken());
  Sample other_algorithm;
  other_algorithm.rrsig.algorithm = 8;
  EXPECT_FALSE(other_algorithm.is_taken());
  Sample other_signer;
  other_signer.rrsig.signer = dns::Name::literal("example.");
  EXPECT_FALSE(other_signer.is_taken());
  for (const char* name : {"www.example.", "example.", "wwwzone.example.", "."}) {
    Sample outside;
    outside.owner = dns::Name::literal(name);
    outside.rrsig.labels = static_cast<std::uint8_t>(outside.owner.label_count());
    EXPECT_FALSE(outside.is_taken()) << name;
  }
}

TEST(SigningShape, types_that_are_no_data_of_that_name_are_refused) {
  for (const std::uint16_t type : std::array<std::uint16_t, 8>{0, 24, 41, 46, 128, 250, 251, 255}) {
    Sample meta;
    meta.type = meta.rrsig.covered = dns::RrType{type};
    meta.rdata = {{1, 2, 3, 4}};
    EXPECT_FALSE(meta.is_taken()) << type;
  }
  for (const dns::RrType type : {dns::type::dnskey, dns::type::cds, dns::type::cdnskey, dns::type::nsec3param}) {
    Sample below;  // a key set belongs to the apex
    below.type = below.rrsig.covered = type;
    below.rdata = {{1, 1, 3, 13, 9, 9}};
    EXPECT_FALSE(below.is_taken()) << type.value;
  }
}

TEST(SigningShape, spans_that_are_over_too_long_or_backwards_are_refused) {
  const auto with = [](std::int64_t from, std::int64_t until) {
    Sample sample;
    sample.rrsig.inception = static_cast<std::uint32_t>(now + from);
    sample.rrsig.expiration = static_cast<std::uint32_t>(now + until);
    return sample.is_taken();
  };
  EXPECT_TRUE(with(-3600, longest_signature));
  EXPECT_FALSE(with(-3600, longest_signature + 1));
  EXPECT_FALSE(with(-3600, 0));
  EXPECT_FALSE(with(20, 10));
  EXPECT_FALSE(with(-3 * longest_signature, 3600));
  EXPECT_FALSE(with(-3600, std::int64_t{1} << 31));
}

TEST(SigningShape, octets_in_another_form_are_refused) {
  const Octets good = Sample{}.octets();
  EXPECT_FALSE(is_signing_input({}, key, now));
  for (std::size_t size = 0; size < good.size(); ++size)
    EXPECT_FALSE(is_signing_input(OctetView{good}.first(size), key, now) && size != good.size() - 32) << size;
  Octets more = good;
  more.push_back(0);
  EXPECT_FALSE(is_signing_input(more, key, now));
  Octets upper = good;
  const auto owner = std::ranges::search(upper, std::string_view{"www"}).begin();
  *owner = 'W';
  EXPECT_FALSE(is_signing_input(upper, key, now));
  // 32 octets for each record: owner 18, type, class, TTL, length, address.
  constexpr std::size_t record = 32;
  Octets turned{good.begin(), good.end() - 2 * record};
  turned.insert(turned.end(), good.end() - record, good.end());
  turned.insert(turned.end(), good.end() - 2 * record, good.end() - record);
  EXPECT_FALSE(is_signing_input(turned, key, now)) << "not in canonical order";
  Octets twice = good;
  twice.insert(twice.end(), good.end() - record, good.end());
  EXPECT_FALSE(is_signing_input(twice, key, now)) << "a record twice";
  Octets aged = good;
  *(aged.end() - record + 24) ^= 1;
  EXPECT_FALSE(is_signing_input(aged, key, now)) << "another TTL";
}

/// Octets of other protocols, and of this one: a handshake, a query.
TEST(SigningShape, what_other_protocols_sign_is_refused) {
  Octets handshake(64, 0x20);
  append_octets(handshake, Octets{'T', 'L', 'S'});
  EXPECT_FALSE(is_signing_input(handshake, key, now));
  EXPECT_FALSE(is_signing_input(Octets(65536, 0), key, now));
}

}  // namespace
}  // namespace redoubt::dnssec
