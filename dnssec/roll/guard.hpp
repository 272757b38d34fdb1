#pragma once
// The one rule of every roll: whatever mixture of old and new a validator holds, it must find a valid chain. The guard
// tries a new version against everything that may still be cached; the machine publishes nothing that it refuses.
#include <array>
#include <span>

#include "dnssec/base/algorithm.hpp"
#include "dnssec/roll/versions.hpp"

namespace redoubt::dnssec {

/// What one validator may have put together from its caches and from servers.
struct Combination {
  KeyMask ds = 0;  ///< 0: the delegation is insecure
  KeySet keys;
  KeyMask signatures = 0;  ///< keys that signed the zone's RRsets
};

/// Of each key place: its algorithm, and whether it is another signer's (RFC 8901).
struct KeyTraits {
  std::array<Algorithm, max_keys> algorithm{};
  KeyMask foreign = 0;
};

/// Whether even a strict validator accepts it: a DS leads to a key that signs the DNSKEY RRset, the zone's signatures
/// are by keys of that RRset, and every algorithm that the DS RRset or the DNSKEY RRset names is signed with in full
/// (RFC 4035 §2.2; RFC 6840 §5.11 allows validators less, and not all take it).
bool validates(const Combination& combination, const KeyTraits& traits);

/// Everything that is live of each kind.
struct LiveVersions {
  std::vector<KeyMask> ds;
  std::vector<KeySet> keys;
  std::vector<KeyMask> signatures;
};

/// Whether a version may be published beside what is live: with it, nobody loses a chain that he would have with any
/// version that is live now. (In a zone that is broken already, steps that mend it must be possible.)
bool may_publish_keys(const LiveVersions& live, const KeySet& next, const KeyTraits& traits);
bool may_publish_signatures(const LiveVersions& live, KeyMask next, const KeyTraits& traits);
bool may_publish_ds(const LiveVersions& live, KeyMask next, const KeyTraits& traits);

/// Whether one version of the zone may have both: no signature is by a key that its DNSKEY RRset lacks although it has
/// one of that algorithm. Such a signature helps nobody, and whoever checks the zone takes it for a mistake. Of an
/// algorithm that is new, or on its way out, signatures are there without keys (RFC 6781 §4.1.4).
bool fit_together(const KeySet& keys, KeyMask signatures, const KeyTraits& traits);

}  // namespace redoubt::dnssec
