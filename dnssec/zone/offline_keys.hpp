#pragma once
// A KSK that is kept where no network is: what it is asked to sign ahead, and what it has signed. The file beside the
// keys ("example.com.presigned") holds the latter; it is no secret.
#include <expected>
#include <optional>
#include <string>
#include <vector>

#include "dnssec/keys/presigned.hpp"
#include "dnssec/roll/zone_rolls.hpp"
#include "dnssec/sign/rules.hpp"

namespace redoubt::dnssec {

/// Every key set that the zone may come to publish within `span`: as it is now, and through the rolls of its ZSKs that
/// fall due; if the .key file of another KSK is here, through the roll to that, too. Makes the ZSKs of these rolls.
/// now      seconds since 1970
/// errors   one line
std::expected<PresignedSets, std::string> request_key_sets(const KeyFolder& keys, const dns::Name& zone,
                                                           const Policy& policy, std::int64_t now, seconds span);

/// Takes in what was signed, in place of what was there. errors: a signature that does not hold; nothing was replaced
std::expected<void, std::string> accept_key_sets(const KeyFolder& keys, const PresignedSets& sets);

/// Nothing when nothing was taken in.
std::expected<std::optional<PresignedSets>, std::string> accepted_key_sets(const KeyFolder& keys,
                                                                           const dns::Name& zone);

/// What this key has signed ahead.
std::vector<PresignedSignature> signatures_of(const PresignedSets& sets, const StoredKey& key);

/// Whether there is a signature by that key, valid at `now`, over these records.
/// rdata    in canonical order
bool is_signed_ahead(const PresignedSets& sets, const StoredKey& key, dns::RrType type,
                     const std::vector<Octets>& rdata, std::int64_t now);

/// A new key where the policy wants new keys: in a file, or in a token.
std::expected<StoredKey, std::string> make_key_by(const KeyFolder& keys, const Policy& policy, const dns::Name& zone,
                                                  Algorithm algorithm, KeyRole role);

}  // namespace redoubt::dnssec
