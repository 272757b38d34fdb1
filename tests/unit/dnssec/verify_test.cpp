// Signatures, keys and DS: what is accepted, and each way in which it is not.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <optional>

#include "dnssec/verify/key_set.hpp"
#include "tests/signing/test_key.hpp"

namespace redoubt::dnssec {
namespace {

using dns::EdeCode;
using dns::Name;
using signing::TestKey;
using testing::HasSubstr;

constexpr std::uint32_t now = 1'780'000'000;
constexpr signing::Times times{now - 86'400, now + 10 * 86'400};

class Purse final : public Effort {
 public:
  std::uint64_t signatures = 0;
  std::uint64_t failed = 0;
  std::uint64_t most_signatures = 24;
  std::uint64_t most_failed = 4;
  bool spend(Work work, std::uint64_t amount) override {
    if (work == Work::failed_signature) return (failed += amount) <= most_failed;
    if (work == Work::signature) {
      if (signatures + amount > most_signatures || failed >= most_failed) return false;
      signatures += amount;
    }
    return true;
  }
};

dns::RdataList list_of(std::initializer_list<OctetView> octets) {
  dns::RdataList list;
  for (const OctetView one : octets) list.add(one);
  return list;
}

struct Verify : testing::Test {
  Name zone = Name::literal("example.");
  Name owner = Name::literal("WWW.example.");
  TestKey key = TestKey::make();
  std::vector<dns::Record> set{{owner, dns::type::a, dns::rr_class::in, dns::Ttl::from_wire(3600), {192, 0, 2, 1}},
                               {owner, dns::type::a, dns::rr_class::in, dns::Ttl::from_wire(3600), {192, 0, 2, 0}}};
  SignatureRules rules{.now = now};
  Purse purse;

