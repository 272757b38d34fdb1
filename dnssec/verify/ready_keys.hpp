#pragma once
// Keys made ready for checks: what the library makes of a key's octets is kept for the next check by it, whichever zone
// it is of. Zones of one hoster that share a key share that, and no zone whose keys are remembered holds more of them
// than their octets.
#include <optional>
#include <vector>

#include "dnssec/base/public_key.hpp"

namespace redoubt::dnssec {

/// One thread's. Bounded: a key that falls on another's place takes it, and that is made ready anew when it is needed.
class ReadyKeys {
 public:
  static constexpr std::size_t places = 256;  ///< some 4 KB each, once they are used

  ReadyKeys() : places_(places) {}
  /// Null for octets that are no such key. Valid until the next call.
  Verifier* find(std::uint8_t algorithm, OctetView public_key);
  /// How often a key was made ready.
  std::uint64_t made() const { return made_; }

 private:
  struct Place {
    std::uint8_t algorithm;
    Octets octets;
    Verifier verifier;
  };
  std::vector<std::optional<Place>> places_;
  std::uint64_t made_ = 0;
};

}  // namespace redoubt::dnssec
