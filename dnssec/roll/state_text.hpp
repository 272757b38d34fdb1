#pragma once
// What the machine knows of a zone as facts: rows of the database that keeps them, or lines of a text. Both ways go
// through the same checks. The text is what earlier versions kept, and what tests compare.
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dnssec/roll/zone_rolls.hpp"

namespace redoubt::dnssec {

inline constexpr std::size_t max_state_text = 1024 * 1024;

/// One line of the text, one row of the database.
struct Fact {
  std::string fact;   ///< its kind: "key", "dnskey", "clock"
  std::string words;  ///< the rest, words with a blank between
  bool operator==(const Fact&) const = default;
};

std::vector<Fact> to_facts(const ZoneRolls& zone);
/// Reads what to_facts() made, and nothing else: no fact twice, none missing, none unknown, all in all no more than
/// max_state_text.
/// errors   "row 3: what is wrong", counted from 1
std::expected<ZoneRolls, std::string> zone_keys_from_facts(std::span<const Fact> facts);

std::string to_text(const ZoneRolls& zone);
/// The same of what to_text() wrote.
/// errors   "line 3: what is wrong"
std::expected<ZoneRolls, std::string> zone_keys_from_text(std::string_view text);

}  // namespace redoubt::dnssec
