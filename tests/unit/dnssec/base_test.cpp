#include <gtest/gtest.h>

#include <algorithm>
#include <random>

#include "dns/text.hpp"
#include "dnssec/base/canonical.hpp"
#include "dnssec/base/nsec3_hash.hpp"
#include "dnssec/base/public_key.hpp"

namespace redoubt::dnssec {
namespace {

using dns::Name;

dns::Record record(std::string_view text) {
  auto parsed = dns::record_from_text(text);
  EXPECT_TRUE(parsed) << text;
  return parsed.value_or(dns::Record{});
}

/// One record, its DNSKEY and its RRSIG, as an RFC shows them.
struct Example {
  const char* name;
  const char* data;
  const char* key;
  const char* signature;
  const char* ds;
};

constexpr Example examples[] = {
    {"RFC 6605 §6.1", "www.example.net. 3600 IN A 192.0.2.1",
     "example.net. 3600 IN DNSKEY 257 3 13 "
     "GojIhhXUN/u4v54ZQqGSnyhWJwaubCvTmeexv7bR6edbkrSqQpF64cYbcB7wNcP+e+MAnLr+Wi9xMWyQLc8NAA==",
     "www.example.net. 3600 IN RRSIG A 13 3 3600 20100909100439 20100812100439 55648 example.net. "
     "qx6wLYqmh+l9oCKTN6qIc+bw6ya+KJ8oMz0YP107epXAyGmt+3SNruPFKG7tZoLBLlUzGGus7ZwmwWep666VCw==",
     "example.net. 3600 IN DS 55648 13 2 b4c8c1fe2e7477127b27115656ad6256f424625bf5c1e2770ce6d6e37df61d17"},
    {"RFC 8080 §6.1", "example.com. 3600 IN MX 10 mail.example.com.",
     "example.com. 3600 IN DNSKEY 257 3 15 l02Woi0iS8Aa25FQkUd9RMzZHJpBoRQwAQEX1SxZJA4=",
     "example.com. 3600 IN RRSIG MX 15 2 3600 1440021600 1438207200 3613 example.com. "
     "oL9krJun7xfBOIWcGHi7mag5/hdZrKWw15jPGrHpjQeRAvTdszaPD+QLs3fx8A4M3e23mRZ9VrbpMngwcrqNAg==",
     "example.com. 3600 IN DS 3613 15 2 3aa5ab37efce57f737fc1627013fee07bdf241bd10f3b1964ab55c78e79a304b"},
    {"RFC 8080 §6.2", "example.com. 3600 IN MX 10 mail.example.com.",
     "example.com. 3600 IN DNSKEY 257 3 16 "
     "3kgROaDjrh0H2iuixWBrc8g2EpBBLCdGzHmn+G2MpTPhpj/OiBVHHSfPodx1FYYUcJKm1MDpJtIA",
     "example.com. 3600 IN RRSIG MX 16 2 3600 1440021600 1438207200 9713 example.com. "
     "3cPAHkmlnxcDHMyg7vFC34l0blBhuG1qpwLmjInI8w1CMB29FkEAIJUA0amxWndkmnBZ6SKiwZSAxGILn/NBtOXft0+Gj7FSvOKxE/"
     "07+4RQvE581N3Aj/JtIyaiYVdnYtyMWbSNyGEY2213WKsJlwEA",
     "example.com. 3600 IN DS 9713 16 2 6ccf18d5bc5d7fc2fceb1d59d17321402f2aa8d368048db93dd811f5cb2b19c7"},
};

Octets signed_data(const dns::Record& data, const dns::Record& signature) {
  const auto rrsig = Rrsig::parse(signature.rdata);
  EXPECT_TRUE(rrsig);
  dns::RdataList list;
  list.add(data.rdata);
  Octets octets;
  EXPECT_TRUE(append_signed_data(octets, rrsig_prefix(*rrsig), {data.owner, data.type, list}));
  return octets;
}

TEST(DnssecBase, signatures_of_the_rfcs_verify_and_no_other_bit_pattern_does) {
  for (const Example& example : examples) {
    const auto data = record(example.data);
    const auto key = record(example.key);
    const auto signature = record(example.signature);
    const auto fields = Dnskey::parse(key.rdata);
    const auto rrsig = Rrsig::parse(signature.rdata);
    ASSERT_TRUE(fields && rrsig) << example.name;
    EXPECT_EQ(key_tag(key.rdata), rrsig->key_tag) << example.name;
    const auto public_key = PublicKey::from_dnskey(fields->algorithm, fields->public_key);
    ASSERT_TRUE(public_key) << example.name;
    const Octets octets = signed_data(data, signature);
    EXPECT_TRUE(public_key->verifies(octets, rrsig->signature)) << example.name;
    Octets altered = octets;
    altered.back() ^= 1;
    EXPECT_FALSE(public_key->verifies(altered, rrsig->signature)) << example.name;
    for (std::size_t bit = 0; bit < rrsig->signature.size() * 8; bit += 7) {
      Octets forged(rrsig->signature.begin(), rrsig->signature.end());
      forged[bit / 8] ^= static_cast<std::uint8_t>(1U << bit % 8);
      EXPECT_FALSE(public_key->verifies(octets, forged)) << example.name << " bit " << bit;
    }
    EXPECT_FALSE(public_key->verifies(octets, rrsig->signature.first(rrsig->signature.size() - 1))) << example.name;
    EXPECT_FALSE(public_key->verifies(octets, {})) << example.name;
  }
}

TEST(DnssecBase, a_verifier_judges_each_signature_by_itself_whatever_it_has_judged_before) {
  for (const Example& example : examples) {
    const auto key = record(example.key);
    const auto signature = record(example.signature);
    const auto fields = Dnskey::parse(key.rdata);
    const auto rrsig = Rrsig::parse(signature.rdata);
    auto verifier = Verifier::from_dnskey(fields->algorithm, fields->public_key);
    ASSERT_TRUE(verifier) << example.name;
    const Octets octets = signed_data(record(example.data), signature);
    Octets altered = octets;
    altered.back() ^= 1;
    Octets forged(rrsig->signature.begin(), rrsig->signature.end());
    forged.back() ^= 1;
    for (int round = 0; round < 3; ++round) {
      EXPECT_TRUE(verifier->verifies(octets, rrsig->signature)) << example.name;
      EXPECT_FALSE(verifier->verifies(altered, rrsig->signature)) << example.name;
      EXPECT_FALSE(verifier->verifies(octets, forged)) << example.name;
      EXPECT_FALSE(verifier->verifies(octets, {})) << example.name;
      EXPECT_FALSE(verifier->verifies(octets, Octets(rrsig->signature.size()))) << example.name;
    }
  }
}

TEST(DnssecBase, ds_of_the_rfcs_are_made_again) {
  for (const Example& example : examples) {
    const auto key = record(example.key);
    EXPECT_EQ(ds_rdata(key.owner, key.rdata, DsDigest::sha256), record(example.ds).rdata) << example.name;
  }
  // RFC 4034 §5.4, SHA-1.
  const auto key = record(
      "dskey.example.com. 86400 IN DNSKEY 256 3 5 "
      "AQOeiiR0GOMYkDshWoSKz9XzfwJr1AYtsmx3TGkJaNXVbfi/2pHm822aJ5iI9BMzNXxeYCmZDRD99WYwYqUSdjMmmAphXdvxegXd/"
      "M5+X7OrzKBaMbCVdFLUUh6DhweJBjEVv5f2wwjM9XzcnOf+EPbtG9DMBmADjFDc2w/rljwvFw==");
  EXPECT_EQ(ds_rdata(key.owner, key.rdata, DsDigest::sha1),
            record("dskey.example.com. 86400 IN DS 60485 5 1 2BB183AF5F22588179A53B0A98631FAD1A292118").rdata);
}

/// RFC 5155 appendix A: 12 iterations, salt aabbccdd.
TEST(DnssecBase, hashed_names_of_the_rfc) {
  const Octets salt{0xaa, 0xbb, 0xcc, 0xdd};
  Nsec3Hasher hasher{salt, 12};
  const auto text_of = [&](std::string_view name) {
    const auto hash = hasher.hash(Name::literal(name));
    return hash ? base32hex(*hash) : std::string{};
  };
  EXPECT_EQ(text_of("example"), "0p9mhaveqvm6t7vbl5lop2u3t2rp3tom");
  EXPECT_EQ(text_of("a.example"), "35mthgpgcu1qg68fab165klnsnk3dpvl");
  EXPECT_EQ(text_of("NS1.Example"), "2t7b4g4vsa5smi47k61mv5bv1a22bojr");
  EXPECT_EQ(text_of("*.w.example"), "r53bq7cc2uvmubfu5ocmm6pers9tk9en");
}

TEST(DnssecBase, base32hex_goes_both_ways_and_refuses_what_is_none) {
  std::mt19937 random{1};
  for (std::size_t size = 0; size < 64; ++size) {
    Octets octets(size);
    std::ranges::generate(octets, [&] { return static_cast<std::uint8_t>(random()); });
    EXPECT_EQ(from_base32hex(base32hex(octets)), octets);
  }
  EXPECT_EQ(base32hex(Octets{'f', 'o', 'o', 'b'}), "cpnmuog");  // RFC 4648 §10
  for (const std::string_view bad : {"c", "cpn", "cpnmuo=", "w0", "c1", "CPNMUOH"})
    EXPECT_FALSE(from_base32hex(bad)) << bad;
}

TEST(DnssecBase, order_keys_compare_as_names_do) {
  std::mt19937 random{2};
  std::vector<Name> names{Name{},
                          Name::literal("a"),
                          Name::literal("A.a"),
                          Name::literal("\\000.a"),
                          Name::literal("\\001.a"),
                          Name::literal("a\\000.a"),
                          Name::literal("a\\001\\000.a")};
  for (int i = 0; i < 300; ++i) {
    Name name = names[random() % names.size()];
    Octets label(1 + random() % 3);
    std::ranges::generate(label, [&] { return static_cast<std::uint8_t>("\0\1\2aAbZ*"[random() % 8]); });
    if (const auto longer = name.prepended(label)) names.push_back(*longer);
  }
  for (const Name& left : names) {
    for (const Name& right : names) {
      std::string a;
      std::string b;
      append_order_key(a, left.wire());
      append_order_key(b, right.wire());
      EXPECT_EQ(a <=> b, left <=> right) << left.to_text() << " " << right.to_text();
      EXPECT_EQ(a.starts_with(b), left.is_at_or_below(right)) << left.to_text() << " " << right.to_text();
    }
  }
}

TEST(DnssecBase, bitmaps_hold_the_types_that_were_put_in) {
  std::mt19937 random{3};
  for (int round = 0; round < 200; ++round) {
    std::vector<dns::RrType> types;
    for (std::size_t i = random() % 12; i > 0; --i)
      types.push_back({static_cast<std::uint16_t>(random() % (round % 2 == 0 ? 300 : 65536))});
    std::ranges::sort(types);
    const auto twice = std::ranges::unique(types);
    types.erase(twice.begin(), twice.end());
    Octets bitmap;
    append_bitmap(bitmap, types);
    EXPECT_EQ(types_of(bitmap), types);
    for (std::uint64_t value = 0; value < 65536; value += 1 + random() % 5) {
      const dns::RrType type{static_cast<std::uint16_t>(value)};
      EXPECT_EQ(bitmap_has(bitmap, type), std::ranges::binary_search(types, type));
    }
  }
}

TEST(DnssecBase, signed_data_is_sorted_lowered_and_without_repetition) {
  const Name owner = Name::literal("WWW.Example.");
  const auto prefix = rrsig_prefix({.covered = dns::type::mx,
                                    .algorithm = 13,
                                    .labels = 2,
                                    .original_ttl = dns::Ttl::from_wire(300),
                                    .expiration = 2,
                                    .inception = 1,
                                    .key_tag = 7,
                                    .signer = Name::literal("EXAMPLE."),
                                    .signature = {}});
  dns::RdataList mixed;
  mixed.add(record(". 0 IN MX 20 B.Example.").rdata);
  mixed.add(record(". 0 IN MX 10 A.Example.").rdata);
  mixed.add(record(". 0 IN MX 10 a.example.").rdata);
  dns::RdataList plain;
  plain.add(record(". 0 IN MX 10 a.example.").rdata);
  plain.add(record(". 0 IN MX 20 b.example.").rdata);
  Octets left;
  Octets right;
  ASSERT_TRUE(append_signed_data(left, prefix, {owner, dns::type::mx, mixed}));
  ASSERT_TRUE(append_signed_data(right, prefix, {owner.lowercased(), dns::type::mx, plain}));
  EXPECT_EQ(left, right);
}

TEST(DnssecBase, a_signature_with_more_labels_than_its_owner_is_over_nothing) {
  dns::RdataList list;
  list.add(Octets{192, 0, 2, 1});
  for (std::uint8_t labels = 0; labels < 6; ++labels) {
    Octets octets;
    Rrsig rrsig;
    rrsig.covered = dns::type::a;
    rrsig.labels = labels;
    EXPECT_EQ(append_signed_data(octets, rrsig_prefix(rrsig), {Name::literal("a.b.c"), dns::type::a, list}),
              labels <= 3);
    octets.clear();
    EXPECT_EQ(append_signed_data(octets, rrsig_prefix(rrsig), {Name::literal("*.b.c"), dns::type::a, list}),
              labels <= 2);
  }
}

TEST(DnssecBase, a_signature_over_no_record_is_over_nothing) {
  Rrsig rrsig;
  rrsig.covered = dns::type::a;
  rrsig.labels = 3;
  const dns::RdataList none;
  // An empty block of its own: whatever is read of it lies outside, as the sanitizer knows.
  const Octets block;
  for (const RdataRange& range : {RdataRange{none}, RdataRange{OctetView{block}}}) {
    Octets octets;
    EXPECT_FALSE(append_signed_data(octets, rrsig_prefix(rrsig), {Name::literal("a.b.c"), dns::type::a, range}));
    EXPECT_TRUE(octets.empty());
  }
}

TEST(DnssecBase, costly_and_broken_keys_are_refused) {
  const auto fault_of = [](std::uint8_t algorithm, const Octets& key) {
    const auto made = PublicKey::from_dnskey(algorithm, key);
    EXPECT_FALSE(made);
    return made ? KeyFault::no_resources : made.error();
  };
  const auto rsa = [](std::size_t exponent, std::size_t modulus) {
    return rsa_public_octets({Octets(exponent, 0xff), Octets(modulus, 0xff)});
  };
  EXPECT_TRUE(PublicKey::from_dnskey(8, rsa(4, 128)));
  EXPECT_EQ(fault_of(8, rsa(5, 128)), KeyFault::too_large);
  EXPECT_EQ(fault_of(8, rsa(300, 128)), KeyFault::too_large);
  EXPECT_EQ(fault_of(8, rsa(3, 513)), KeyFault::too_large);
  EXPECT_EQ(fault_of(8, rsa(3, 63)), KeyFault::too_small);
  Octets with_zeros(600);
  with_zeros.resize(728, 0xff);
  EXPECT_EQ(fault_of(8, rsa_public_octets({Octets(3, 0xff), with_zeros})), KeyFault::too_large);
  EXPECT_EQ(fault_of(8, {}), KeyFault::malformed);
  EXPECT_EQ(fault_of(8, {3, 1, 0, 1}), KeyFault::malformed);
  EXPECT_EQ(fault_of(8, {0, 1}), KeyFault::malformed);
  EXPECT_EQ(fault_of(13, Octets(63)), KeyFault::malformed);
  EXPECT_EQ(fault_of(13, Octets(64, 0x17)), KeyFault::malformed);  // no point of the curve
  EXPECT_EQ(fault_of(13, Octets(64)), KeyFault::malformed);
  EXPECT_EQ(fault_of(14, Octets(96, 0x17)), KeyFault::malformed);
  EXPECT_EQ(fault_of(14, Octets(64, 0x17)), KeyFault::malformed);
  EXPECT_EQ(fault_of(15, Octets(33)), KeyFault::malformed);
  EXPECT_EQ(fault_of(1, rsa(3, 128)), KeyFault::unsupported_algorithm);
  EXPECT_EQ(fault_of(253, {}), KeyFault::unsupported_algorithm);
}

TEST(DnssecBase, ecdsa_signatures_change_form_without_loss) {
  std::mt19937 random{4};
  for (const std::size_t size : {64U, 96U}) {
    for (int round = 0; round < 300; ++round) {
      Octets raw(size);
      std::ranges::generate(raw, [&] { return static_cast<std::uint8_t>(random()); });
      std::fill_n(raw.begin(), random() % 4, std::uint8_t{0});
      const Octets der = ecdsa_to_der(raw);
      Octets back(size);
      ASSERT_TRUE(ecdsa_from_der(der, back));
      EXPECT_EQ(back, raw);
      for (std::size_t cut = 0; cut < der.size(); ++cut)
        EXPECT_FALSE(ecdsa_from_der(OctetView{der}.first(cut), back)) << cut;
    }
  }
}

}  // namespace
}  // namespace redoubt::dnssec
