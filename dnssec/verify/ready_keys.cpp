#include "dnssec/verify/ready_keys.hpp"

#include <algorithm>
#include <functional>
#include <string_view>

namespace redoubt::dnssec {

/// Whoever makes keys that fall on another's place gains the few microseconds that it takes to make that one anew.
Verifier* ReadyKeys::find(std::uint8_t algorithm, OctetView public_key) {
  const std::string_view octets{reinterpret_cast<const char*>(public_key.data()), public_key.size()};
  std::optional<Place>& place = places_[(std::hash<std::string_view>{}(octets) + algorithm) % places];
  if (place && place->algorithm == algorithm && std::ranges::equal(place->octets, public_key)) return &place->verifier;
  auto made = Verifier::from_dnskey(algorithm, public_key);
  if (!made) return nullptr;  // costs next to nothing, and so is not remembered
  ++made_;
  place.emplace(Place{algorithm, {public_key.begin(), public_key.end()}, std::move(*made)});
  return &place->verifier;
}

}  // namespace redoubt::dnssec
