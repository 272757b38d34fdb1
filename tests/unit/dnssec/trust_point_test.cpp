#include "dnssec/anchors/trust_point.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <random>

#include "tests/signing/test_key.hpp"

namespace redoubt::dnssec {
namespace {

using signing::TestKey;
using State = TrackedKey::State;
using testing::UnorderedElementsAre;

constexpr std::int64_t day = 86'400;
constexpr std::int64_t start = 1'800'000'000;
constexpr std::uint16_t revoked_flags = 257 | Dnskey::revoke_bit;

class NoBound final : public Effort {
 public:
  bool spend(Work, std::uint64_t) override { return true; }
};

/// A zone's keys as published and signed at one moment.
struct KeySet {
  std::vector<TestKey> keys;
  std::vector<TestKey> signers;
  std::int64_t at = start;
  std::int64_t life = 14 * day;
};

struct Signed {
  dns::RdataList dnskeys;
  dns::RdataList rrsigs;
};

Signed sign(const KeySet& set) {
  Signed out;
  std::vector<dns::Record> records;
  for (const TestKey& key : set.keys) {
    records.push_back(signing::dnskey_record(dns::Name{}, key));
    records.back().ttl = dns::Ttl::from_wire(172'800);
    out.dnskeys.add(key.dnskey());
  }
  for (const TestKey& key : set.signers) {
    const signing::Times times{static_cast<std::uint32_t>(set.at), static_cast<std::uint32_t>(set.at + set.life)};
    out.rrsigs.add(signing::sign_set(key, dns::Name{}, records, times).rdata);
  }
  return out;
}

Observed look(TrustPoint& point, const Signed& seen, std::int64_t now, std::optional<std::int64_t> elapsed = {}) {
  NoBound effort;
  const SignatureRules rules{.now = static_cast<std::uint32_t>(now)};
  return observe(point, {seen.dnskeys, seen.rrsigs}, {now, elapsed}, rules, effort);
}
Observed look(TrustPoint& point, const KeySet& set, std::int64_t now) { return look(point, sign(set), now); }

TestKey key(std::uint8_t seed) { return TestKey::make(Algorithm::ed25519, seed); }
Vouchers by_ds(const TestKey& of) { return {{ds_rdata(dns::Name{}, of.dnskey(), DsDigest::sha256)}, {}}; }

std::optional<State> state_of(const TrustPoint& point, const TestKey& of) {
  const auto at = std::ranges::find(point.keys, of.dnskey(), &TrackedKey::dnskey);
  return at == point.keys.end() ? std::nullopt : std::optional{at->state};
}

struct TrustPoints : testing::Test {
  const TestKey a = key(1);
  const TestKey b = key(2);
  const TestKey thief = key(3);
  TrustPoint point = begin_trust_point(dns::Name{}, by_ds(a));
  /// A look a day, from one day to another, the first not included.
  void days(const KeySet& keys, std::int64_t from, std::int64_t to) {
    for (std::int64_t at = from + 1; at <= to; ++at) {
      KeySet today = keys;
      today.at = start + at * day;
      look(point, today, today.at);
    }
  }
};

TEST_F(TrustPoints, a_configured_digest_becomes_its_key) {
  const Observed seen = look(point, KeySet{{a}, {a}}, start);
  EXPECT_TRUE(seen.anchors_changed);
  EXPECT_FALSE(seen.trouble);
  EXPECT_THAT(anchors_of(point).dnskey, UnorderedElementsAre(a.dnskey()));
  EXPECT_TRUE(anchors_of(point).ds.empty());
}

TEST_F(TrustPoints, a_new_key_waits_for_thirty_days_of_being_seen) {
  look(point, KeySet{{a}, {a}}, start);
  days({{a, b}, {a}}, 0, 30);
  EXPECT_EQ(state_of(point, b), State::pending) << "seen for 29 days";
  EXPECT_THAT(anchors_of(point).dnskey, UnorderedElementsAre(a.dnskey()));
  KeySet last{{a, b}, {a}, start + 31 * day - 3600};
  look(point, last, last.at);
  EXPECT_EQ(state_of(point, b), State::pending) << "29 days and 23 hours";
  last.at = start + 31 * day;
  EXPECT_TRUE(look(point, last, last.at).anchors_changed);
  EXPECT_EQ(state_of(point, b), State::valid);
  EXPECT_THAT(anchors_of(point).dnskey, UnorderedElementsAre(a.dnskey(), b.dnskey()));
}

TEST_F(TrustPoints, a_new_key_that_vanishes_once_begins_anew) {
  look(point, KeySet{{a}, {a}}, start);
  days({{a, thief}, {a}}, 0, 20);
  days({{a}, {a}}, 20, 21);
  EXPECT_EQ(state_of(point, thief), std::nullopt);
  days({{a, thief}, {a}}, 21, 45);
  EXPECT_EQ(state_of(point, thief), State::pending);
}

TEST_F(TrustPoints, an_old_set_that_is_played_again_changes_nothing) {
  look(point, KeySet{{a}, {a}}, start);
  const Signed with_thief = sign({{a, thief}, {a}, start + day});
  look(point, with_thief, start + day);
  const KeySet mended{{a}, {a}, start + 2 * day};
  look(point, mended, start + 2 * day);
  const TrustPoint before = point;
  for (std::int64_t at = 3; at < 15; ++at) {
    const Observed seen = look(point, with_thief, start + at * day);
    EXPECT_TRUE(seen.trouble) << "told, for nothing new is heard";
    EXPECT_EQ(point, before);
  }
}

TEST_F(TrustPoints, sets_that_no_trusted_key_signed_change_nothing) {
  look(point, KeySet{{a}, {a}}, start);
  const TrustPoint before = point;
  Signed broken = sign({{a, thief}, {a}, start + day});
  Signed other = sign({{a}, {a}, start + day});
  for (const Signed& set : {sign({{thief}, {thief}, start + day}), sign({{a, thief}, {thief}, start + day}),
                            Signed{broken.dnskeys, other.rrsigs}, Signed{broken.dnskeys, {}}, Signed{},
                            sign({{a, thief}, {a}, start - 40 * day}), sign({{a, thief}, {a}, start + 9 * day})}) {
    EXPECT_TRUE(look(point, set, start + day).trouble);
    EXPECT_EQ(point, before);
  }
}

TEST_F(TrustPoints, revocation_needs_the_keys_own_signature_and_is_for_ever) {
  const TestKey a_revoked = a.with_flags(revoked_flags);
  point = begin_trust_point(dns::Name{}, {{}, {a.dnskey(), b.dnskey()}});
  look(point, KeySet{{a, b}, {a}}, start);
  // By b alone: a is gone, and that is all.
  look(point, KeySet{{a_revoked, b}, {b}, start + day}, start + day);
  EXPECT_EQ(state_of(point, a), State::missing);
  EXPECT_THAT(anchors_of(point).dnskey, UnorderedElementsAre(a.dnskey(), b.dnskey()));
  EXPECT_TRUE(look(point, KeySet{{a_revoked, b}, {a_revoked, b}, start + 2 * day}, start + 2 * day).anchors_changed);
  EXPECT_EQ(state_of(point, a), State::revoked);
  EXPECT_THAT(anchors_of(point).dnskey, UnorderedElementsAre(b.dnskey()));
  days({{a, b}, {a, b}}, 2, 40);
  EXPECT_NE(state_of(point, a), State::valid) << "published without the bit again";
  EXPECT_EQ(state_of(point, a), State::removed);
  days({{a, b}, {a, b}}, 40, 80);
  EXPECT_THAT(anchors_of(point).dnskey, UnorderedElementsAre(b.dnskey()));
}

TEST_F(TrustPoints, a_revoked_digest_is_revoked_too) {
  const TestKey a_revoked = a.with_flags(revoked_flags);
  point = begin_trust_point(dns::Name{}, {{by_ds(a).ds.front(), by_ds(b).ds.front()}, {}});
  look(point, KeySet{{a_revoked, b}, {a_revoked, b}}, start);
  EXPECT_THAT(anchors_of(point).dnskey, UnorderedElementsAre(b.dnskey()));
  EXPECT_TRUE(anchors_of(point).ds.empty());
}

TEST_F(TrustPoints, when_the_last_one_is_revoked_the_zone_is_bogus_and_not_unsigned) {
  const TestKey a_revoked = a.with_flags(revoked_flags);
  look(point, KeySet{{a}, {a}}, start);
  const Signed set = sign({{a_revoked, b}, {a_revoked, b}, start + day});
  look(point, set, start + day);
  const Vouchers left = anchors_of(point);
  EXPECT_THAT(left.dnskey, UnorderedElementsAre(a_revoked.dnskey()));
  const SignatureRules rules{.now = static_cast<std::uint32_t>(start + day)};
  EXPECT_TRUE(can_be_checked(dns::Name{}, left, rules)) << "else it would count as unsigned";
  NoBound effort;
  for (const Signed& offered : {set, sign({{a}, {a}, start + day}), sign({{b}, {b}, start + day})})
    EXPECT_FALSE(check_keys(dns::Name{}, offered.dnskeys, dns::Ttl{}, offered.rrsigs, left, rules, effort));
}

TEST_F(TrustPoints, clocks_that_jump_make_no_key_old) {
  look(point, KeySet{{a}, {a}}, start);
  look(point, sign({{a, b}, {a}, start}), start + 3600);
  // Forward by 300 days: the set is signed for that time too, and a day at most twice counts.
  look(point, sign({{a, b}, {a}, start + 1, 400 * day}), start + 300 * day);
  EXPECT_EQ(state_of(point, b), State::pending);
  EXPECT_LE(point.keys.back().held, 2 * day);
  // To and fro within one process, which knows better how much time went by.
  for (int i = 0; i < 500; ++i) {
    const std::int64_t now = start + (i % 2 == 0 ? 20 : 40) * day;
    look(point, sign({{a, b}, {a}, start + 2 + i, 400 * day}), now, 600);
  }
  EXPECT_EQ(state_of(point, b), State::pending);
  EXPECT_LE(point.keys.back().held, 2 * day + 500 * 600);
}

TEST_F(TrustPoints, looks_are_as_often_as_they_must_be) {
  look(point, KeySet{{a}, {a}}, start);
  EXPECT_EQ(point.query_interval, 86'400U) << "half of the TTL of two days";
  EXPECT_EQ(point.retry_interval, 17'280U);
  look(point, KeySet{{a}, {a}, start + day, 3 * 3600}, start + day);
  EXPECT_EQ(point.query_interval, 5400U) << "half of what the signature has left";
  EXPECT_EQ(point.retry_interval, 3600U) << "never more often than once an hour";
}

TEST_F(TrustPoints, the_operator_has_the_last_word) {
  look(point, KeySet{{a}, {a}}, start);
  days({{a, b}, {a}}, 0, 31);
  ASSERT_EQ(state_of(point, b), State::valid);
  EXPECT_EQ(continue_trust_point(point, by_ds(a)), point);
  Vouchers both = by_ds(a);
  both.ds.push_back(by_ds(thief).ds.front());
  EXPECT_THAT(anchors_of(continue_trust_point(point, both)).dnskey, UnorderedElementsAre(a.dnskey(), b.dnskey()))
      << "what was learned stays";
  const TrustPoint fresh = continue_trust_point(point, by_ds(thief));
  EXPECT_TRUE(anchors_of(fresh).dnskey.empty()) << "others altogether: what followed from the old ones goes";
  EXPECT_THAT(anchors_of(fresh).ds, UnorderedElementsAre(by_ds(thief).ds.front()));
}

TEST_F(TrustPoints, what_was_revoked_stays_so_whatever_is_configured) {
  const TestKey a_revoked = a.with_flags(revoked_flags);
  look(point, KeySet{{a_revoked}, {a_revoked}}, start);
  const TrustPoint other = continue_trust_point(point, by_ds(b));
  Vouchers both = by_ds(b);
  both.ds.push_back(by_ds(a).ds.front());
  const TrustPoint again = continue_trust_point(other, both);
  EXPECT_EQ(state_of(again, a), State::revoked);
  EXPECT_THAT(anchors_of(again).ds, UnorderedElementsAre(by_ds(b).ds.front()));
}

TEST_F(TrustPoints, a_zone_with_very_many_new_keys_takes_no_memory) {
  look(point, KeySet{{a}, {a}}, start);
  for (std::uint8_t round = 0; round < 3; ++round) {
    KeySet many{{a}, {a}, start + (round + 1) * day};
    for (std::uint8_t i = 0; i < 60; ++i) many.keys.push_back(key(static_cast<std::uint8_t>(10 + round * 60 + i)));
    look(point, many, many.at);
    EXPECT_LE(point.keys.size(), max_tracked_keys);
    EXPECT_EQ(state_of(point, a), State::valid);
  }
}

TEST_F(TrustPoints, a_roll_goes_on_when_the_list_is_full_of_removed_keys) {
  look(point, KeySet{{a}, {a}}, start);
  const auto removed = [&](std::uint8_t seed, std::int64_t since) {
    point.keys.push_back({.dnskey = key(seed).dnskey(), .state = State::removed, .since = since});
  };
  removed(101, start - 50 * day);
  removed(100, start - 90 * day);  // the oldest stands neither first nor last
  while (point.keys.size() < max_tracked_keys)
    removed(static_cast<std::uint8_t>(102 + point.keys.size()), start - 10 * day);
  const Observed seen = look(point, KeySet{{a, b}, {a}, start + day}, start + day);
  EXPECT_EQ(point.keys.size(), max_tracked_keys);
  EXPECT_EQ(state_of(point, key(100)), std::nullopt);
  EXPECT_EQ(state_of(point, key(101)), State::removed);
  EXPECT_THAT(seen.events, testing::Contains(testing::HasSubstr("is forgotten for a new one")));
  days({{a, b}, {a}}, 1, 32);
  EXPECT_EQ(state_of(point, b), State::valid);
}

TEST_F(TrustPoints, a_list_full_of_keys_that_were_revoked_of_late_is_told) {
  look(point, KeySet{{a}, {a}}, start);
  while (point.keys.size() < max_tracked_keys) {
    const auto seed = static_cast<std::uint8_t>(100 + point.keys.size());
    point.keys.push_back({.dnskey = key(seed).dnskey(), .state = State::revoked, .since = start});
  }
  const Observed seen = look(point, KeySet{{a, b}, {a}, start + day}, start + day);
  EXPECT_EQ(state_of(point, b), std::nullopt);
  EXPECT_THAT(seen.events, testing::Contains(testing::HasSubstr("cannot be followed")));
  days({{a, b}, {a}}, 1, 70);
  EXPECT_EQ(state_of(point, b), State::valid) << "once they were removed there is room";
}

TEST_F(TrustPoints, a_text_that_was_cut_or_changed_is_noticed) {
  point = begin_trust_point(dns::Name::literal("example."), {{by_ds(a).ds.front()}, {b.dnskey()}});
  look(point, KeySet{{a}, {a}}, start);
  const std::string text = to_text(point);
  EXPECT_EQ(trust_point_from_text(text), point);
  for (std::size_t length = 0; length < text.size(); ++length)
    EXPECT_FALSE(trust_point_from_text(std::string_view{text}.substr(0, length))) << length;
  EXPECT_FALSE(trust_point_from_text(text + "x"));
}

/// Ninety days in which a key rolls, with a thief, missed looks, forged and old sets, and a process that is killed
/// between any two steps.
struct NinetyDays {
  explicit NinetyDays(unsigned seed) : dice{seed} {}
  std::mt19937 dice;
  const TestKey a = key(1), b = key(2), thief = key(3);
  const TestKey a_revoked = a.with_flags(revoked_flags);
  std::string kept = to_text(begin_trust_point(dns::Name{}, by_ds(a)));
  std::vector<Signed> past;  ///< honest sets of before
  std::map<std::string, std::int64_t> first_seen;
  bool revocation_kept = false;
  std::int64_t b_since = -1;

  KeySet honest(std::int64_t at) const {
    KeySet set{{a}, {a}, at - 3600, 10 * day};
    const std::int64_t today = (at - start) / day;
    if (today >= 5) set.keys.push_back(b);
    if (today >= 45) set.signers.push_back(b);
    if (today >= 50) {
      set.keys.front() = a_revoked;
      set.signers.front() = a_revoked;
    }
    if (today >= 80) {
      set.keys.erase(set.keys.begin());
      set.signers.erase(set.signers.begin());
    }
    return set;
  }

  Signed offered(std::int64_t at) {
    switch (dice() % 8) {
      case 0:
        return sign({{a, b, thief}, {thief}, at - 3600});
      case 1:
        return past.empty() ? Signed{} : past[dice() % past.size()];
      case 2: {
        Signed set = sign(honest(at));
        set.dnskeys.add(thief.dnskey());
        return set;
      }
      default:
        past.push_back(sign(honest(at)));
        return past.back();
    }
  }

  void run() {
    std::optional<std::int64_t> last;  // nothing after a restart
    for (std::int64_t at = start; at < start + 90 * day; at += 6 * 3600 + static_cast<std::int64_t>(dice() % 7200)) {
      if (dice() % 5 == 0) continue;  // a look that was missed
      auto point = trust_point_from_text(kept);
      ASSERT_TRUE(point) << "the state is lost";
      if (dice() % 10 == 0) last.reset();
      NoBound effort;
      const Signed set = offered(at);
      const std::int64_t now = dice() % 20 == 0 ? at - 2 * day : at;  // a clock that was set back
      const SignatureRules rules{.now = static_cast<std::uint32_t>(now)};
      const Observed seen = observe(*point, {set.dnskeys, set.rrsigs},
                                    {now, last ? std::optional{at - *last} : std::nullopt}, rules, effort);
      if (dice() % 6 == 0) {  // killed before it was written down: it did not happen
        last.reset();
        continue;
      }
      if (!seen.trouble) last = at;
      kept = to_text(*point);
      check(*point, at);
    }
    finish();
  }

  void check(const TrustPoint& point, std::int64_t at) {
    const Vouchers anchors = anchors_of(point);
    ASSERT_FALSE(anchors.ds.empty() && anchors.dnskey.empty());
    const auto trusts = [&](const TestKey& one) {
      return std::ranges::find(anchors.dnskey, one.dnskey()) != anchors.dnskey.end();
    };
    ASSERT_FALSE(trusts(thief));
    if (trusts(b)) {
      ASSERT_GE(at, start + 35 * day);
    }
    if (state_of(point, b) == State::valid && b_since < 0) b_since = at;
    if (b_since >= 0) {
      ASSERT_TRUE(trusts(b)) << "a good anchor was lost";
    }
    const auto state = state_of(point, a);
    if (state == State::revoked || state == State::removed) revocation_kept = true;
    if (revocation_kept) {
      ASSERT_FALSE(trusts(a)) << "what was revoked came back";
    }
    if (at < start + 50 * day) {
      ASSERT_TRUE(trusts(a) || !anchors.ds.empty());
    }
  }

  void finish() {
    const auto point = trust_point_from_text(kept);
    ASSERT_TRUE(point);
    EXPECT_EQ(state_of(*point, b), State::valid);
    EXPECT_TRUE(revocation_kept);
  }
};

TEST(NinetyDaysOfARoll, lose_no_state_and_trust_no_thief) {
  for (unsigned seed = 0; seed < 60 && !testing::Test::HasFatalFailure(); ++seed) {
    SCOPED_TRACE(seed);
    NinetyDays{seed}.run();
  }
}

}  // namespace
}  // namespace redoubt::dnssec