  std::expected<Signed, Reason> check(const dns::RdataList& rrsigs, const dns::RdataList& keys, const Name& name) {
    const dns::RdataList data = list_of({set[0].rdata, set[1].rdata});
    const ZoneKeys zone_keys{zone, keys};
    return check_signatures({name, dns::type::a, data}, dns::Ttl::from_wire(1800), rrsigs, zone_keys, rules, purse);
  }
  std::expected<Signed, Reason> check(const dns::Record& rrsig) {
    return check(list_of({rrsig.rdata}), list_of({key.dnskey()}), owner);
  }
};

TEST_F(Verify, of_keys_without_end_a_few_thousand_octets_are_kept) {
  dns::RdataList many;
  for (std::uint8_t i = 0; i < 60; ++i) {
    Octets rdata{1, 0, 3, 253};  // a zone's key, of a private algorithm
    rdata.resize(1004, i);
    many.add(rdata);
  }
  EXPECT_EQ((ZoneKeys{zone, many}.count()), 4U);
  dns::RdataList usual;
  for (std::uint8_t i = 0; i < 12; ++i) {
    Octets rdata{1, 0, 3, 8};
    rdata.resize(264, i);  // RSA 2048
    usual.add(rdata);
  }
  EXPECT_EQ((ZoneKeys{zone, usual}.count()), 12U);
}

TEST_F(Verify, a_good_signature_of_each_algorithm_holds) {
  rules.sha1 = true;
  for (const AlgorithmInfo& row : algorithm_table()) {
    const TestKey mine = TestKey::make(row.algorithm);
    const dns::Record rrsig = signing::sign_set(mine, zone, set, times);
    const auto checked = check(list_of({rrsig.rdata}), list_of({mine.dnskey()}), owner);
    ASSERT_TRUE(checked) << row.mnemonic << ": " << checked.error().text;
    EXPECT_EQ(checked->ttl, dns::Ttl::from_wire(1800));
    EXPECT_FALSE(checked->is_expanded);
    dns::Record spoilt = rrsig;
    spoilt.rdata.back() ^= 1;
    const auto bad = check(list_of({spoilt.rdata}), list_of({mine.dnskey()}), owner);
    ASSERT_FALSE(bad) << row.mnemonic;
    EXPECT_EQ(bad.error().code, EdeCode::dnssec_bogus);
    purse = Purse{};
  }
}

TEST_F(Verify, sha1_counts_only_where_it_is_switched_on) {
  const TestKey mine = TestKey::make(Algorithm::rsa_sha1_nsec3);
  const dns::Record rrsig = signing::sign_set(mine, zone, set, times);
  const auto checked = check(list_of({rrsig.rdata}), list_of({mine.dnskey()}), owner);
  ASSERT_FALSE(checked);
  EXPECT_EQ(checked.error().code, EdeCode::rrsigs_missing);
}

TEST_F(Verify, times_count_with_skew_and_in_serial_arithmetic) {
  const auto code_at = [&](std::uint32_t inception, std::uint32_t expiration) -> int {
    const auto checked = check(signing::sign_set(key, zone, set, {inception, expiration}));
    return checked ? 0 : static_cast<int>(checked.error().code);
  };
  constexpr std::uint32_t day = 86'400;
  EXPECT_EQ(code_at(now - day, now + day), 0);
  EXPECT_EQ(code_at(now - 10 * day, now - 2 * day), 7);
  EXPECT_EQ(code_at(now - 10 * day, now - day / 2), 0) << "a tenth of ten days, at most one, is forgiven";
  EXPECT_EQ(code_at(now + 2 * day, now + 20 * day), 8);
  EXPECT_EQ(code_at(now + 1800, now + 7200), 0) << "at least an hour is forgiven";
  EXPECT_EQ(code_at(now + 4000, now + 7200), 8);
  EXPECT_EQ(code_at(now + day, now - day), 25);
  rules.now = 100;  // 2106 and past it
  EXPECT_EQ(code_at(0xffffffffU - day, day), 0);
  EXPECT_EQ(code_at(0xffffffffU - 20 * day, 0xffffffffU - 5 * day), 7);
}

TEST_F(Verify, data_lives_no_longer_than_its_signature) {
  const auto checked = check(signing::sign_set(key, zone, set, {now - 86'400, now + 500}));
  ASSERT_TRUE(checked);
  EXPECT_EQ(checked->ttl, dns::Ttl::from_wire(500));
}

TEST_F(Verify, signer_labels_type_and_tag_must_fit) {
  const auto refused = [&](const signing::Twist& twist) {
    const auto checked = check(signing::sign_set(key, zone, set, times, twist));
    return checked ? EdeCode::other : checked.error().code;
  };
  EXPECT_EQ(refused({.signer = Name::literal("other.")}), EdeCode::rrsigs_missing);
  EXPECT_EQ(refused({.signer = Name::literal(".")}), EdeCode::rrsigs_missing);
  EXPECT_EQ(refused({.labels = 3}), EdeCode::rrsigs_missing);
  EXPECT_EQ(refused({.labels = 0}), EdeCode::rrsigs_missing) << "a wildcard above the zone";
  EXPECT_EQ(refused({.tag = 1}), EdeCode::dnskey_missing);
  EXPECT_EQ(refused({.algorithm = 13}), EdeCode::dnskey_missing);
  EXPECT_EQ(refused({.algorithm = 200}), EdeCode::rrsigs_missing);
}

TEST_F(Verify, fewer_labels_mean_a_wildcard) {
  std::vector<dns::Record> wild = set;
  for (dns::Record& record : wild) record.owner = Name::literal("*.example.");
  const dns::Record rrsig = signing::sign_set(key, zone, wild, times);
  const auto expanded = check(list_of({rrsig.rdata}), list_of({key.dnskey()}), Name::literal("a.b.example."));
  ASSERT_TRUE(expanded);
  EXPECT_TRUE(expanded->is_expanded);
  EXPECT_EQ(expanded->labels, 1);
  const auto itself = check(list_of({rrsig.rdata}), list_of({key.dnskey()}), Name::literal("*.example."));
  ASSERT_TRUE(itself);
  EXPECT_FALSE(itself->is_expanded);
}

TEST_F(Verify, every_label_count_is_accepted_just_when_a_zone_could_have_signed_it) {
  const std::array names{Name::literal("."),      Name::literal("a."),       Name::literal("b.a."),
                         Name::literal("c.b.a."), Name::literal("d.c.b.a."), Name::literal("x."),
                         Name::literal("*.b.a.")};
  for (const Name& signer : names) {
    for (const Name& name : names) {
      for (std::uint8_t labels = 0; labels <= 6; ++labels) {
        Rrsig rrsig;
        rrsig.covered = dns::type::a;
        rrsig.labels = labels;
        rrsig.signer = signer;
        const std::size_t own = name.label_count() - (name.is_wildcard() ? 1 : 0);
        const bool may = name.is_at_or_below(signer) && labels <= own && labels >= signer.label_count();
        EXPECT_EQ(is_of(rrsig, {name, dns::type::a, dns::RdataList{}}, signer), may)
            << signer.to_text() << ' ' << name.to_text() << ' ' << int{labels};
      }
    }
  }
}

TEST_F(Verify, a_set_of_bad_signatures_costs_four_checks) {
  dns::RdataList many;
  for (std::uint8_t i = 0; i < 200; ++i) {
    dns::Record rrsig = signing::sign_set(key, zone, set, times);
    rrsig.rdata.back() ^= static_cast<std::uint8_t>(i + 1);
    many.add(rrsig.rdata);
  }
  EXPECT_FALSE(check(many, list_of({key.dnskey()}), owner));
  EXPECT_EQ(purse.signatures, 4U);
}

TEST_F(Verify, many_keys_of_one_tag_are_not_all_tried) {
  // Octets that add up to the same tag: two of them moved from one place to another.
  dns::RdataList keys;
  Octets base = key.dnskey();
  const std::uint16_t tag = key_tag(base);
  for (std::size_t i = 4; i + 2 < base.size(); i += 2) {
    Octets other = base;
    std::swap(other[i], other[i + 2]);
    if (key_tag(other) == tag && other != base) keys.add(other);
  }
  ASSERT_GT(keys.count(), 5U);
  EXPECT_FALSE(check(list_of({signing::sign_set(key, zone, set, times).rdata}), keys, owner));
  EXPECT_EQ(purse.signatures, 2U);
}

TEST_F(Verify, keys_that_are_none_count_as_failed) {
  Octets broken = dnskey_rdata(257, Algorithm::ecdsa_p256_sha256, Octets(64, 0xff));
  const dns::Record rrsig = signing::sign_set(key, zone, set, times, {.tag = key_tag(broken), .algorithm = 13});
  EXPECT_FALSE(check(list_of({rrsig.rdata}), list_of({broken}), owner));
  EXPECT_EQ(purse.failed, 1U);
}

TEST_F(Verify, a_step_is_one_verification) {
  const dns::Record good = signing::sign_set(key, zone, set, times);
  dns::RdataList rrsigs;
  for (std::uint8_t i = 1; i <= 3; ++i) {
    dns::Record bad = good;
    bad.rdata.back() ^= i;
    rrsigs.add(bad.rdata);
  }
  rrsigs.add(good.rdata);
  const dns::RdataList data = list_of({set[0].rdata, set[1].rdata});
  const ZoneKeys zone_keys{zone, list_of({key.dnskey()})};
  SignatureCheck check{{owner, dns::type::a, data}, dns::Ttl::from_wire(1800), rrsigs, zone_keys, rules, purse};
  std::uint64_t steps = 0;
  for (; check.is_due(); ++steps) {
    EXPECT_EQ(purse.signatures, steps) << "looking costs nothing";
    check.verify();
    EXPECT_EQ(purse.signatures, steps + 1);
  }
  EXPECT_EQ(steps, 4U);
  EXPECT_TRUE(check.take_result());
}

TEST_F(Verify, what_somebody_else_found_good_meanwhile_is_not_checked_again) {
  struct Memory final : GoodSignatures {
    std::vector<Print> prints;
    bool has(const Print& print) override { return std::ranges::find(prints, print) != prints.end(); }
    void add(const Print& print) override { prints.push_back(print); }
  } memory;
  rules.good = &memory;
  const dns::RdataList rrsigs = list_of({signing::sign_set(key, zone, set, times).rdata});
  const dns::RdataList data = list_of({set[0].rdata, set[1].rdata});
  const ZoneKeys zone_keys{zone, list_of({key.dnskey()})};
  const SetView view{owner, dns::type::a, data};
  SignatureCheck slow{view, dns::Ttl::from_wire(1800), rrsigs, zone_keys, rules, purse};
  SignatureCheck quick{view, dns::Ttl::from_wire(1800), rrsigs, zone_keys, rules, purse};
  ASSERT_TRUE(slow.is_due());
  ASSERT_TRUE(quick.is_due());
  quick.verify();
  slow.verify();
  EXPECT_FALSE(quick.is_due());
  EXPECT_FALSE(slow.is_due());
  EXPECT_EQ(purse.signatures, 1U);
  EXPECT_TRUE(slow.take_result());
}

TEST_F(Verify, a_key_that_zones_share_is_made_ready_once) {
  ReadyKeys ready;
  rules.ready = &ready;
  for (const char* name : {"example.", "example.net.", "a.example.net."}) {
    zone = Name::literal(name);
    owner = zone;
    for (dns::Record& record : set) record.owner = owner;
    EXPECT_TRUE(check(signing::sign_set(key, zone, set, times))) << name;
  }
  EXPECT_EQ(ready.made(), 1U);
}

TEST_F(Verify, keys_that_take_each_others_place_still_check_what_is_theirs_alone) {
  ReadyKeys ready;
  rules.ready = &ready;
  std::vector<TestKey> many;
  for (int seed = 0; seed < 256; ++seed)
    many.push_back(TestKey::make(Algorithm::ed25519, static_cast<std::uint8_t>(seed)));
  std::vector<dns::Record> signatures;
  for (const TestKey& one : many) signatures.push_back(signing::sign_set(one, zone, set, times));
  for (int round = 0; round < 2; ++round) {
    for (std::size_t i = 0; i < many.size(); ++i) {
      purse = Purse{};
      EXPECT_TRUE(check(list_of({signatures[i].rdata}), list_of({many[i].dnskey()}), owner)) << i;
      dns::Record spoilt = signatures[i];
      spoilt.rdata.back() ^= 1;
      EXPECT_FALSE(check(list_of({spoilt.rdata}), list_of({many[i].dnskey()}), owner)) << i;
    }
  }
  EXPECT_GT(ready.made(), many.size()) << "none was displaced";
}

TEST_F(Verify, a_key_that_is_none_is_found_to_be_none_each_time) {
  ReadyKeys ready;
  EXPECT_EQ(ready.find(13, Octets(64, 0x17)), nullptr);
  EXPECT_EQ(ready.find(13, Octets(64, 0x17)), nullptr);
  EXPECT_EQ(ready.find(253, {}), nullptr);
  const Octets octets(32, 1);
  EXPECT_NE(ready.find(15, octets), nullptr);
  EXPECT_EQ(ready.find(13, octets), nullptr) << "the algorithm belongs to it";
  EXPECT_EQ(ready.made(), 1U);
}

TEST_F(Verify, signatures_by_keys_that_do_not_count_keep_none_out) {
  dns::RdataList rrsigs;
  for (std::uint8_t seed = 40; seed < 50; ++seed)
    rrsigs.add(signing::sign_set(TestKey::make(Algorithm::ed25519, seed), zone, set, times).rdata);
  rrsigs.add(signing::sign_set(key, zone, set, times).rdata);
  EXPECT_TRUE(check(rrsigs, list_of({key.dnskey()}), owner));
}

struct Keys : Verify {
  TestKey zsk = TestKey::make(Algorithm::ed25519, 2, 256);

  std::expected<CheckedKeys, Reason> keys(const std::vector<TestKey>& published, const TestKey& signer,
                                          std::vector<Octets> ds) {
    std::vector<dns::Record> records;
    dns::RdataList list;
    for (const TestKey& one : published) {
      records.push_back(signing::dnskey_record(zone, one));
      list.add(one.dnskey());
    }
    const dns::Record rrsig = signing::sign_set(signer, zone, records, times);
    return check_keys(zone, list, dns::Ttl::from_wire(3600), list_of({rrsig.rdata}), {std::move(ds), {}}, rules, purse);
  }
  Octets ds(const TestKey& of, DsDigest digest = DsDigest::sha256) { return ds_rdata(zone, of.dnskey(), digest); }
};

TEST_F(Keys, a_ds_vouches_for_all_keys_that_its_key_has_signed) {
  const auto checked = keys({key, zsk}, key, {ds(key)});
  ASSERT_TRUE(checked) << checked.error().text;
  EXPECT_EQ(checked->keys->count(), 2U);
  EXPECT_TRUE(keys({key, zsk}, key, {ds(key, DsDigest::sha384)}));
}

TEST_F(Keys, a_key_that_no_ds_names_vouches_for_nothing) {
  const auto other = keys({key, zsk}, zsk, {ds(key)});
  ASSERT_FALSE(other) << "signed by the wrong one";
  EXPECT_EQ(other.error().code, EdeCode::dnskey_missing);
  const auto none = keys({zsk}, zsk, {ds(key)});
  ASSERT_FALSE(none);
  EXPECT_EQ(none.error().code, EdeCode::dnskey_missing);
}

/// Tags are anybody's to make: reserved flags count towards them.
TEST_F(Keys, a_key_with_the_tag_that_a_ds_names_signs_nothing_wherever_it_stands) {
  std::optional<TestKey> found;
  for (std::uint8_t seed = 100; seed < 200 && !found; ++seed) {
    const TestKey plain = TestKey::make(Algorithm::ed25519, seed, 0);
    for (int carry = -2; carry <= 2 && !found; ++carry) {  // sums of tags wrap with a carry
      const auto flags = static_cast<std::uint16_t>(key.tag() - plain.tag() + carry);
      if ((flags & Dnskey::zone_bit) == 0 || (flags & Dnskey::revoke_bit) != 0) continue;
      if (const TestKey one = plain.with_flags(flags); one.tag() == key.tag()) found = one;
    }
  }
  ASSERT_TRUE(found);
  const TestKey evil = *found;
  EXPECT_FALSE(keys({evil, key}, evil, {ds(key)}));
  EXPECT_FALSE(keys({key, evil}, evil, {ds(key)}));
  EXPECT_TRUE(keys({evil, key}, key, {ds(key)})) << "the real one stands beside it";
  // More keys between them than a zone is looked at with.
  std::vector<TestKey> many{evil};
  for (std::uint8_t seed = 20; seed < 90; ++seed) many.push_back(TestKey::make(Algorithm::ed25519, seed));
  many.push_back(key);
  EXPECT_FALSE(keys(many, evil, {ds(key)}));
}

TEST_F(Keys, flags_and_revocation_count) {
  const TestKey no_zone_key = key.with_flags(1);
  const auto not_a_zones = keys({no_zone_key}, no_zone_key, {ds(no_zone_key)});
  ASSERT_FALSE(not_a_zones);
  EXPECT_EQ(not_a_zones.error().code, EdeCode::no_zone_key_bit);
  const TestKey revoked = key.with_flags(257 | Dnskey::revoke_bit);
  const auto gone = keys({revoked}, revoked, {ds(revoked)});
  ASSERT_FALSE(gone);
  EXPECT_THAT(gone.error().text, HasSubstr("revoked"));
}

TEST_F(Keys, sha1_counts_only_where_nothing_better_stands_beside_it) {
  EXPECT_TRUE(keys({key}, key, {ds(key, DsDigest::sha1)}));
  const TestKey forged = TestKey::make(Algorithm::ed25519, 9);
  EXPECT_FALSE(keys({forged}, forged, {ds(forged, DsDigest::sha1), ds(key)}));
}

TEST_F(Keys, what_is_unknown_makes_a_zone_unsigned_only_when_it_is_all_there_is) {
  Octets unknown_digest = ds(key);
  unknown_digest[3] = 77;
  Octets unknown_algorithm = ds(key);
  unknown_algorithm[2] = 77;
  const auto code = [&](std::vector<Octets> vouchers) {
    const auto checked = can_be_checked(zone, {std::move(vouchers), {}}, rules);
    return checked ? EdeCode::other : checked.error().code;
  };
  EXPECT_EQ(code({unknown_digest}), EdeCode::unsupported_ds_digest);
  EXPECT_EQ(code({unknown_algorithm}), EdeCode::unsupported_dnskey_algorithm);
  EXPECT_EQ(code({unknown_algorithm, unknown_digest, ds(key)}), EdeCode::other);
}

TEST_F(Keys, a_thousand_ds_of_one_tag_cost_sixteen_digests_at_most) {
  std::vector<Octets> many;
  for (unsigned i = 0; i < 1000; ++i) {
    Octets one = ds(key);
    one[10] ^= static_cast<std::uint8_t>(i + 1);
    one[11] ^= static_cast<std::uint8_t>(i >> 8);
    many.push_back(one);
  }
  EXPECT_FALSE(keys({key, zsk}, key, many));
  EXPECT_EQ(purse.signatures, 0U);
  // The one that fits stands behind all of them: it is never come to, and is once nothing bounds the digests.
  many.push_back(ds(key));
  EXPECT_FALSE(keys({key, zsk}, key, many)) << "more DS than the limit were looked at";
  rules.limits.ds_of_zone = 16;
  many.insert(many.begin() + 16, ds(key));
  EXPECT_FALSE(keys({key, zsk}, key, many)) << "the seventeenth digest was computed";
  many.insert(many.begin() + 15, ds(key));
  EXPECT_TRUE(keys({key, zsk}, key, many)) << "the sixteenth is";
  // With the limit away, the second bound is what is left: sixteen digests, whatever the limit.
  rules.limits.ds_of_zone = 2000;
  many.erase(many.begin() + 15);
  EXPECT_FALSE(keys({key, zsk}, key, many));
}

}  // namespace
}  // namespace redoubt::dnssec
