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
};

struct ValidationSettings {
  bool enabled = false;
  bool sha1 = false;  ///< whether algorithms 5 and 7 count (RFC 9905)
  std::vector<TrustAnchor> anchors;
  std::vector<dns::Name> negative_anchors;  ///< at and below them nothing is validated (RFC 7646)
  std::optional<std::uint32_t> time;        ///< seconds since 1970 instead of the clock's, for tests
};

}  // namespace redoubt::resolver
