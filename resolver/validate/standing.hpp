#pragma once
// What DNSSEC says of what caches and answers hold, kept beside it.
#include <algorithm>
#include <memory>
#include <optional>
#include <vector>

#include "dnssec/verify/reason.hpp"
#include "resolver/held_rrset.hpp"

namespace redoubt::resolver {

using dnssec::Security;

/// The records that let others check for themselves: given to who asks with DO, and looked at when what was taken in
/// unchecked is to be checked later. Never changed after it is made.
struct Evidence {
  SharedRRset signatures;          ///< RRSIGs over the RRset; of a denial, over its SOA. Null: there were none
  std::vector<SharedRRset> proof;  ///< NSEC or NSEC3 RRsets, each followed by its RRSIGs
  /// What is to be told with it: why a zone that is signed counts as unsigned.
  std::optional<dns::ExtendedError> note{};
  std::size_t octets() const {
    std::size_t sum = sizeof(Evidence) + 48 + proof.capacity() * sizeof(SharedRRset);
    if (note) sum += note->text.size();
    if (signatures) sum += signatures->octets();
    for (const SharedRRset& held : proof) sum += held->octets();
    return sum;
  }
};
using SharedEvidence = std::shared_ptr<const Evidence>;

/// As it is made: nobody has looked.
struct Standing {
  Security security = Security::indeterminate;
  SharedEvidence evidence{};
};

/// Whether it may be given to somebody who wants checked data.
constexpr bool is_checked(Security security) { return security >= Security::insecure; }

}  // namespace redoubt::resolver
