#pragma once
// Looks at what servers have: the DS at the parent's, the serial at the zone's.
#include <span>

#include "appliance/signing/policy_file.hpp"
#include "dnssec/keys/key_folder.hpp"
#include "dnssec/roll/machine.hpp"

namespace redoubt::signing {

/// Asks every server of the policy, one after the other. Whoever does not answer with authority counts as silent.
dnssec::Observations watch(const SitePolicy& site, const dns::Name& apex, const dnssec::ZoneRolls& zone,
                           std::span<const dnssec::StoredKey> keys);

}  // namespace redoubt::signing
