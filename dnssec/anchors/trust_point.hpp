#pragma once
// The trust anchors of one zone, followed through its key rolls (RFC 5011). Pure: whoever calls brings the time, asks
// the zone's servers, and writes the state down before he uses what follows from it.
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dnssec/verify/key_set.hpp"

namespace redoubt::dnssec {

/// One key that was seen at the zone's apex (RFC 5011 §4.2; its Start is a key that is not in the list).
struct TrackedKey {
  enum class State : std::uint8_t {
    pending,  ///< AddPend: new, not trusted yet
    valid,
    missing,  ///< was valid, is not published; trusted
    revoked,  ///< for ever
    removed,  ///< was revoked thirty days ago
  };
  Octets dnskey;  ///< RDATA, the REVOKE bit not set
  State state = State::pending;
  std::int64_t since = 0;       ///< when the state began; seconds since 1970
  std::int64_t held = 0;        ///< seconds that count towards its hold-down
  std::uint32_t hold_down = 0;  ///< of a pending key
  bool operator==(const TrackedKey&) const = default;
};
std::string_view to_text(TrackedKey::State state);

/// All that has to outlive a restart.
struct TrustPoint {
  dns::Name zone;
  Vouchers configured;         ///< what this began with
  std::vector<Octets> unseen;  ///< of its DS, those whose key was not published yet; trusted
  std::vector<TrackedKey> keys;
  std::int64_t observed_at = 0;      ///< when keys were last seen that a trusted one had signed; 0: never
  std::uint32_t inception = 0;       ///< of the youngest such signature
  std::uint32_t query_interval = 0;  ///< seconds (§2.3)
  std::uint32_t retry_interval = 0;
  bool operator==(const TrustPoint&) const = default;
};

inline constexpr std::int64_t hold_down_seconds = 30 * 86'400;  // RFC 5011 §2.4.1, §2.4.2
/// Of one zone. A new key takes the place of the one that was removed longest ago; without such a one it is not begun
/// with, and told.
inline constexpr std::size_t max_tracked_keys = 32;
inline constexpr std::uint32_t least_interval = 3600;  // §2.3: an hour, fifteen days, a day
inline constexpr std::uint32_t most_query_interval = 15 * 86'400;
inline constexpr std::uint32_t most_retry_interval = 86'400;

TrustPoint begin_trust_point(const dns::Name& zone, const Vouchers& configured);
/// What is kept, under a configuration that may have changed. What both have keeps its state; what the operator took
/// out is trusted no more; where nothing of the old is left, all is begun anew. What was revoked stays so.
TrustPoint continue_trust_point(TrustPoint kept, const Vouchers& configured);

/// What validation may start from. Never empty: when all of them are revoked these are the revoked keys, with which
/// nothing verifies, so that the zone is bogus rather than unsigned.
Vouchers anchors_of(const TrustPoint& point);

/// The time of a look. elapsed: seconds since the look before, by a clock that nobody sets; nothing in the first look
/// of a process.
struct Moment {
  std::int64_t now = 0;  ///< seconds since 1970
  std::optional<std::int64_t> elapsed{};
};

struct SeenKeys {
  RdataRange dnskeys;
  RdataRange rrsigs;  ///< RRSIGs at the apex, of whatever type
};

struct Observed {
  bool anchors_changed = false;
  std::vector<std::string> events;  ///< for the log: "key 20326 of . is revoked"
  /// Why the keys are not believed, or are older than what was seen before. Then nothing but revocations has come of
  /// them. errors: those of check_keys()
  std::optional<Reason> trouble;
};
/// One look at the keys that the zone publishes. rules.now is the time for signatures.
Observed observe(TrustPoint& point, const SeenKeys& seen, const Moment& moment, const SignatureRules& rules,
                 Effort& effort);

/// trust_point_text.cpp: one line each fact; what is cut off or changed is noticed.
std::string to_text(const TrustPoint& point);
std::optional<TrustPoint> trust_point_from_text(std::string_view text);

}  // namespace redoubt::dnssec
