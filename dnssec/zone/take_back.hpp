#pragma once
// What a run stored for an output that was refused is undone: nobody has that output, and the next run, by whatever
// policy, must not have to come to it.
#include <cstdint>
#include <expected>
#include <span>
#include <string>

#include "dnssec/keys/key_folder.hpp"
#include "dnssec/roll/zone_rolls.hpp"

namespace redoubt::dnssec {

/// Keys that were to leave stay, and those that were made are marked as retired: used never.
/// before   the state as it was; it is stored
/// refused  the state that was stored ahead
/// made     stems of the keys that were made on the way
/// now      seconds since 1970
std::expected<void, std::string> take_back(const KeyFolder& keys, const dns::Name& apex, const ZoneRolls& before,
                                           const ZoneRolls& refused, std::span<const std::string> made,
                                           std::int64_t now);

}  // namespace redoubt::dnssec
