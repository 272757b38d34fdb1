#pragma once
// Between what servers said and what is kept of it, where validation is concerned.
#include "resolver/cache/cache.hpp"
#include "resolver/iterate/classify.hpp"
#include "resolver/validate/proofs.hpp"

namespace redoubt::resolver {

/// The signatures over what was taken in, and the proof if it was made from a wildcard. Null when there are none.
SharedEvidence evidence_of(const Classified& found, const HeldRRset& held);
/// The signatures over the SOA and the proof of a denial that is kept until then. Null when there are none.
SharedEvidence denial_evidence_of(const Classified& found, Instant expires);
/// What others may be denied with later (RFC 8198): that the zone of its SOA has signed. found's denial is secure.
ProvenDenial proven_denial_of(const Classified& found, Instant now);
/// The wildcard that made found's data or one of its links, which is secure; held is that as it is kept. Nothing when
/// its time is up.
std::optional<ProvenWildcard> proven_wildcard_of(const Classified& found, const Classified::Expanded& expanded,
                                                 const SharedRRset& held, Instant now);
/// Puts what was kept back to where classify() would have left it.
void add_evidence(Classified& found, const Standing& standing);
/// What the cache has on a question, as if a server had just said it. Nothing for failures.
std::optional<Classified> classified(const Found& found, const dns::Question& question, Instant now);

}  // namespace redoubt::resolver
