// One answer: each RRset of it, and its proof of absence.
#include <fmt/format.h>

#include <algorithm>

#include "dnssec/verify/describe.hpp"
#include "resolver/shared.hpp"
#include "resolver/validate/validator.hpp"

namespace redoubt::resolver {

namespace {

using Kind = ZoneTrust::Kind;

/// Signers that are looked at of one RRset: a zone's own, and perhaps that of one it has come from.
constexpr std::size_t most_signers = 2;

Limit limit_of(dnssec::Work work) {
  switch (work) {
    case dnssec::Work::signature:
      return Limit::signature_checks;
    case dnssec::Work::failed_signature:
      return Limit::failed_signature_checks;
    case dnssec::Work::hash_block:
      return Limit::nsec3_blocks;
  }
  return Limit::signature_checks;
}

Limit limit_of(dnssec::Candidates candidates) {
  switch (candidates) {
    case dnssec::Candidates::signatures_of_set:
      return Limit::signatures_of_rrset;
    case dnssec::Candidates::keys_of_tag:
      return Limit::keys_of_tag;
    case dnssec::Candidates::ds_of_zone:
      return Limit::ds_of_zone;
    case dnssec::Candidates::denial_records:
      return Limit::denial_records;
  }
  return Limit::signatures_of_rrset;
}

/// The zone that a set of this owner and type may be signed by at the lowest: DS is the parent's (RFC 4035 §3.1.4.1).
dns::Name lowest_signer(const dns::Name& owner, dns::RrType type) {
  return type == dns::type::ds ? owner.parent() : owner;
}

dns::RRset as_received(const HeldRRset& held) {
  dns::RRset set{held.owner(), held.type(), dns::rr_class::in, held.ttl(), {}};
  for (const auto rdata : held.rdata()) set.rdata.add(rdata);
  return set;
}

/// Who asks with DO gets no proof that was not looked at, if any was.
void drop_unproven(Classified& found) {
  found.proof_signers.resize(found.proof.size());
  if (std::ranges::none_of(found.proof_signers, [](const auto& signer) { return signer.has_value(); })) return;
  std::vector<dns::RRset> proven;
  for (std::size_t i = 0; i < found.proof.size(); ++i) {
    if (found.proof_signers[i]) proven.push_back(std::move(found.proof[i]));
  }
  found.proof = std::move(proven);
  std::erase(found.proof_signers, std::nullopt);
}

/// Of two signers the later is told; what was not looked at of the earlier one is not forgotten.
template <class Verdict>
Verdict joined(const std::optional<Verdict>& earlier, Verdict later) {
  if (earlier && earlier->cut_by) later.cut_by = earlier->cut_by;
  return later;
}

void cap(dns::RRset& set, dns::Ttl ttl) { set.ttl = std::min(set.ttl, ttl); }

}  // namespace

bool BudgetEffort::spend(dnssec::Work work, std::uint64_t amount) {
  const bool is_over = work != dnssec::Work::failed_signature && budget_->exhausted();
  if (!is_over && budget_->spend(limit_of(work), amount)) return true;
  cut_by_ = budget_->exhausted();
  return false;
}

void BudgetEffort::skipped(dnssec::Candidates candidates) {
  if (!cut_by_) cut_by_ = limit_of(candidates);
}

bool is_of_candidates(Limit limit) {
  return limit == Limit::signatures_of_rrset || limit == Limit::keys_of_tag || limit == Limit::ds_of_zone ||
         limit == Limit::denial_records;
}

bool BudgetEffort::is_of_the_zone(Limit limit) const {
  if (limit == Limit::failed_signature_checks) return failures_before_ == 0;
  if (limit == Limit::nsec3_blocks) return blocks_before_ == 0;
  return is_of_candidates(limit);
}

Failure not_checked(Budget& budget, Limit limit, dnssec::Reason reason) {
  budget.exhaust(limit);
  Failure why{{dns::EdeCode::other, std::move(reason.text)}, FailureScope::asker};
  if (budget.exhausted() == Limit::question_time_ms) why.told.text = "no time was left to check the signatures";
  why.is_unchecked = true;
  return why;
}

const dns::RdataList& signatures_at(const std::vector<dns::RRset>& signatures, const dns::Name& owner) {
  static const dns::RdataList none;
  const auto at = std::ranges::find(signatures, owner, &dns::RRset::owner);
  return at == signatures.end() ? none : at->rdata;
}

std::vector<dns::Name> signers_of(const dns::RdataList& rrsigs, dns::RrType type, const dns::Name& lowest,
                                  const dns::Name& highest) {
  std::vector<dns::Name> signers;
  for (const auto rdata : rrsigs) {
    const auto rrsig = dnssec::Rrsig::parse(rdata);
    if (!rrsig || rrsig->covered != type) continue;
    if (!lowest.is_at_or_below(rrsig->signer) || !rrsig->signer.is_at_or_below(highest)) continue;
    if (std::ranges::find(signers, rrsig->signer) == signers.end()) signers.push_back(rrsig->signer);
    if (signers.size() == most_signers) break;
  }
  return signers;
}

Task<Validator::Checked> Validator::check(const Errand& errand, const dns::RRset& set, const dns::RdataList& rrsigs,
                                          const dnssec::ZoneKeys& keys, const dnssec::SignatureRules& rules,
                                          dnssec::Effort& effort) {
  const dnssec::SetView view{set.owner, set.type, set.rdata};
  dnssec::SignatureCheck check{view, set.ttl, rrsigs, keys, rules, effort};
  while (check.is_due()) {
    co_await checks_.wait();
    if (clock_->now() >= errand.budget.deadline()) errand.budget.exhaust(Limit::question_time_ms);
    check.verify();
    co_await checks_.wait();  // what follows may be a query to a server, or the answer: others come before that, too
  }
  co_return check.take_result();
}

Task<Validator::Result<Validator::Verdict>> Validator::judge_set(const Errand& errand, const dns::RRset& set,
                                                                 const Records& signatures) {
  const Settings& settings = errand.settings;
  const TrustAnchor* anchor = anchor_above(lowest_signer(set.owner, set.type), settings);
  // RRSIGs are no data of their own and are never signed (RFC 4035 §2.2).
  if (anchor == nullptr || set.type == dns::type::rrsig)
    co_return Verdict{.security = Security::insecure, .ttl = set.ttl};
  if (const NegativeAnchor* exception = exception_of(set.owner, settings)) {
    tell(errand, {set.owner, set.type}, exception->zone, [&] { return reason_of(*exception).text; });
    co_return Verdict{.security = Security::insecure, .reason = reason_of(*exception), .ttl = set.ttl};
  }
  const dns::Name lowest = lowest_signer(set.owner, set.type);
  const dns::RdataList& rrsigs = signatures_at(signatures, set.owner);
  const dns::Question question{set.owner, set.type};
  std::optional<Verdict> failed;
  const auto fail = [&failed](Verdict verdict) { failed = joined(failed, std::move(verdict)); };
  for (const dns::Name& signer : signers_of(rrsigs, set.type, lowest, anchor->zone)) {
    auto trust = co_await trust_of(errand, signer, 0);
    if (!trust) co_return std::unexpected{std::move(trust.error())};
    const ZoneTrust& zone = **trust;
    if (zone.kind == Kind::insecure)
      co_return Verdict{.security = Security::insecure, .reason = zone.reason, .ttl = set.ttl};
    if (zone.kind == Kind::bogus) {
      fail({.reason = zone.reason, .may_be_the_servers = false});
      continue;
    }
    if (zone.kind != Kind::secure) continue;  // no such zone: that signature is nobody's
    BudgetEffort effort{errand.budget};
    const dnssec::SignatureRules rules_now = rules(settings);
    auto checked = co_await check(errand, set, rrsigs, *zone.keys, rules_now, effort);
    if (checked) {
      tell(errand, question, signer, [&] { return dnssec::signature_text(*checked); });
      Verdict verdict{.security = Security::secure, .keys = zone.keys, .ttl = checked->ttl};
      if (checked->is_expanded) verdict.expanded_labels = checked->labels;
      co_return verdict;
    }
    tell(errand, question, signer, [&] { return checked.error().text; });
    fail({.reason = std::move(checked.error()), .cut_by = effort.cut_by()});
  }
  if (failed) co_return *std::move(failed);
  auto trust = co_await unsigned_at(errand, lowest, 0);
  if (!trust) co_return std::unexpected{std::move(trust.error())};
  const bool insecure = (*trust)->kind == Kind::insecure;
  tell(errand, question, lowest,
       [&] { return insecure ? std::string{"unsigned, as its zone may be"} : (*trust)->reason.text; });
  if (insecure) co_return Verdict{.security = Security::insecure, .reason = (*trust)->reason, .ttl = set.ttl};
  co_return Verdict{.reason = (*trust)->reason};
}

/// A set and, if it was made from a wildcard, the proof that it may be (RFC 4035 §5.3.4).
Task<Validator::Result<Validator::Verdict>> Validator::judge_expansion(const Errand& errand, Classified& found,
                                                                       const dns::RRset& set) {
  auto verdict = co_await judge_set(errand, set, found.signatures);
  if (!verdict || !verdict->expanded_labels) co_return verdict;
  BudgetEffort effort{errand.budget};
  const auto records = co_await proven_records(errand, found, *verdict->keys, effort);
  const dnssec::SignatureRules rules_now = rules(errand.settings);
  dnssec::Prover prover{verdict->keys->zone(), records, rules_now.limits, effort};
  auto proof = prover.expansion(set.owner, *verdict->expanded_labels);
  if (proof.security == Security::secure) co_return verdict;
  tell(errand, {set.owner, set.type}, verdict->keys->zone(), [&] { return proof.reason.text; });
  verdict->security = proof.security;
  verdict->reason = std::move(proof.reason);
  verdict->cut_by = effort.cut_by();
  co_return verdict;
}

Task<std::vector<dnssec::DenialRecord>> Validator::proven_records(const Errand& errand, Classified& found,
                                                                  const dnssec::ZoneKeys& keys, BudgetEffort& effort) {
  const dnssec::SignatureRules rules_now = rules(errand.settings);
  std::vector<dnssec::DenialRecord> records;
  found.proof_signers.resize(found.proof.size());
  std::size_t looked_at = 0;
  for (std::size_t i = 0; i < found.proof.size(); ++i) {
    dns::RRset& set = found.proof[i];
    if (set.rdata.count() != 1 || (found.proof_signers[i] && !(*found.proof_signers[i] == keys.zone()))) continue;
    if (!found.proof_signers[i]) {
      if (looked_at++ == rules_now.limits.denial_records) {
        effort.skipped(dnssec::Candidates::denial_records);
        break;
      }
      const auto checked =
          co_await check(errand, set, signatures_at(found.signatures, set.owner), keys, rules_now, effort);
      if (!checked || checked->is_expanded) continue;
      cap(set, checked->ttl);
      found.proof_signers[i] = keys.zone();
    }
    records.push_back({set.owner, set.type, set.rdata.at(0)});
  }
  co_return records;
}

Task<Validator::Verdict> Validator::prove_denial(const Errand& errand, Classified& found, const dns::Question& question,
                                                 const dnssec::ZoneKeys& keys) {
  const dnssec::SignatureRules rules_now = rules(errand.settings);
  BudgetEffort effort{errand.budget};
  Verdict verdict{.security = Security::secure, .ttl = errand.settings.negative_max_ttl};
  if (found.soa) {
    // Only the zone itself says how long its denials hold (attacks: wraparound NSEC, forged SOA).
    const dns::RRset& soa = *found.soa;
    auto checked = co_await check(errand, soa, signatures_at(found.signatures, soa.owner), keys, rules_now, effort);
    if (!checked || !(soa.owner == keys.zone()))
      co_return Verdict{.reason = checked ? dnssec::Reason{dns::EdeCode::dnssec_bogus, "an SOA of another zone"}
                                          : std::move(checked.error()),
                        .cut_by = effort.cut_by()};
    verdict.ttl = checked->ttl;
  }
  const auto records = co_await proven_records(errand, found, keys, effort);
  for (std::size_t i = 0; i < found.proof.size(); ++i) {
    if (found.proof_signers[i]) verdict.ttl = std::min(verdict.ttl, found.proof[i].ttl);
  }
  dnssec::Prover prover{keys.zone(), records, rules_now.limits, effort};
  if (question.type == dns::type::ds && found.kind == ReplyKind::no_data) {
    using Cut = dnssec::Prover::Cut;
    auto proof = prover.no_ds(question.name);
    // That an unsigned zone may begin in a span that opts out is no proof that there is no DS (RFC 5155 §9.2).
    verdict.security = proof.cut == Cut::none || proof.cut == Cut::unsigned_zone ? Security::secure
                       : proof.cut == Cut::perhaps_a_zone                        ? Security::insecure
                                                                                 : Security::bogus;
    verdict.reason = std::move(proof.reason);
    if (proof.cut == Cut::no_name)
      verdict.reason = {dns::EdeCode::nsec_missing,
                        fmt::format("{} DS: denied as a type, but proven not to exist", question.name.to_text())};
    verdict.cut_by = effort.cut_by();
    co_return verdict;
  }
  auto proof =
      found.kind == ReplyKind::no_name ? prover.no_name(question.name) : prover.no_data(question.name, question.type);
  verdict.security = proof.security;
  verdict.reason = std::move(proof.reason);
  verdict.cut_by = effort.cut_by();
  co_return verdict;
}

Task<Validator::Result<Validator::Verdict>> Validator::judge_denial(const Errand& errand, Classified& found,
                                                                    const dns::Question& question) {
  const Settings& settings = errand.settings;
  const dns::Name lowest = lowest_signer(question.name, question.type);
  const TrustAnchor* anchor = anchor_above(lowest, settings);
  if (anchor == nullptr) co_return Verdict{.security = Security::insecure, .ttl = dns::Ttl::from_wire(0x7fffffff)};
  if (const NegativeAnchor* exception = exception_of(question.name, settings)) {
    tell(errand, question, exception->zone, [&] { return reason_of(*exception).text; });
    co_return Verdict{
        .security = Security::insecure, .reason = reason_of(*exception), .ttl = dns::Ttl::from_wire(0x7fffffff)};
  }
  std::vector<dns::Name> signers;
  const auto add = [&](const dns::RRset& set) {
    for (dns::Name& signer : signers_of(signatures_at(found.signatures, set.owner), set.type, lowest, anchor->zone)) {
      if (signers.size() < most_signers && std::ranges::find(signers, signer) == signers.end())
        signers.push_back(std::move(signer));
    }
  };
  if (found.soa) add(*found.soa);
  for (const dns::RRset& set : found.proof) add(set);
  std::optional<Verdict> failed;
  const auto fail = [&failed](Verdict verdict) { failed = joined(failed, std::move(verdict)); };
  for (const dns::Name& signer : signers) {
    auto trust = co_await trust_of(errand, signer, 0);
    if (!trust) co_return std::unexpected{std::move(trust.error())};
    const ZoneTrust& zone = **trust;
    if (zone.kind == Kind::insecure)
      co_return Verdict{.security = Security::insecure, .reason = zone.reason, .ttl = dns::Ttl::from_wire(0x7fffffff)};
    if (zone.kind == Kind::bogus) {
      fail({.reason = zone.reason, .may_be_the_servers = false});
      continue;
    }
    if (zone.kind != Kind::secure) continue;
    Verdict verdict = co_await prove_denial(errand, found, question, *zone.keys);
    tell(errand, question, signer, [&] {
      return verdict.security == Security::bogus ? verdict.reason.text : std::string{"its absence is proven"};
    });
    if (verdict.security != Security::bogus) co_return verdict;
    fail(std::move(verdict));
  }
  if (failed) co_return *std::move(failed);
  auto trust = co_await unsigned_at(errand, lowest, 0);
  if (!trust) co_return std::unexpected{std::move(trust.error())};
  const bool insecure = (*trust)->kind == Kind::insecure;
  tell(errand, question, lowest,
       [&] { return insecure ? std::string{"denied by an unsigned zone"} : (*trust)->reason.text; });
  if (insecure)
    co_return Verdict{
        .security = Security::insecure, .reason = (*trust)->reason, .ttl = dns::Ttl::from_wire(0x7fffffff)};
  co_return Verdict{.reason = (*trust)->reason};
}

/// The links in order. What a DNAME makes is as good as the DNAME (RFC 6672 §5.3.1).
Task<Validator::Result<Validator::Verdict>> Validator::judge_chain(const Errand& errand, Classified& found) {
  Verdict worst{.security = Security::secure};
  found.chain_standing.assign(found.chain.size(), {});
  found.chain_expanded.assign(found.chain.size(), std::nullopt);
  std::optional<Security> made_of;  // what makes the next CNAME
  if (found.dname) {
    if (!is_checked(found.dname_standing.security)) {
      const dns::RRset dname = as_received(*found.dname);
      Records signatures;
      const SharedEvidence& evidence = found.dname_standing.evidence;
      if (evidence && evidence->signatures) signatures.push_back(as_received(*evidence->signatures));
      auto verdict = co_await judge_set(errand, dname, signatures);
      if (!verdict || verdict->security == Security::bogus) co_return verdict;
      found.dname_standing.security = verdict->security;
    }
    made_of = found.dname_standing.security;
    worst.security = *made_of;
  }
  for (std::size_t i = 0; i < found.chain.size(); ++i) {
    dns::RRset& link = found.chain[i];
    if (made_of && link.type == dns::type::cname) {
      found.chain_standing[i].security = *made_of;
      made_of.reset();
      continue;
    }
    auto verdict = co_await judge_expansion(errand, found, link);
    if (!verdict || verdict->security == Security::bogus) co_return verdict;
    cap(link, verdict->ttl);
    found.chain_standing[i].security = verdict->security;
    if (verdict->security == Security::secure && verdict->expanded_labels)
      found.chain_expanded[i] = {*verdict->expanded_labels, verdict->keys->zone()};
    worst.security = std::min(worst.security, verdict->security);
    if (link.type == dns::type::dname) {
      made_of = verdict->security;
      if (i + 1 < found.chain.size()) cap(found.chain[i + 1], link.ttl);
    }
  }
  // The CNAME that was asked for itself, made by the DNAME before it.
  if (made_of && found.data && found.data->type == dns::type::cname) found.end_standing.security = *made_of;
  co_return worst;
}

Task<Validator::Result<std::optional<Validator::Fault>>> Validator::judge(const Errand& errand, Classified& found,
                                                                          const dns::Question& question) {
  const auto fault = [](Verdict& verdict) {
    return Fault{std::move(verdict.reason), verdict.may_be_the_servers, verdict.cut_by};
  };
  const auto note = [&](const Verdict& verdict) {
    if (verdict.security == Security::insecure && !verdict.reason.text.empty())
      found.note = dns::ExtendedError{verdict.reason.code, verdict.reason.text};
  };
  auto chain = co_await judge_chain(errand, found);
  if (!chain) co_return std::unexpected{std::move(chain.error())};
  if (chain->security == Security::bogus) co_return fault(*chain);
  switch (found.kind) {
    case ReplyKind::answer: {
      if (is_checked(found.end_standing.security)) break;
      auto verdict = co_await judge_expansion(errand, found, *found.data);
      if (!verdict) co_return std::unexpected{std::move(verdict.error())};
      if (verdict->security == Security::bogus) co_return fault(*verdict);
      cap(*found.data, verdict->ttl);
      note(*verdict);
      found.end_standing.security = verdict->security;
      if (verdict->security == Security::secure && verdict->expanded_labels)
        found.expanded = {*verdict->expanded_labels, verdict->keys->zone()};
      break;
    }
    case ReplyKind::no_data:
    case ReplyKind::no_name: {
      auto verdict = co_await judge_denial(errand, found, question);
      if (!verdict) co_return std::unexpected{std::move(verdict.error())};
      if (verdict->security == Security::bogus) co_return fault(*verdict);
      if (found.soa) cap(*found.soa, verdict->ttl);
      note(*verdict);
      found.end_standing.security = verdict->security;
      break;
    }
    case ReplyKind::too_long:
    case ReplyKind::alias:
    case ReplyKind::referral:
    case ReplyKind::lame:
    case ReplyKind::too_large:
      break;
  }
  drop_unproven(found);
  co_return std::nullopt;
}

}  // namespace redoubt::resolver
