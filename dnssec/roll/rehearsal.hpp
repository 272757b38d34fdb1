#pragma once
// The key machine in a world of its own, under virtual time: a primary, secondaries that lag, servers of a parent that
// lag and fall silent, a registry that takes its time, kills between any two steps, clocks that jump; and a validator
// with every cache at once, who asks whenever anything changed. Serves `zone rehearse`, and the machine's tests.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dnssec/roll/machine.hpp"

namespace redoubt::dnssec {

/// A zone that another signer signed before: with a KSK and a ZSK, or with one key for both.
struct SignedElsewhere {
  Algorithm algorithm = Algorithm::ecdsa_p256_sha256;
  bool one_key = false;
  bool all_sign_keys = false;  ///< the ZSK signs the DNSKEY RRset, too, as BIND's dnssec-signzone has it
  bool has_ds = true;          ///< of the KSK, or of the one key
};

struct RehearsalOptions {
  Policy policy;  ///< what the machine believes
  Policy world;   ///< how slow the world is at its slowest: its TTLs and propagation
  seconds time{std::chrono::days{730}};
  seconds looks_every{std::chrono::hours{1}};  ///< how often the tool runs
  std::uint64_t seed = 1;
  bool faults = false;  ///< kills, clock jumps, silent and late servers, requests by operators
  bool sees_secondaries = false;
  seconds trouble_every{std::chrono::days{60}};  ///< at most so long between two faults
  /// A tool that is wrong on purpose, to see that it is found out.
  bool publishes_before_storing = false;
  /// Policies that the operator changes to, one after the other, at random times (with faults).
  std::vector<Policy> later{};
  std::optional<SignedElsewhere> before{};  ///< nothing: an unsigned zone
  std::optional<seconds> changes_at{};      ///< the first of them: so long after the start
};

struct RehearsalEvent {
  Instant at;
  std::string what;
};

struct Rehearsal {
  std::vector<RehearsalEvent> events;
  std::optional<RehearsalEvent> broken;  ///< when a validator was left without a chain, and what it held
  std::uint64_t looks = 0;
  std::uint64_t combinations = 0;  ///< that were tried
  std::uint64_t rolls = 0;         ///< keys that went through their whole life
  bool ended_secure = false;
  bool ended_at_rest = false;  ///< no roll was under way
};

Rehearsal rehearse(const RehearsalOptions& options);

}  // namespace redoubt::dnssec
