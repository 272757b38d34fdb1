#include "dnssec/verify/denial.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "dnssec/verify/denial_nsec.hpp"
#include "dnssec/verify/denial_nsec3.hpp"

namespace redoubt::dnssec {

Prover::Prover(const dns::Name& zone, std::span<const DenialRecord> records, const CandidateLimits& limits,
               Effort& effort)
    : zone_{&zone}, limits_{&limits}, effort_{&effort} {
  for (const DenialRecord& record : records) {
    auto& kind = record.type == dns::type::nsec3 ? nsec3_ : nsec_;
    if (kind.size() == limits.denial_records) {
      effort.skipped(Candidates::denial_records);
      break;
    }
    kind.push_back(&record);
  }
}

// One kind per proof: a zone that carries both, or changes from one to the other, is believed by each alone (attacks:
// NSEC and NSEC3 side by side). NSEC first, for it costs no hashes.

Proof Prover::no_name(const dns::Name& name) {
  if (!nsec_.empty()) {
    if (Proof proof = NsecProver{*zone_, nsec_}.no_name(name); proof.security != Security::bogus || nsec3_.empty())
      return proof;
  }
  return Nsec3Prover{*zone_, nsec3_, *limits_, *effort_}.no_name(name);
}

Proof Prover::no_data(const dns::Name& name, dns::RrType type) {
  if (!nsec_.empty()) {
    if (Proof proof = NsecProver{*zone_, nsec_}.no_data(name, type);
        proof.security != Security::bogus || nsec3_.empty())
      return proof;
  }
  return Nsec3Prover{*zone_, nsec3_, *limits_, *effort_}.no_data(name, type);
}

Proof Prover::expansion(const dns::Name& name, std::uint8_t labels) {
  if (!nsec_.empty()) {
    if (Proof proof = NsecProver{*zone_, nsec_}.expansion(name, labels);
        proof.security != Security::bogus || nsec3_.empty())
      return proof;
  }
  return Nsec3Prover{*zone_, nsec3_, *limits_, *effort_}.expansion(name, labels);
}

Prover::CutProof Prover::no_ds(const dns::Name& name) {
  if (!nsec_.empty()) {
    if (CutProof proof = NsecProver{*zone_, nsec_}.no_ds(name); proof.cut != Cut::unproven || nsec3_.empty())
      return proof;
  }
  return Nsec3Prover{*zone_, nsec3_, *limits_, *effort_}.no_ds(name);
}

std::size_t common_labels(const dns::Name& one, const dns::Name& other) {
  const std::size_t most = std::min(one.label_count(), other.label_count());
  for (std::size_t count = most; count > 0; --count) {
    if (one.suffix(count) == other.suffix(count)) return count;
  }
  return 0;
}

}  // namespace redoubt::dnssec
