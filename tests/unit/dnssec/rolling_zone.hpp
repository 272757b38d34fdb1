#pragma once
// A zone in the middle of its life, for tests of the key machine.
#include <gtest/gtest.h>

#include <string>
#include <string_view>

#include "dnssec/roll/machine.hpp"

namespace redoubt::dnssec::rolling {

inline Policy policy_named(std::string_view name) { return built_in_policy(name).value(); }

inline ZoneRolls some_zone() {
  ZoneRolls zone = fresh_zone(policy_named("standard"), {Instant{seconds{1'800'000'000}}, std::nullopt});
  for (const KeyRole role : {KeyRole::ksk, KeyRole::zsk, KeyRole::ksk}) {
    RollingKey key;
    key.stem = "K" + std::to_string(zone.keys.size());
    key.tag = static_cast<std::uint16_t>(100 + zone.keys.size());
    key.role = role;
    static_cast<void>(add_key(zone, key));
  }
  return zone;
}

inline RollingKey key_named(const char* stem) {
  RollingKey key;
  key.stem = stem;
  return key;
}

inline std::string waiting_of(const Decision& decision) {
  std::string text;
  for (const std::string& why : decision.waiting) text += why + "\n";
  return text;
}

/// A zone with a KSK (0) and a ZSK (1) that are in use for a year, the parent settled; place 2 is free.
inline ZoneRolls settled_zone(const Policy& policy) {
  ZoneRolls zone = some_zone();
  zone.keys[2].free = true;
  zone.key_sets = {{0b011, 0b001}, std::nullopt, {}};
  zone.signatures = {0b010, std::nullopt, {}};
  zone.ds = {{0b001, false, false, std::nullopt}};
  zone.asked = 0b001;
  Decision decision = decide(policy, zone, {.parents = {{0b001, false}}, .secondaries = {}, .clock_doubt = {}});
  EXPECT_TRUE(zone.settled) << waiting_of(decision);
  zone.clock.now += std::chrono::days{366};
  return zone;
}

inline Observations seen(KeyMask ds) {
  Observations observed;
  observed.parents = {{ds, false}, {ds, false}};
  return observed;
}

}  // namespace redoubt::dnssec::rolling
