#include "resolver/outcome.hpp"

namespace redoubt::resolver {

namespace {
SharedOutcome without_data(dns::Rcode rcode, dns::EdeCode code, std::string text,
                           std::optional<Limit> limit = std::nullopt) {
  auto outcome = std::make_shared<Outcome>();
  outcome->rcode = rcode;
  outcome->error = dns::ExtendedError{code, std::move(text)};
  outcome->limit = limit;
  return outcome;
}
}  // namespace

void Outcome::add(SharedRRset rrset, const Standing& standing) {
  answer.push_back(std::move(rrset));
  if (standing.evidence) {
    answer_evidence.resize(answer.size());
    answer_evidence.back() = standing.evidence;
    if (standing.evidence->note && !error) error = standing.evidence->note;
  }
  join(standing.security);
}

void Outcome::deny(SharedRRset soa, const Standing& standing) {
  authority = std::move(soa);
  if (standing.evidence && standing.evidence->note && !error) error = standing.evidence->note;
  denial_evidence = standing.evidence;
  join(standing.security);
}

void Outcome::clear() {
  answer.clear();
  answer_evidence.clear();
  authority = nullptr;
  denial_evidence = nullptr;
}

SharedOutcome failure(dns::EdeCode code, std::string text, std::optional<Limit> limit) {
  return without_data(dns::Rcode::servfail, code, std::move(text), limit);
}
SharedOutcome refused(dns::EdeCode code, std::string text) {
  return without_data(dns::Rcode::refused, code, std::move(text));
}

}  // namespace redoubt::resolver
