#include "dnssec/zone/verify_zone.hpp"

#include <algorithm>

#include "dnssec/zone/findings.hpp"
#include "dnssec/zone/verify_digest.hpp"
#include "dnssec/zone/verify_proofs.hpp"
#include "dnssec/zone/verify_sets.hpp"

namespace redoubt::dnssec {

std::string ZoneFinding::to_text() const {
  return (severity == Severity::fault ? "fault: " : "warning: ") + owner.to_text() + (type.empty() ? "" : " " + type) +
         ": " + what;
}

ZoneVerdict verify_zone(const Zone& zone, const VerifyOptions& options) {
  ZoneVerdict verdict;
  Findings findings{verdict, options.max_findings};
  const KeyRing ring = KeyRing::of(zone, findings);
  if (verdict.faults != 0) return verdict;
  SetVerification sets{ring, options, findings, verdict};
  for (const ZoneNode& node : zone.nodes()) sets.node(zone, node);
  tell_ahead(ring.apex, sets.ahead(), findings);
  sets.verify_signatures(std::max(1U, options.threads));
  verify_proofs(zone, findings);
  verify_digest(zone, findings);
  return verdict;
}

}  // namespace redoubt::dnssec
