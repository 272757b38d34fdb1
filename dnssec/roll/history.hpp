#pragma once
// What changed between two states of a zone's keys, for the people who look after it. Nothing is decided by it.
#include <string>
#include <string_view>
#include <vector>

#include "dnssec/roll/zone_rolls.hpp"

namespace redoubt::dnssec {

/// One change. `of` is a key's stem, "dnskey" (which keys are in the DNSKEY RRset), "signed" (which keys sign the
/// zone), "ds" (what the parent is asked for), "parent" (whether it has that) or "rolls" (held or not).
struct Transition {
  Instant at;
  std::string of;
  std::string before;  ///< empty: there was nothing
  std::string after;
  std::string why;  ///< the reason, one line
  bool operator==(const Transition&) const = default;
};

inline constexpr std::size_t max_transition_text = 512;
inline constexpr std::size_t max_transitions_kept = 1000;  ///< of a zone

/// In the order in which they are best told.
/// cause  what the program was about, or an operator's wish: "zone sign: a roll of ... begins"
std::vector<Transition> transitions(const ZoneRolls& before, const ZoneRolls& after, std::string_view cause);

}  // namespace redoubt::dnssec
