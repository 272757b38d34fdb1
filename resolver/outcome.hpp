#pragma once
// What a resolution comes to, before it is rendered for a client.
#include <memory>
#include <optional>
#include <vector>

#include "dns/edns.hpp"
#include "dns/rr_types.hpp"
#include "dns/rrset.hpp"
#include "resolver/clock.hpp"

namespace redoubt::resolver {

/// An RRset as caches and answers share it: never changed after it is made.
struct HeldRRset {
  dns::RRset rrset;  ///< its TTL is the one it was taken in with
  Instant expires;
};
using SharedRRset = std::shared_ptr<const HeldRRset>;

struct Outcome {
  dns::Rcode rcode = dns::Rcode::servfail;
  /// The chain of aliases in order, then the data (attacks: answer order).
  std::vector<SharedRRset> answer;
  /// The SOA of a denial.
  SharedRRset authority;
  std::optional<dns::ExtendedError> error;
};
using SharedOutcome = std::shared_ptr<const Outcome>;

/// SERVFAIL with its reason: there is none without (RFC 8914).
SharedOutcome failure(dns::EdeCode code, std::string text);
/// For strangers.
SharedOutcome refused(dns::EdeCode code, std::string text);

}  // namespace redoubt::resolver
