#pragma once
// The key-state machine: from a policy, what is known of a zone's keys, and what was observed, to the next step. Pure:
// no files, no clock, no network. Who drives it makes the keys that it asks for, stores the result, and only then
// publishes what it says:
//
//   ZoneRolls next = before;  next.clock = ...;           // time
//   Decision decision = decide(policy, next, observed);  // may ask for keys: make them, add_key(), decide again
//   store(next);                                         // first
//   publish what next says;                              // then
//   note_written(next, serial); store(next);             // a kill anywhere in between repeats a step, and no more
//
// Rolls need no script of their own. A key is wanted or on its way out; at each look the machine takes those steps
// towards the wanted keys that the guard lets pass, and waits for the others. Seen from outside this is, by RFC 7583
// and RFC 6781: pre-publication for a ZSK, double-KSK for a KSK, both at once for a CSK, and for another algorithm the
// conservative way (signatures first, then keys, then DS, and back in the reverse order).
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "dnssec/roll/policy.hpp"
#include "dnssec/roll/zone_rolls.hpp"

namespace redoubt::dnssec {

/// What one server of the parent zone answered.
struct ParentAnswer {
  std::optional<KeyMask> ds;  ///< nothing: it was silent, or its answer could not be trusted
  bool foreign = false;       ///< there were DS that fit no key of ours
};

struct Observations {
  std::vector<ParentAnswer> parents;  ///< empty: nobody looked
  /// Serials that the secondaries serve; nothing for a silent one. Empty: nobody looked, and zone_propagation counts.
  std::vector<std::optional<std::uint32_t>> secondaries;
  std::optional<std::string> clock_doubt;
  /// An operator's word stands for the parents: he has seen there what was asked for, if anything was.
  bool sworn = false;
};

struct KeyRequest {
  KeyRole role = KeyRole::ksk;
  Algorithm algorithm = Algorithm::ecdsa_p256_sha256;
  bool standby = false;
};

struct Decision {
  std::vector<KeyRequest> make;      ///< keys that it wants; decide again once they are there
  std::vector<std::string> told;     ///< what it does now, one line each
  std::vector<std::string> waiting;  ///< what does not go on, and why
  std::vector<LaterStep> later;      ///< what goes on by itself when caches have lost what is old, and when
  std::optional<Instant> next;       ///< by the machine's clock: nothing changes before
};

/// A zone that has no keys yet, or whose keys the machine has never seen.
ZoneRolls fresh_zone(const Policy& policy, const MachineClock& clock);
/// Takes in a key; wanted unless it is foreign. Nothing when max_keys are in use.
std::optional<unsigned> add_key(ZoneRolls& zone, RollingKey key);
/// What a zone that was signed elsewhere publishes: until the parent is seen, every one of its entry keys may be there.
void adopt(ZoneRolls& zone, const KeySet& keys, KeyMask signatures);

Decision decide(const Policy& policy, ZoneRolls& zone, const Observations& observed);
/// The zone file has what the newest versions say, and no larger TTL than that.
void note_written(ZoneRolls& zone, std::uint32_t serial, seconds largest_ttl);

/// Begins a roll of these keys now, whatever their age: they are on their way out. errors: why not
std::expected<void, std::string> start_roll(ZoneRolls& zone, KeyMask keys);

}  // namespace redoubt::dnssec
