#pragma once
// What a resolution comes to, before it is rendered for a client.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dns/edns.hpp"
#include "dns/rr_types.hpp"
#include "resolver/budget.hpp"
#include "resolver/held_rrset.hpp"
#include "resolver/validate/standing.hpp"

namespace redoubt::resolver {

/// RFC 8767 §4.
inline constexpr dns::Ttl stale_ttl = dns::Ttl::from_wire(30);

struct Outcome {
  dns::Rcode rcode = dns::Rcode::servfail;
  /// The chain of aliases in order, then the data (attacks: answer order).
  std::vector<SharedRRset> answer;
  /// The SOA of a denial.
  SharedRRset authority;
  /// What goes with each of `answer` to whoever asks with DO; shorter when there is no more.
  std::vector<SharedEvidence> answer_evidence;
  SharedEvidence denial_evidence;
  /// The worst of the parts. What the house says itself is insecure: only `secure` earns AD.
  Security security = Security::insecure;
  std::optional<dns::ExtendedError> error;
  /// The failure is one that was remembered (RFC 9520), which is told beside its reason (RFC 8914 §4.14).
  bool remembered_failure = false;
  /// The limit that ended the resolution, or kept it from beginning.
  std::optional<Limit> limit;
  /// The trouble was ours alone (no ports, no descriptors left): nothing was learned of any server.
  bool house_trouble = false;
  /// Some of the records have expired; clients may keep those for stale_ttl.
  bool stale = false;

  void add(SharedRRset rrset, const Standing& standing);
  void deny(SharedRRset soa, const Standing& standing);
  /// Back to nothing: a failure has no answer.
  void clear();

  bool failed() const { return rcode == dns::Rcode::servfail; }
  /// What may be called authentic. Stale records were proven once; of what they are now nothing is.
  bool is_secure() const { return security == Security::secure && !failed() && !stale; }
  bool is_bogus() const { return failed() && security == Security::bogus; }

 private:
  void join(Security part) {
    security = has_parts_ ? std::min(security, part) : part;
    has_parts_ = true;
  }
  bool has_parts_ = false;
};
using SharedOutcome = std::shared_ptr<const Outcome>;

/// SERVFAIL with its reason: there is none without (RFC 8914).
SharedOutcome failure(dns::EdeCode code, std::string text, std::optional<Limit> limit = std::nullopt);
/// For strangers, and for what we do not do.
SharedOutcome refused(dns::EdeCode code, std::string text);

}  // namespace redoubt::resolver
