#pragma once
// What the key machine tells of a zone beside its steps: what is waited for, what comes later, when to look again.
// And the questions about a zone's keys that both ask.
#include <optional>
#include <string>
#include <string_view>

#include "dnssec/roll/machine.hpp"

namespace redoubt::dnssec {

/// Of the keys that have a place.
template <class Predicate>
KeyMask keys_where(const ZoneRolls& zone, Predicate predicate) {
  KeyMask mask = 0;
  for (unsigned place = 0; place < zone.keys.size(); ++place) {
    if (!zone.keys[place].free && predicate(zone.keys[place])) mask |= bit(place);
  }
  return mask;
}
/// Their tags; "none" where there is none.
std::string names_of(const ZoneRolls& zone, KeyMask keys);
/// The last version is not everywhere yet.
bool is_pending(const ZoneRolls& zone);
/// Somebody may hold a DS of it.
bool was_secure(const ZoneRolls& zone);
/// When a roll of the key begins, so early that its successor is known everywhere when its lifetime ends. Nothing for a
/// key that is not in use, or leaves, or stays for ever.
std::optional<Instant> due_of(const Policy& policy, const RollingKey& key);

/// After the steps of a look were taken: fills in what is waited for, what comes later, and the time of the next look;
/// the zone remembers the first two.
void look_ahead(const Policy& policy, ZoneRolls& zone, const Observations& observed, Decision& decision);

/// Why a key that a state knows must stay, one line: it is published, signs, has a DS, caches may hold what needs it,
/// or it waits to be published. Nothing where nobody needs it. stem   of its files
std::optional<std::string> need_of(const ZoneRolls& zone, std::string_view stem);

}  // namespace redoubt::dnssec
