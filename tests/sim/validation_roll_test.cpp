// The root rolls its key-signing key while the resolver goes on (RFC 5011): what control does with the keys that the
// resolver brings, over the same Internet and in the same time. And what other anchors do to resolutions under way.
#include <optional>

#include "dnssec/anchors/trust_point.hpp"
#include "tests/sim/validation_fixture.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {
namespace {

using dns::Rcode;
using signing::TestKey;

constexpr auto ed25519 = dnssec::Algorithm::ed25519;
constexpr std::uint16_t revoked_flags = 257 | dnssec::Dnskey::revoke_bit;
constexpr auto day = std::chrono::hours{24};

class NoBound final : public dnssec::Effort {
 public:
  bool spend(dnssec::Work, std::uint64_t) override { return true; }
};

struct RootRoll : ValidationFixture {
  const TestKey old_key = TestKey::make(ed25519, 101);
  const TestKey new_key = TestKey::make(ed25519, 102);
  const TestKey thief = TestKey::make(ed25519, 103);
  dnssec::TrustPoint point =
      dnssec::begin_trust_point(dns::Name{}, {{signing::ds_record(dns::Name{}, old_key).rdata}, {}});
  std::string kept = dnssec::to_text(point);  ///< what is on the disk

  std::uint32_t wall() {
    return static_cast<std::uint32_t>(
        std::chrono::duration_cast<std::chrono::seconds>(internet.world().clock().wall().time_since_epoch()).count());
  }
  /// All zones as they are signed today; the root by these keys, the others idle in its DNSKEY RRset.
  void publish(std::vector<TestKey> signers, std::vector<TestKey> idle = {}) {
    const signing::Times times{wall() - 86'400, wall() + 14 * 86'400};
    for (const char* apex : {".", "com.", "net.", "shop.com.", "bank.com."}) internet.at(apex).signing->times = times;
    internet.at(".").signing->keys = std::move(signers);
    internet.at(".").signing->idle_keys = std::move(idle);
    internet.publish();
  }
  void begin() {
    internet.world().settings().validation.anchors = {{dns::Name{}, dnssec::anchors_of(point)}};
    publish({old_key});
  }
  /// The keys as control gets them: by way of the resolver, with CD, and judged by itself.
  dnssec::Observed look() {
    const Answer answer = internet.ask(".", "DNSKEY", true);
    dns::RdataList keys;
    dns::RdataList signatures;
    for (const dns::Record& record : answer.message.answer) {
      if (record.type == dns::type::dnskey) keys.add(record.rdata);
      if (record.type == dns::type::rrsig) signatures.add(record.rdata);
    }
    NoBound effort;
    dnssec::TrustPoint next = point;
    dnssec::Observed seen = dnssec::observe(next, {keys, signatures}, {wall(), 86'400}, {.now = wall()}, effort);
    kept = dnssec::to_text(next);  // written down first
    point = std::move(next);
    if (seen.anchors_changed) take_over();
    return seen;
  }
  void take_over() {
    internet.world().settings().validation.anchors = {{dns::Name{}, dnssec::anchors_of(point)}};
    internet.world().use();
  }
  /// Control ends at this instant and begins again with what it has written down.
  void restart() {
    const auto read = dnssec::trust_point_from_text(kept);
    ASSERT_TRUE(read);
    point = *read;
    take_over();
  }
  void expect_all_is_well(int at) {
    const Answer answer = internet.ask("www.shop.com.");
    ASSERT_EQ(answer.rcode(), Rcode::noerror) << "day " << at << ": " << answer.error();
    ASSERT_TRUE(answer.message.header.authentic) << "day " << at;
    ASSERT_EQ(internet.ask("nothing.bank.com.").rcode(), Rcode::nxdomain) << "day " << at;
  }
  std::optional<dnssec::TrackedKey::State> state_of(const TestKey& key) const {
    const auto at = std::ranges::find(point.keys, key.dnskey(), &dnssec::TrackedKey::dnskey);
    return at == point.keys.end() ? std::nullopt : std::optional{at->state};
  }
};

INSTANTIATE_TEST_SUITE_P(By, RootRoll, both_denials, denial_name);

using State = dnssec::TrackedKey::State;

/// Ninety days: the new key is published from day 5 on, signs alone from day 45 on, and the old one is revoked from day
/// 50 to 85.
TEST_P(RootRoll, is_followed_from_the_new_key_to_the_end_of_the_old_one) {
  begin();
  for (int at = 0; at < 95; ++at) {
    if (at >= 5 && at < 45) publish({old_key}, {new_key});
    if (at >= 45 && at < 50) publish({new_key}, {old_key});
    if (at >= 50 && at < 85) publish({new_key, old_key.with_flags(revoked_flags)});
    if (at >= 85) publish({new_key});
    if (at < 5) publish({old_key});
    const auto seen = look();
    EXPECT_FALSE(seen.trouble) << "day " << at << ": " << seen.trouble->text;
    if (at == 20 || at == 46 || at == 60) restart();
    expect_all_is_well(at);
    if (at == 34) {
      EXPECT_EQ(state_of(new_key), State::pending);
    }
    if (at == 36) {
      EXPECT_EQ(state_of(new_key), State::valid);
    }
    if (at == 51) {
      EXPECT_EQ(state_of(old_key), State::revoked);
    }
    internet.world().pass(day);
  }
  EXPECT_EQ(state_of(old_key), State::removed);
  EXPECT_EQ(dnssec::anchors_of(point).dnskey, std::vector<dnssec::Octets>{new_key.dnskey()});
}

/// The same roll to somebody who does not follow it: this is what the test above can fail by.
TEST_P(RootRoll, leaves_who_does_not_follow_it_without_an_answer) {
  begin();
  look();
  expect_all_is_well(0);
  internet.world().pass(45 * day);
  publish({new_key}, {old_key});
  EXPECT_EQ(internet.ask("www.shop.com.").rcode(), Rcode::servfail);
}

TEST_P(RootRoll, does_not_let_a_key_in_that_was_not_there_for_thirty_days) {
  begin();
  look();
  for (int at = 1; at < 25; ++at) {
    internet.world().pass(day);
    publish({old_key}, {thief});
    look();
  }
  restart();
  internet.world().pass(day);
  publish({thief}, {old_key});
  EXPECT_TRUE(look().trouble);
  EXPECT_EQ(internet.ask("www.shop.com.").rcode(), Rcode::servfail);
  publish({old_key});
  internet.world().pass(2h);
  look();
  expect_all_is_well(26);
  EXPECT_EQ(state_of(thief), std::nullopt);
}

struct OtherAnchors : ValidationFixture {
  /// Another root's: nothing of this Internet verifies with it.
  static resolver::TrustAnchor another() {
    return {dns::Name{}, {{signing::ds_record(dns::Name{}, TestKey::make(ed25519, 200)).rdata}, {}}};
  }
  dns::Query query(const char* name) {
    dns::Query made = World::query(name);
    made.edns->dnssec_ok = true;
    return made;
  }
};

INSTANTIATE_TEST_SUITE_P(By, OtherAnchors, both_denials, denial_name);

/// After each number of milliseconds into the resolution.
TEST_P(OtherAnchors, while_a_resolution_is_under_way_leave_no_verdict_of_it) {
  std::size_t under_way = 0;
  for (int instant = 0; instant < 400; instant += 10) {
    for (const char* name : {"www.shop.com.", "nothing.shop.com.", "a.wild.shop.com.", "alias.shop.com."}) {
      SignedWorld world{GetParam()};
      world.site("shop.com.", "192.0.2.1", "alias CNAME www\n*.wild A 192.0.2.7\n");
      world.publish();
      std::optional<Answer> first;
      world.world().send(query(name), *dns::IpAddress::from_text("192.0.2.200"),
                         [&](std::optional<Answer> answer) { first = std::move(answer); });
      world.world().run_for(std::chrono::milliseconds{instant});
      under_way += first ? 0 : 1;
      world.world().settings().validation.anchors = {another()};
      world.world().use();
      world.world().run_for(10s);
      ASSERT_TRUE(first);
      const Answer second = world.ask(name);
      ASSERT_EQ(second.rcode(), Rcode::servfail) << name << " after " << instant << " ms";
      ASSERT_EQ(world.world().shared().proofs.spans(), 0U) << name << " after " << instant << " ms";
    }
  }
  EXPECT_GE(under_way, 20U) << "or nothing was tried";
}

TEST_P(OtherAnchors, while_a_resolution_is_under_way_leave_no_zone_bogus) {
  for (int instant = 0; instant < 400; instant += 10) {
    SignedWorld world{GetParam()};
    world.site("shop.com.", "192.0.2.1");
    world.publish();
    auto& anchors = world.world().settings().validation.anchors;
    const auto right = anchors;
    anchors = {another()};
    std::optional<Answer> first;
    world.world().send(query("www.shop.com."), *dns::IpAddress::from_text("192.0.2.200"),
                       [&](std::optional<Answer> answer) { first = std::move(answer); });
    world.world().run_for(std::chrono::milliseconds{instant});
    anchors = right;
    world.world().use();
    world.world().run_for(10s);
    const Answer second = world.ask("www.shop.com.");
    ASSERT_EQ(second.rcode(), Rcode::noerror) << "after " << instant << " ms: " << second.error();
    ASSERT_TRUE(second.message.header.authentic);
  }
}

}  // namespace
}  // namespace redoubt::sim
