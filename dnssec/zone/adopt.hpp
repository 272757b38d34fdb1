#pragma once
// A zone that somebody signed before us keeps what it has; the key machine goes on from there.
#include <expected>
#include <span>
#include <string>
#include <vector>

#include "dnssec/keys/key_folder.hpp"
#include "dnssec/roll/machine.hpp"

namespace redoubt::dnssec {

/// The key's private half is where no network is, by the policy.
bool is_kept_elsewhere(const Policy& policy, const StoredKey& key);
/// Makes it one of the zone's keys.
void take_in(ZoneRolls& zone, const StoredKey& stored, KeyRole role);

struct AdoptFrom {
  const std::string& output;  ///< the signed file, if it is there,
  const std::string& input;   ///< else the source, where that is signed
  bool input_is_signed;
  const dns::Name& apex;
  const Policy& policy;
  const KeyFolder& folder;
  bool despite_missing_keys;
};
/// errors  the zone is published with a DNSKEY that is not among these, or nobody can say with which: whoever signed it
///         without that one would break it for all who hold its DS or its signatures
std::expected<void, std::string> refuse_missing_keys(const AdoptFrom& from, std::span<const StoredKey> keys);
/// Takes the keys into a zone that has none. Those that leave are opened.
/// returns  whether the zone was found to be signed with any of them
/// errors   as of refuse_missing_keys()
std::expected<bool, std::string> adopt_signed_zone(const AdoptFrom& from, ZoneRolls& zone,
                                                   std::vector<StoredKey>& keys);

}  // namespace redoubt::dnssec
