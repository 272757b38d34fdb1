#pragma once
// What the configuration says of validation; plain values.
#include <optional>
#include <vector>

#include "dns/name.hpp"
#include "dnssec/verify/key_set.hpp"

namespace redoubt::resolver {

/// Where trust begins, whatever the zones above say (attacks: island anchor bypass).
struct TrustAnchor {
  dns::Name zone;
  dnssec::Vouchers vouchers;
  bool operator==(const TrustAnchor&) const = default;
};

/// At and below it nothing is validated (RFC 7646).
struct NegativeAnchor {
  dns::Name zone;
  std::uint64_t until = 0;  ///< seconds since 1970; zero: no end
  bool operator==(const NegativeAnchor&) const = default;
};

struct ValidationSettings {
  bool enabled = false;
  bool sha1 = false;           ///< whether algorithms 5 and 7 count (RFC 9905)
  bool aggressive = true;      ///< whether proofs of absence answer for other names, too (RFC 8198)
  bool sentinel = true;        ///< whether clients are told which keys of the root are trusted here (RFC 8509)
  bool signal = false;         ///< whether zones with anchors are told which keys are trusted here (RFC 8145)
  bool report = false;         ///< whether agents that zones name are told of failures (RFC 9567)
  std::uint32_t earliest = 0;  ///< seconds since 1970; a clock that says less is wrong and is not heeded
  std::vector<TrustAnchor> anchors;
  std::vector<NegativeAnchor> negative_anchors;
  std::optional<std::uint32_t> time;  ///< seconds since 1970 instead of the clock's, for tests
  bool operator==(const ValidationSettings&) const = default;
};

}  // namespace redoubt::resolver
