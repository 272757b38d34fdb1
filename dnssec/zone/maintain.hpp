#pragma once
// One run over one zone: whatever the policy says is due is done, from new keys to fresh signatures. Run again and
// again, by a timer or by hand, this is how a zone rolls its keys without a daemon.
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "dnssec/keys/key_folder.hpp"
#include "dnssec/roll/machine.hpp"
#include "dnssec/zone/sign_file.hpp"
#include "dnssec/zone/state_file.hpp"

namespace redoubt::dnssec {

struct MaintainOptions {
  SignFileOptions file;  ///< its keys, rules and largest TTL come from the policy and the machine
  Policy policy;
  /// One line by which the next run knows it again. Another one than the last run's is an error, unless it is chosen:
  /// whoever forgets to say it must not begin a roll by that.
  std::string policy_name{};
  bool policy_is_chosen = false;
  const KeyFolder* keys = nullptr;    ///< its folder is made if it is not there, once the zone file is found to be fit
  bool despite_faults = false;        ///< sign although check_zone() finds faults in the zone file
  bool despite_missing_keys = false;  ///< sign although the zone is published with keys that are not in the folder
  bool despite_exposure = false;      ///< sign although others may read the file of a private half
  ClockReading clock;
  /// Looks at the parent and the secondaries. Without it nobody looks: see Observations.
  std::function<Observations(const dns::Name& apex, const ZoneRolls& zone, std::span<const StoredKey> keys)> observe =
      nullptr;
};

struct MaintainResult {
  SignFileResult file;
  ZoneRolls zone;               ///< as stored; after a dry run: as it would be
  std::vector<StoredKey> keys;  ///< of the zone
  std::vector<std::string> told;
  std::vector<std::string> waiting;
  std::vector<LaterStep> later;
  std::optional<Instant> next;                ///< by the machine's clock
  std::vector<Octets> ds;                     ///< RDATA that the parent should have; empty: none
  std::optional<Instant> signed_ahead_until;  ///< of a KSK that is kept elsewhere
  bool asks_parent_anew = false;              ///< the CDS that was put out is another one than before
  bool keys_missing = false;                  ///< a dry run, and there are no keys to sign with yet
};

/// The zone file is read and checked before anything else, so that a bad one changes nothing.
/// errors: one line or several. The old output stays; the stored state is never behind what was published.
std::expected<MaintainResult, std::string> maintain(const MaintainOptions& options);

}  // namespace redoubt::dnssec
