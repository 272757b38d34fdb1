#pragma once
// What was, is and may be published, and what of it may still lie in a cache: the memory from which the key machine
// decides. Nothing here has a clock; times come in as arguments.
#include <chrono>
#include <cstdint>
#include <optional>
#include <vector>

namespace redoubt::dnssec {

using Instant = std::chrono::sys_seconds;

/// Keys of one zone by their places in ZoneRolls::keys.
using KeyMask = std::uint64_t;
inline constexpr unsigned max_keys = 64;

/// A DNSKEY RRset: what is in it, and which of these sign it.
struct KeySet {
  KeyMask published = 0;
  KeyMask signers = 0;
  bool operator==(const KeySet&) const = default;
};

/// A version that is not served any more, and may be cached until `gone`.
template <class What>
struct PastVersion {
  What what;
  Instant gone;
  bool operator==(const PastVersion&) const = default;
};

/// Versions of what the zone itself publishes: one is served, one may be on its way out, older ones linger in caches.
template <class What>
struct Timeline {
  What current{};
  std::optional<What> pending;  ///< stored before it is served; from then on it may be
  std::vector<PastVersion<What>> past;

  const What& newest() const { return pending ? *pending : current; }

  /// Everything that someone may hold at `now`.
  std::vector<What> live(Instant now) const {
    std::vector<What> all{current};
    if (pending) all.push_back(*pending);
    for (const auto& version : past) {
      if (now < version.gone) all.push_back(version.what);
    }
    return all;
  }

  /// All servers serve the pending version since `now`; the one before is gone after `linger`.
  void confirm(Instant now, std::chrono::seconds linger) {
    if (!pending) return;
    past.push_back({current, now + linger});
    current = *pending;
    pending.reset();
  }

  void forget_gone(Instant now) {
    std::erase_if(past, [&](const PastVersion<What>& version) { return version.gone <= now; });
  }
  bool operator==(const Timeline&) const = default;
};

/// A set of DS records that servers of the parent had, have, or may come to have because we asked for it.
struct DsVersion {
  KeyMask keys = 0;
  bool foreign = false;         ///< it has a DS that fits no key of ours
  bool may_come = false;        ///< it was asked for, and nothing shows that this has been forgotten
  std::optional<Instant> gone;  ///< once no server has it: until when caches may
  bool operator==(const DsVersion&) const = default;
};

/// How long something lingers in caches. When an operator lowers a TTL, what was handed out with the old one is waited
/// for all the same.
struct Lingering {
  std::chrono::seconds longest{0};
  std::optional<Instant> until;  ///< when the longer time of before has run out

  std::chrono::seconds at(Instant now, std::chrono::seconds wanted) {
    if (wanted >= longest || (until && now >= *until)) {
      longest = wanted;
      until.reset();
    } else if (!until) {
      until = now + longest;
    }
    return longest;
  }
  bool operator==(const Lingering&) const = default;
};

}  // namespace redoubt::dnssec
