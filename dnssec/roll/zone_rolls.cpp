#include "dnssec/roll/zone_rolls.hpp"

#include <utility>

namespace redoubt::dnssec {

std::string_view to_text(KeyState state) {
  switch (state) {
    case KeyState::generated:
      return "generated";
    case KeyState::published:
      return "published";
    case KeyState::ready:
      return "ready";
    case KeyState::active:
      return "active";
    case KeyState::retired:
      return "retired";
    case KeyState::dead:
      return "dead";
    case KeyState::removed:
      return "removed";
  }
  return "";
}

KeyTraits ZoneRolls::traits() const {
  KeyTraits traits;
  for (unsigned place = 0; place < keys.size(); ++place) {
    traits.algorithm[place] = keys[place].algorithm;
    if (keys[place].role == KeyRole::foreign) traits.foreign |= bit(place);
  }
  return traits;
}

LiveVersions ZoneRolls::live_at(Instant time) const {
  LiveVersions live{{}, key_sets.live(time), signatures.live(time)};
  for (const DsVersion& version : ds) {
    if (!version.gone || time < *version.gone) live.ds.push_back(version.keys);
  }
  return live;
}

std::optional<unsigned> ZoneRolls::place_of(std::string_view stem) const {
  for (unsigned place = 0; place < keys.size(); ++place) {
    if (!keys[place].free && keys[place].stem == stem) return place;
  }
  return std::nullopt;
}

}  // namespace redoubt::dnssec
