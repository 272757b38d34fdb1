#pragma once
// Everything the key machine knows of one zone: its keys, what was published, what the parent was seen to have. A
// value: the machine makes the next one of it, and it is stored before any of it takes effect.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "dnssec/keys/key_folder.hpp"
#include "dnssec/keys/key_role.hpp"
#include "dnssec/roll/clock.hpp"
#include "dnssec/roll/guard.hpp"
#include "dnssec/roll/policy.hpp"

namespace redoubt::dnssec {

/// RFC 7583 §3.1. It follows from what is published; only the time of a change is remembered.
enum class KeyState : std::uint8_t {
  generated,  ///< it exists, and nobody was shown it
  published,  ///< in the DNSKEY RRset, and not yet everywhere
  ready,      ///< whoever has any DNSKEY RRset has it
  active,     ///< it signs the zone, or the parent's DS leads to it
  retired,    ///< not used any more, and needed by what lies in caches
  dead,       ///< needed by nobody, and still in the DNSKEY RRset
  removed,    ///< out of the DNSKEY RRset; at last out of all caches
};
std::string_view to_text(KeyState state);

struct RollingKey {
  std::string stem;  ///< of its files in the key folder
  std::uint16_t tag = 0;
  Algorithm algorithm = Algorithm::ecdsa_p256_sha256;
  KeyRole role = KeyRole::zsk;
  bool wanted = true;    ///< false: it is on its way out
  bool standby = false;  ///< published, and signs nothing yet
  bool free = false;     ///< the place is empty: another key may take it
  KeyState state = KeyState::generated;
  Instant since;                  ///< when it came into this state
  std::optional<Instant> in_use;  ///< when it became active first
  bool is_for_keys() const { return dnssec::is_for_keys(role); }
  bool is_for_zone() const { return dnssec::is_for_zone(role); }
  bool operator==(const RollingKey&) const = default;
};

/// A step that is wanted, and may not be taken before its time.
struct LaterStep {
  std::string what;             ///< one line
  std::optional<Instant> from;  ///< nothing: other steps come first
  bool operator==(const LaterStep&) const = default;
};
inline constexpr std::size_t max_told_steps = 64;
/// A parent that has not acted on a request by then never will.
inline constexpr seconds forgotten_after = std::chrono::days{14};

struct ZoneRolls {
  std::vector<RollingKey> keys;  ///< at most max_keys; places are kept
  std::string policy{};          ///< by whose name the zone was signed last, one line; empty: nobody has said
  Timeline<KeySet> key_sets;
  Timeline<KeyMask> signatures;
  std::vector<DsVersion> ds;     ///< possible at the parent or in caches; never empty
  std::optional<KeyMask> asked;  ///< what CDS asks the parent for; 0 is: no DS at all
  /// A secondary that still serves the CDS of before can lead the parent back to it.
  bool cds_is_new = false;                 ///< not every secondary is known to serve what is asked
  std::optional<Instant> cds_stale_until;  ///< where nobody looks at the secondaries: until when one may be behind
  /// When that was asked, and whether the parent was seen to have something else since: only then does what it has now
  /// show that nothing asked before is still on its way.
  std::optional<Instant> asked_since;
  bool saw_other = false;
  std::optional<Instant> seen;      ///< when the parent was last found to be of one mind
  bool settled = false;             ///< then: it had what was asked
  std::optional<std::string> held;  ///< by an operator, with his reason
  bool written = false;             ///< the pending versions are in the zone file
  std::uint32_t written_serial = 0;
  seconds largest_ttl{0};  ///< of the zone file that was written last
  Lingering keys_linger;
  Lingering signatures_linger;
  Lingering ds_linger;
  MachineClock clock;
  // What the last look told, for those who ask in between; nothing is decided by it.
  std::vector<std::string> waiting;
  std::vector<LaterStep> later;

  /// Nobody serves a CDS of before any more.
  bool is_asked_everywhere() const { return !cds_is_new && (!cds_stale_until || *cds_stale_until <= clock.now); }
  /// The parent, having what is asked, shows that it will not come back to what was asked before.
  bool has_parent_forgotten() const {
    return is_asked_everywhere() && (saw_other || !asked_since || clock.now >= *asked_since + forgotten_after);
  }
  KeyTraits traits() const;
  LiveVersions live() const { return live_at(clock.now); }
  /// What of all that there is now will still be live then.
  LiveVersions live_at(Instant time) const;
  std::optional<unsigned> place_of(std::string_view stem) const;
  bool operator==(const ZoneRolls&) const = default;
};

constexpr KeyMask bit(unsigned place) { return KeyMask{1} << place; }

}  // namespace redoubt::dnssec
