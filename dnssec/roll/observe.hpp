#pragma once
// The part of a look that takes in what was seen at secondaries and at the parent.
#include "dnssec/roll/machine.hpp"

namespace redoubt::dnssec {

/// Confirms what every secondary serves (the very serial that was written last: one that is ahead has another version),
/// and notes which DS are there, may come, and are gone. Each server of the parent counts: one that is silent may have
/// any of them.
void look(const Policy& policy, ZoneRolls& zone, const Observations& observed, Decision& decision);

/// The version of those DS, made if it is new.
DsVersion& ds_version(ZoneRolls& zone, KeyMask keys, bool foreign);

}  // namespace redoubt::dnssec
