#pragma once
// What the machine knows of a zone as text, one fact a line: easy to look at, to compare and to keep in a backup.
#include <expected>
#include <string>
#include <string_view>

#include "dnssec/roll/zone_rolls.hpp"

namespace redoubt::dnssec {

inline constexpr std::size_t max_state_text = 1024 * 1024;

std::string to_text(const ZoneRolls& zone);
/// Reads what to_text() wrote, and nothing else: no fact twice, none missing, none unknown.
/// errors   "line 3: what is wrong"
std::expected<ZoneRolls, std::string> zone_keys_from_text(std::string_view text);

}  // namespace redoubt::dnssec
