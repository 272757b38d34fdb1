#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <random>

#include "dnssec/roll/rehearsal.hpp"
#include "dnssec/roll/state_text.hpp"
#include "tests/unit/dnssec/rolling_zone.hpp"

namespace redoubt::dnssec {
namespace {

using namespace rolling;
using std::chrono::days;
using std::chrono::hours;
using std::chrono::minutes;

std::string text_of(const Rehearsal& rehearsal) {
  std::string text;
  for (const RehearsalEvent& event : rehearsal.events)
    text += std::to_string(event.at.time_since_epoch().count()) + " " + event.what + "\n";
  if (rehearsal.broken)
    text +=
        std::to_string(rehearsal.broken->at.time_since_epoch().count()) + " BROKEN " + rehearsal.broken->what + "\n";
  return text;
}

Policy yearly(Policy policy) {
  policy.ksk_lifetime = days{365};
  return policy;
}

TEST(Policy, the_built_in_ones_make_sense) {
  for (const std::string_view name : built_in_policies()) EXPECT_TRUE(faults_of(policy_named(name)).empty()) << name;
  EXPECT_FALSE(built_in_policy("nonsense"));
}

TEST(Policy, what_would_leave_expired_signatures_in_caches_is_a_fault) {
  Policy policy = policy_named("standard");
  policy.max_zone_ttl = days{6};
  EXPECT_FALSE(faults_of(policy).empty());
  policy = policy_named("standard");
  policy.zsk_lifetime = hours{5};
  EXPECT_FALSE(faults_of(policy).empty());
}

TEST(Machine, ten_years_of_each_policy_break_no_chain) {
  for (const char* name : {"standard", "csk", "nsec3"}) {
    const Policy policy = yearly(policy_named(name));
    const Rehearsal rehearsal = rehearse({.policy = policy, .world = policy, .time = days{3650}});
    EXPECT_FALSE(rehearsal.broken) << name << "\n" << text_of(rehearsal);
    EXPECT_TRUE(rehearsal.ended_secure) << name << "\n" << text_of(rehearsal);
    EXPECT_GE(rehearsal.rolls, name == std::string{"csk"} ? 9U : 45U) << name << "\n" << text_of(rehearsal);
  }
}

TEST(Machine, a_standby_key_takes_over) {
  Policy policy = yearly(policy_named("standard"));
  policy.standby_ksk = true;
  const Rehearsal rehearsal = rehearse({.policy = policy, .world = policy, .time = days{1500}});
  EXPECT_FALSE(rehearsal.broken) << text_of(rehearsal);
  EXPECT_TRUE(rehearsal.ended_secure);
  EXPECT_NE(text_of(rehearsal).find("asks the parent for the DS of 2\n"), std::string::npos) << text_of(rehearsal);
}

/// To another algorithm, from one layout to the other, and out of DNSSEC and back.
TEST(Machine, changes_of_policy_come_to_their_end) {
  const auto with = [](Policy policy, Algorithm algorithm) {
    policy.algorithm = algorithm;
    return policy;
  };
  const std::vector<Policy> chain{with(policy_named("standard"), Algorithm::rsa_sha256),
                                  with(policy_named("csk"), Algorithm::ed25519),
                                  policy_named("csk"),
                                  policy_named("standard"),
                                  policy_named("unsigned"),
                                  policy_named("nsec3")};
  for (std::size_t i = 0; i + 1 < chain.size(); ++i) {
    RehearsalOptions options{.policy = chain[i], .world = chain[i], .time = days{200}};
    options.later = {chain[i + 1]};
    options.changes_at = days{30};
    const Rehearsal rehearsal = rehearse(options);
    const std::string what = std::to_string(i) + "\n" + text_of(rehearsal);
    EXPECT_FALSE(rehearsal.broken) << what;
    EXPECT_EQ(rehearsal.ended_secure, chain[i + 1].layout != KeyLayout::unsigned_zone) << what;
    EXPECT_TRUE(rehearsal.ended_at_rest) << what;
  }
}

/// Keys of another signer, to each layout and algorithm.
TEST(Machine, changes_of_policy_over_keys_of_another_signer_come_to_their_end) {
  for (const bool all_sign_keys : {false, true}) {
    for (const bool one_key : {false, true}) {
      for (const char* name : {"standard", "csk", "nsec3", "unsigned"}) {
        for (const Algorithm algorithm : {Algorithm::ecdsa_p256_sha256, Algorithm::rsa_sha256}) {
          const Policy first = policy_named("standard");
          RehearsalOptions options{.policy = first, .world = first, .time = days{200}};
          options.before = {.algorithm = algorithm, .one_key = one_key, .all_sign_keys = all_sign_keys};
          options.later = {policy_named(name)};
          options.changes_at = hours{1};
          const Rehearsal rehearsal = rehearse(options);
          const std::string what = std::string{name} + "\n" + text_of(rehearsal);
          EXPECT_FALSE(rehearsal.broken) << what;
          EXPECT_EQ(rehearsal.ended_secure, name != std::string{"unsigned"}) << what;
          EXPECT_TRUE(rehearsal.ended_at_rest) << what;
        }
      }
    }
  }
}

/// The keys of before go on alone: a key made early would have to sign beside them.
TEST(Machine, no_key_is_made_for_a_roll_to_another_layout_that_may_not_begin) {
  ZoneRolls zone = some_zone();
  zone.keys[2].free = true;
  adopt(zone, {0b011, 0b011}, 0b010);
  const Policy csk = policy_named("csk");
  const Decision decision = decide(csk, zone, {});
  EXPECT_NE(waiting_of(decision).find("does not begin"), std::string::npos) << waiting_of(decision);
  EXPECT_TRUE(decision.make.empty());
  EXPECT_EQ(zone.signatures.newest(), KeyMask{0b010});
}

/// As an earlier version left it: it signed with a key that it did not publish, and nothing was put out.
TEST(Machine, a_version_that_no_check_lets_pass_is_not_waited_for) {
  ZoneRolls zone = some_zone();
  zone.keys[2].role = KeyRole::csk;
  adopt(zone, {0b011, 0b011}, 0b010);
  zone.signatures.pending = 0b110;
  for (const char* name : {"standard", "csk"}) {
    ZoneRolls next = zone;
    static_cast<void>(decide(policy_named(name), next, {}));
    EXPECT_TRUE(fit_together(next.key_sets.newest(), next.signatures.newest(), next.traits())) << name;
  }
}

/// A ZSK that signed the DNSKEY RRset may have a DS, for all that is known before the parent is seen.
TEST(Machine, a_zsk_of_another_signer_that_signs_keys_rolls_while_nobody_looks_at_the_parent) {
  ZoneRolls zone = some_zone();
  zone.keys[2].free = true;
  adopt(zone, {0b011, 0b011}, 0b010);
  ASSERT_TRUE(start_roll(zone, 0b010));
  const Policy policy = policy_named("standard");
  ASSERT_EQ(decide(policy, zone, {}).make.size(), 1U);
  ASSERT_EQ(add_key(zone, key_named("K9")), 2U);
  static_cast<void>(decide(policy, zone, {}));
  EXPECT_EQ(zone.key_sets.newest(), (KeySet{0b111, 0b011}));
}

Policy random_policy(std::mt19937_64& random) {
  const auto pick = [&](std::initializer_list<seconds> list) { return *(list.begin() + random() % list.size()); };
  Policy policy = policy_named(
      std::initializer_list<const char*>{"standard", "csk", "nsec3", "standard", "unsigned"}.begin()[random() % 5]);
  policy.name = "random";
  policy.algorithm =
      std::initializer_list<Algorithm>{Algorithm::ecdsa_p256_sha256, Algorithm::ed25519, Algorithm::rsa_sha256}
          .begin()[random() % 3];
  policy.signing.dnskey_ttl = static_cast<std::uint32_t>(pick({minutes{5}, hours{1}, days{1}}).count());
  policy.max_zone_ttl = pick({minutes{5}, hours{1}, days{1}, days{2}});
  policy.zone_propagation = pick({minutes{1}, hours{1}, hours{6}});
  policy.parent_ds_ttl = pick({minutes{5}, hours{1}, days{1}});
  policy.parent_propagation = pick({minutes{1}, hours{1}, days{1}});
  policy.safety = pick({minutes{1}, hours{1}});
  policy.ksk_lifetime = pick({days{0}, days{30}, days{365}});
  policy.zsk_lifetime = pick({days{0}, days{10}, days{90}});
  policy.standby_ksk = random() % 4 == 0;
  return policy;
}

Rehearsal random_run(std::uint64_t seed, days time) {
  std::mt19937_64 random{seed};
  RehearsalOptions options;
  options.policy = random_policy(random);
  options.world = options.policy;
  options.seed = seed;
  options.faults = true;
  options.time = time;
  options.trouble_every = std::min<seconds>(days{60}, time / 10);
  options.looks_every = std::initializer_list<seconds>{hours{1}, hours{5}, days{1}, days{1}}.begin()[random() % 4];
  options.sees_secondaries = random() % 2 == 0;
  for (int i = 0; i < 3; ++i) {
    // Another algorithm, another layout, other lifetimes; the times of the world stay.
    Policy later = options.policy;
    const Policy other = random_policy(random);
    later.name = "random " + std::to_string(i);
    later.layout = other.layout;
    later.algorithm = other.algorithm;
    later.ksk_lifetime = other.ksk_lifetime;
    later.zsk_lifetime = other.zsk_lifetime;
    later.standby_ksk = other.standby_ksk;
    options.later.push_back(later);
  }
  if (random() % 2 == 0) {
    options.before = {.algorithm = random() % 3 == 0 ? Algorithm::rsa_sha256 : options.policy.algorithm,
                      .one_key = random() % 3 == 0,
                      .all_sign_keys = random() % 2 == 0,
                      .has_ds = random() % 4 != 0};
  }
  return rehearse(options);
}

/// REDOUBT_RANDOM_ROLLS sets how many worlds, REDOUBT_RANDOM_FIRST the first seed, REDOUBT_RANDOM_DAYS how long each
/// lasts; the first broken one is printed with its seed.
TEST(Machine, random_worlds_with_kills_and_jumping_clocks_break_no_chain) {
  const auto from_outside = [](const char* name, std::uint64_t otherwise) {
    const char* text = std::getenv(name);
    return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
  };
  const std::uint64_t runs = from_outside("REDOUBT_RANDOM_ROLLS", 200);
  const std::uint64_t first = from_outside("REDOUBT_RANDOM_FIRST", 1);
  const days time{from_outside("REDOUBT_RANDOM_DAYS", 150)};
  std::uint64_t rolls = 0;
  std::uint64_t combinations = 0;
  for (std::uint64_t seed = first; seed < first + runs; ++seed) {
    const Rehearsal rehearsal = random_run(seed, time);
    rolls += rehearsal.rolls;
    combinations += rehearsal.combinations;
    ASSERT_FALSE(rehearsal.broken) << "seed " << seed << "\n" << text_of(rehearsal);
  }
  EXPECT_GT(rolls, runs) << "the worlds are too quiet to prove anything";
  std::cout << runs << " worlds, " << rolls << " rolls, " << combinations << " combinations\n";
}

/// Worlds that are slower than the policy says: the validator must be able to notice.
TEST(Machine, a_policy_that_is_wrong_about_the_world_is_found_out) {
  const Policy policy = yearly(policy_named("standard"));
  const auto broken_in = [&](auto change) {
    Policy world = policy;
    change(world);
    return rehearse({.policy = policy, .world = world, .time = days{1000}}).broken.has_value();
  };
  EXPECT_TRUE(broken_in([](Policy& world) { world.signing.dnskey_ttl = 2 * 86400; }));
  EXPECT_TRUE(broken_in([](Policy& world) { world.max_zone_ttl = days{4}; }));
  EXPECT_TRUE(broken_in([](Policy& world) { world.zone_propagation = days{3}; }));
  EXPECT_TRUE(broken_in([](Policy& world) { world.parent_ds_ttl = days{4}; }));
}

/// The order of storing and publishing is what makes a kill harmless; the world notices the wrong one.
TEST(Machine, a_tool_that_publishes_before_it_stores_is_found_out) {
  const Policy policy = policy_named("standard");
  RehearsalOptions options{.policy = policy, .world = policy, .time = days{30}};
  EXPECT_FALSE(rehearse(options).broken);
  options.publishes_before_storing = true;
  const auto broken = rehearse(options).broken;
  ASSERT_TRUE(broken);
  EXPECT_NE(broken->what.find("a kill now would lose it"), std::string::npos);
}

/// Found by these worlds: the parent looks for CDS at a secondary that is behind, and goes back to a DS whose key is
/// about to leave.
TEST(Machine, a_secondary_with_the_cds_of_before_does_not_lead_the_parent_to_a_key_that_has_gone) {
  const Policy policy = policy_named("standard");
  for (const bool watched : {true, false}) {
    ZoneRolls zone = settled_zone(policy);
    zone.keys[2] = key_named("K9");
    zone.keys[2].role = KeyRole::ksk;
    zone.key_sets.current = {0b111, 0b101};
    ASSERT_TRUE(start_roll(zone, 0b001));
    Observations observed = seen(0b001);
    if (watched) observed.secondaries = {7, 6};
    static_cast<void>(decide(policy, zone, observed));
    ASSERT_EQ(zone.asked, KeyMask{0b100});
    EXPECT_TRUE(zone.saw_other) << "the parent had the old DS: a new one will show that it acted";
    note_written(zone, 7, hours{1});
    const auto look = [&](std::uint32_t secondary) {
      observed = seen(0b100);
      if (watched) observed.secondaries = {7, secondary};
      static_cast<void>(decide(policy, zone, observed));
      return std::ranges::any_of(zone.ds, [](const DsVersion& ds) { return ds.keys == 0b001 && ds.may_come; });
    };
    EXPECT_TRUE(look(6)) << "the parent has the new DS, and may be led back";
    zone.clock.now += policy.zone_propagation + policy.safety - seconds{1};
    EXPECT_TRUE(look(6));
    zone.clock.now += seconds{1};
    EXPECT_EQ(look(6), watched) << "where nobody looks, time must do";
    EXPECT_FALSE(look(7));
  }
}

TEST(Machine, a_roll_does_not_begin_where_nothing_is_proven) {
  const Policy policy = yearly(policy_named("standard"));
  const auto begins = [&](auto change) {
    ZoneRolls zone = settled_zone(policy);
    Observations observed = seen(0b001);
    change(zone, observed);
    const Decision decision = decide(policy, zone, observed);
    EXPECT_TRUE(!decision.make.empty() || !decision.waiting.empty());
    return !decision.make.empty();
  };
  EXPECT_TRUE(begins([](ZoneRolls&, Observations&) {}));
  const auto ksk_alone = [&](auto change) {  // a ZSK does not need the parent
    return begins([&](ZoneRolls& zone, Observations& observed) {
      zone.keys[1].in_use = zone.clock.now;
      change(observed);
    });
  };
  EXPECT_TRUE(ksk_alone([](Observations&) {}));
  EXPECT_FALSE(ksk_alone([](Observations& observed) { observed.parents[1].ds.reset(); })) << "a silent server";
  EXPECT_FALSE(ksk_alone([](Observations& observed) { observed.parents[1].ds = 0; })) << "a split parent";
  EXPECT_FALSE(
      ksk_alone([](Observations& observed) { observed.parents[0].foreign = observed.parents[1].foreign = true; }));
  EXPECT_FALSE(begins([](ZoneRolls& zone, Observations&) { zone.largest_ttl = days{3}; }));
  EXPECT_FALSE(begins([](ZoneRolls&, Observations& observed) { observed.clock_doubt = "it jumped"; }));
  EXPECT_FALSE(begins([](ZoneRolls& zone, Observations&) { zone.held = "holidays"; }));
}

TEST(Machine, a_roll_of_a_zsk_takes_the_times_of_the_rfc) {
  const Policy policy = policy_named("standard");
  ZoneRolls zone = settled_zone(policy);
  ASSERT_TRUE(start_roll(zone, 0b010));
  EXPECT_FALSE(start_roll(zone, 0b010)) << "it is on its way already";
  Decision decision = decide(policy, zone, seen(0b001));
  ASSERT_EQ(decision.make.size(), 1U);
  const unsigned place = add_key(zone, key_named("K9")).value();
  EXPECT_EQ(place, 2U);
  static_cast<void>(decide(policy, zone, seen(0b001)));
  const auto written = [&] {
    note_written(zone, 7, hours{1});
    static_cast<void>(decide(policy, zone, seen(0b001)));
  };
  written();
  EXPECT_EQ(zone.keys[2].state, KeyState::published);
  zone.clock.now += policy.keys_linger() - seconds{1};  // Ipub = Dprp + TTLkey (RFC 7583 §3.2.1), and the safety
  static_cast<void>(decide(policy, zone, seen(0b001)));
  EXPECT_EQ(zone.keys[2].state, KeyState::published);
  zone.clock.now += seconds{1};
  static_cast<void>(decide(policy, zone, seen(0b001)));
  EXPECT_EQ(zone.keys[2].state, KeyState::active);
  EXPECT_EQ(zone.keys[1].state, KeyState::retired);
  written();
  zone.clock.now += policy.signatures_linger() - seconds{1};  // Iret = Dsgn + Dprp + TTLsig, Dsgn being nothing
  static_cast<void>(decide(policy, zone, seen(0b001)));
  EXPECT_EQ(zone.keys[1].state, KeyState::retired);
  zone.clock.now += seconds{1};
  static_cast<void>(decide(policy, zone, seen(0b001)));
  EXPECT_EQ(zone.keys[1].state, KeyState::removed);
  written();
  zone.clock.now += policy.keys_linger();
  static_cast<void>(decide(policy, zone, seen(0b001)));
  EXPECT_TRUE(zone.keys[1].free);
}

/// attacks: a TTL lowered in the middle of a roll.
TEST(Machine, what_was_handed_out_with_a_longer_ttl_is_waited_for) {
  Policy policy = policy_named("standard");
  ZoneRolls zone = settled_zone(policy);
  ASSERT_TRUE(start_roll(zone, 0b010));
  static_cast<void>(decide(policy, zone, seen(0b001)));
  static_cast<void>(add_key(zone, key_named("K9")));
  const seconds before = policy.keys_linger();
  policy.signing.dnskey_ttl = 60;
  static_cast<void>(decide(policy, zone, seen(0b001)));
  note_written(zone, 7, hours{1});
  static_cast<void>(decide(policy, zone, seen(0b001)));
  zone.clock.now += before - seconds{1};
  static_cast<void>(decide(policy, zone, seen(0b001)));
  EXPECT_EQ(zone.keys[2].state, KeyState::published);
  zone.clock.now += seconds{1};
  static_cast<void>(decide(policy, zone, seen(0b001)));
  EXPECT_EQ(zone.keys[2].state, KeyState::active);
}

/// A zone whose TTLs are above its policy's: the roll that is under way waits for them.
TEST(Machine, a_ttl_above_the_policys_is_waited_for) {
  const Policy policy = policy_named("standard");
  ZoneRolls zone = settled_zone(policy);
  zone.key_sets.current = {0b111, 0b001};
  zone.keys[2] = key_named("K9");
  ASSERT_TRUE(start_roll(zone, 0b010));
  static_cast<void>(decide(policy, zone, seen(0b001)));
  ASSERT_EQ(zone.signatures.pending, KeyMask{0b100});
  note_written(zone, 7, days{9});
  static_cast<void>(decide(policy, zone, seen(0b001)));
  zone.clock.now += days{9} + policy.zone_propagation + policy.safety - seconds{1};
  static_cast<void>(decide(policy, zone, seen(0b001)));
  EXPECT_EQ(zone.keys[1].state, KeyState::retired);
  zone.clock.now += seconds{1};
  static_cast<void>(decide(policy, zone, seen(0b001)));
  EXPECT_EQ(zone.keys[1].state, KeyState::removed);
}

TEST(Machine, a_secondary_that_is_behind_or_ahead_stops_a_roll) {
  const Policy policy = policy_named("standard");
  ZoneRolls zone = settled_zone(policy);
  ASSERT_TRUE(start_roll(zone, 0b010));
  static_cast<void>(decide(policy, zone, seen(0b001)));
  static_cast<void>(add_key(zone, key_named("K9")));
  Observations observed = seen(0b001);
  observed.secondaries = {7, 6};
  static_cast<void>(decide(policy, zone, observed));
  note_written(zone, 7, hours{1});
  zone.clock.now += days{100};
  EXPECT_NE(waiting_of(decide(policy, zone, observed)).find("a secondary is behind"), std::string::npos);
  observed.secondaries = {7, std::nullopt};
  EXPECT_NE(waiting_of(decide(policy, zone, observed)).find("a secondary is silent"), std::string::npos);
  EXPECT_EQ(zone.keys[2].state, KeyState::published);
  observed.secondaries = {7, 8};
  EXPECT_NE(waiting_of(decide(policy, zone, observed)).find("a secondary is ahead, at serial 8"), std::string::npos);
  EXPECT_TRUE(zone.key_sets.pending) << "what it serves may be of before";
  observed.secondaries = {7, 7};
  static_cast<void>(decide(policy, zone, observed));
  EXPECT_FALSE(zone.key_sets.pending);
}

TEST(Guard, says_what_a_strict_validator_says) {
  KeyTraits traits;
  traits.algorithm[2] = Algorithm::ed25519;
  traits.algorithm[3] = Algorithm::ed25519;
  const KeySet first{0b0011, 0b0001};  // KSK 0, ZSK 1
  EXPECT_TRUE(validates({0, {}, 0}, traits)) << "insecure";
  EXPECT_TRUE(validates({0b0001, first, 0b0010}, traits));
  EXPECT_FALSE(validates({0b0001, first, 0}, traits)) << "not signed";
  EXPECT_FALSE(validates({0b0001, {}, 0b0010}, traits)) << "no keys";
  EXPECT_FALSE(validates({0b0100, first, 0b0010}, traits)) << "another key's DS";
  EXPECT_FALSE(validates({0b0001, {0b0011, 0b0010}, 0b0010}, traits)) << "the DS's key does not sign the keys";
  const KeySet both{0b1111, 0b0101};
  EXPECT_FALSE(validates({0b0001, both, 0b0010}, traits)) << "an algorithm of the DNSKEY RRset signs nothing";
  EXPECT_TRUE(validates({0b0001, both, 0b1010}, traits));
  EXPECT_TRUE(validates({0b0101, both, 0b1010}, traits));
  EXPECT_FALSE(validates({0b0101, first, 0b1010}, traits)) << "an algorithm of the DS RRset has no key";
}

/// Worlds that broke once: a parent led back by a secondary that was behind; a clock that was behind before a restart.
/// A parent that has no DS yet, and is asked for none any more, may have the one that it was asked for on its way.
TEST(Machine, a_parent_that_has_what_is_asked_by_chance_is_not_believed_at_once) {
  const Policy policy = policy_named("unsigned");
  ZoneRolls zone = settled_zone(policy_named("standard"));
  zone.asked = 0b001;
  zone.settled = false;
  zone.ds = {{0, false, false, std::nullopt}, {0b001, false, true, std::nullopt}};
  ASSERT_TRUE(start_roll(zone, 0b011));
  static_cast<void>(decide(policy, zone, seen(0)));
  ASSERT_EQ(zone.asked, KeyMask{0});
  note_written(zone, 7, hours{1});
  const auto is_signed = [&](seconds later) {
    zone.clock.now += later;
    static_cast<void>(decide(policy, zone, seen(0)));
    note_written(zone, 8, hours{1});
    return zone.key_sets.newest().published != 0;
  };
  EXPECT_TRUE(is_signed(days{5}));
  EXPECT_TRUE(is_signed(days{9} - seconds{1}));
  EXPECT_TRUE(is_signed(seconds{1})) << "from now on the DS is waited for to leave the caches";
  EXPECT_FALSE(is_signed(policy.ds_linger()));
}

TEST(Machine, worlds_that_broke_once_do_not_break_again) {
  const std::pair<std::uint64_t, days> worlds[] = {{217, days{150}}, {6427, days{40}}, {12232, days{40}}};
  for (const auto& [seed, time] : worlds) {
    const Rehearsal rehearsal = random_run(seed, time);
    EXPECT_FALSE(rehearsal.broken) << "seed " << seed << "\n" << text_of(rehearsal);
  }
}

TEST(Clock, never_runs_faster_than_time) {
  const Instant start{seconds{1'800'000'000}};
  const ClockReading first{start, seconds{1000}, "a", true};
  const MachineClock clock = advance_clock({}, first, false).clock;
  EXPECT_EQ(clock.now, start);
  const auto step = [&](seconds wall, seconds boot, const char* life, bool synchronised, bool vouched = false) {
    const ClockStep next = advance_clock(clock, {start + wall, seconds{1000} + boot, life, synchronised}, vouched);
    return std::pair{next.clock.now - start, next.doubt.has_value()};
  };
  using Step = std::pair<seconds, bool>;
  EXPECT_EQ(step(hours{1}, hours{1}, "a", false), (Step{hours{1}, false}));
  EXPECT_EQ(step(days{365}, hours{1}, "a", true), (Step{hours{1}, true})) << "set forward";
  EXPECT_EQ(step(-days{365}, hours{1}, "a", true), (Step{hours{1}, true})) << "set back";
  EXPECT_EQ(step(days{3}, seconds{0}, "b", true), (Step{days{3}, false})) << "a restart, and a clock that is steered";
  EXPECT_EQ(step(days{3}, seconds{0}, "b", false), (Step{hours{1}, true}))
      << "a restart, and nothing to prove the clock";
  EXPECT_EQ(step(-days{3}, seconds{0}, "b", true), (Step{seconds{0}, true}));
  const MachineClock behind{start, ClockReading{start - days{300}, seconds{1000}, "a", false}};
  const ClockStep caught_up = advance_clock(behind, {start + days{3}, seconds{0}, "b", true}, false);
  EXPECT_EQ(caught_up.clock.now - start, hours{1}) << "it was 300 days behind before the restart, and nobody knew";
  EXPECT_TRUE(caught_up.doubt);
  EXPECT_EQ(step(days{3}, seconds{0}, "b", false, true), (Step{days{3}, false})) << "an operator vouches";
  const ClockReading real = read_clock();
  EXPECT_GT(real.since_boot, seconds{0});
  EXPECT_FALSE(real.boot.empty());
}

}  // namespace
}  // namespace redoubt::dnssec
