#include "resolver/iterate/evidence.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "dnssec/base/canonical.hpp"
#include "resolver/iterate/iterator.hpp"

namespace redoubt::resolver {

namespace {

/// The signatures over one set, of those of its owner. expanded: set when one of them has fewer labels.
SharedRRset signatures_over(const Classified& found, const dns::Name& owner, dns::RrType type, dns::Ttl ttl,
                            Instant expires, bool& expanded) {
  dns::RRset set{owner, dns::type::rrsig, dns::rr_class::in, ttl, {}};
  for (const auto rdata : signatures_at(found.signatures, owner)) {
    const auto rrsig = dnssec::Rrsig::parse(rdata);
    if (!rrsig || rrsig->covered != type) continue;
    expanded = expanded || rrsig->labels < dnssec::rrsig_labels(owner);
    set.rdata.add(rdata);
  }
  return set.rdata.empty() ? nullptr : HeldRRset::make(set, expires);
}

std::vector<SharedRRset> proof_until(const Classified& found, Instant expires) {
  std::vector<SharedRRset> proof;
  for (const dns::RRset& set : found.proof) {
    bool expanded = false;
    proof.push_back(HeldRRset::make(set, expires));
    if (auto signatures = signatures_over(found, set.owner, set.type, set.ttl, expires, expanded))
      proof.push_back(std::move(signatures));
  }
  return proof;
}

dns::RRset thawed(const HeldRRset& held, Instant now) {
  const auto left = std::chrono::floor<std::chrono::seconds>(held.expires() - now).count();
  const auto ttl = static_cast<std::uint32_t>(std::clamp<std::int64_t>(left, 0, held.ttl().seconds()));
  dns::RRset set{held.owner(), held.type(), dns::rr_class::in, dns::Ttl::from_wire(ttl), {}};
  for (const auto rdata : held.rdata()) set.rdata.add(rdata);
  return set;
}

void add_signatures(Classified& found, const HeldRRset& held) {
  const auto at = std::ranges::find(found.signatures, held.owner(), &dns::RRset::owner);
  if (at == found.signatures.end()) {
    found.signatures.push_back(thawed(held, held.expires() - std::chrono::seconds{held.ttl().seconds()}));
    return;
  }
  for (const auto rdata : held.rdata()) at->rdata.add(rdata);
}

}  // namespace

SharedEvidence evidence_of(const Classified& found, const HeldRRset& held) {
  if (found.signatures.empty()) return nullptr;
  bool expanded = false;
  Evidence evidence;
  evidence.signatures = signatures_over(found, held.owner(), held.type(), held.ttl(), held.expires(), expanded);
  if (!evidence.signatures) return nullptr;
  if (expanded) evidence.proof = proof_until(found, held.expires());
  const bool is_end = found.data && held.type() == found.data->type && held.owner() == found.data->owner;
  if (is_end) evidence.note = found.note;
  return std::make_shared<const Evidence>(std::move(evidence));
}

SharedEvidence denial_evidence_of(const Classified& found, Instant expires) {
  if (found.signatures.empty()) return nullptr;
  Evidence evidence;
  bool expanded = false;
  if (found.soa)
    evidence.signatures = signatures_over(found, found.soa->owner, found.soa->type, found.soa->ttl, expires, expanded);
  evidence.proof = proof_until(found, expires);
  evidence.note = found.note;
  return std::make_shared<const Evidence>(std::move(evidence));
}

namespace {

/// What of the proof that zone has signed.
std::vector<ProvenSpan> spans_of(const Classified& found, const dns::Name& zone, Instant now) {
  const auto end = [&](const dns::RRset& set) { return now + std::chrono::seconds{set.ttl.seconds()}; };
  std::vector<ProvenSpan> spans;
  bool expanded = false;
  for (std::size_t i = 0; i < found.proof.size() && i < found.proof_signers.size(); ++i) {
    const dns::RRset& set = found.proof[i];
    if (!found.proof_signers[i] || !(*found.proof_signers[i] == zone)) continue;
    spans.push_back(
        {HeldRRset::make(set, end(set)), signatures_over(found, set.owner, set.type, set.ttl, end(set), expanded)});
  }
  return spans;
}

}  // namespace

std::optional<ProvenWildcard> proven_wildcard_of(const Classified& found, const Classified::Expanded& expanded,
                                                 const SharedRRset& held, Instant now) {
  static constexpr std::uint8_t star = '*';
  if (held->expires() <= now) return std::nullopt;
  const auto wildcard = held->owner().suffix(expanded.labels).prepended({&star, 1});
  bool is_expanded = false;
  auto signatures = signatures_over(found, held->owner(), held->type(), held->ttl(), held->expires(), is_expanded);
  if (!wildcard || !signatures) return std::nullopt;
  return ProvenWildcard{expanded.zone, *wildcard, held, std::move(signatures), spans_of(found, expanded.zone, now)};
}

ProvenDenial proven_denial_of(const Classified& found, Instant now) {
  const auto end = [&](const dns::RRset& set) { return now + std::chrono::seconds{set.ttl.seconds()}; };
  bool expanded = false;
  const dns::RRset& soa = *found.soa;
  ProvenDenial denial{soa.owner, HeldRRset::make(soa, end(soa)),
                      signatures_over(found, soa.owner, soa.type, soa.ttl, end(soa), expanded),
                      spans_of(found, soa.owner, now)};
  return denial;
}

void add_evidence(Classified& found, const Standing& standing) {
  if (!standing.evidence) return;
  if (standing.evidence->signatures) add_signatures(found, *standing.evidence->signatures);
  for (const SharedRRset& held : standing.evidence->proof) {
    if (held->type() == dns::type::rrsig) {
      add_signatures(found, *held);
    } else {
      found.proof.push_back(thawed(*held, held->expires() - std::chrono::seconds{held->ttl().seconds()}));
    }
  }
}

std::optional<Classified> classified(const Found& found, const dns::Question& question, Instant now) {
  Classified out;
  out.end = question.name;
  out.authoritative = found.rank == Rank::authoritative_answer;
  switch (found.kind) {
    case EntryKind::data:
      out.kind = ReplyKind::answer;
      out.data = thawed(*found.rrset, now);
      break;
    case EntryKind::no_data:
    case EntryKind::no_name:
      out.kind = found.kind == EntryKind::no_data ? ReplyKind::no_data : ReplyKind::no_name;
      if (found.rrset) out.soa = thawed(*found.rrset, now);
      break;
    case EntryKind::failure:
      return std::nullopt;
  }
  add_evidence(out, found.standing);
  return out;
}

/// Records that the validator needs: from the cache, unchecked as they may be, or from servers. What servers say is
/// kept as it is; the validator remembers what it makes of it.
Task<Finding> Iterator::fetch(const Errand& errand, dns::Question question, Source source,
                              std::optional<dns::IpAddress> not_from) {
  const Instant now = clock_->now();
  if (source == Source::cache_or_servers) {
    const auto found = shared_->cache.find(question.name, question.type, now);
    if (found && found->kind == EntryKind::failure && !is_of_checking(*found)) {
      tell(errand, TraceKind::cache, question,
           [&] { return fmt::format("a failure that is remembered: {}", found->error->text); });
      co_return std::unexpected{Failure{*found->error}};
    }
    if (found) {
      if (auto known = classified(*found, question, now)) {
        tell(errand, TraceKind::cache, question, [] { return std::string{"known"}; });
        co_return *std::move(known);
      }
    }
  }
  Errand below{errand.settings, errand.budget, question, &errand, errand.depth + 1, source == Source::servers};
  below.not_from = not_from;
  if (!errand.budget.spend(Limit::nested_questions))
    co_return std::unexpected{Failure{{dns::EdeCode::other, "not asked any more"}, FailureScope::asker}};
  auto found = co_await walk(below);
  if (!found) {
    fail(below, found.error());
    co_return std::unexpected{std::move(found.error())};
  }
  Outcome scratch;
  const dns::Question end{found->end, question.type};
  Classified kept = *found;
  take(std::move(kept), end, below, scratch);
  co_return *std::move(found);
}

/// What servers say, validated if the errand wants that; asked for once more, elsewhere, when it is bogus.
Task<Finding> Iterator::walk_and_check(const Errand& errand) {
  auto found = co_await walk(errand);
  if (!found) co_return found;
  const dns::Question end{found->end, errand.question.type};
  auto fault = co_await validator_.judge(errand, *found, end);
  if (!fault) co_return std::unexpected{std::move(fault.error())};
  if (!*fault) co_return found;
  const auto failure_of = [&errand](Validator::Fault& one) {
    if (one.cut_by) return not_checked(errand.budget, *one.cut_by, std::move(one.reason));
    Failure why{{one.reason.code, std::move(one.reason.text)}};
    why.is_bogus = true;
    return why;
  };
  if (!(*fault)->may_be_the_servers || errand.budget.exhausted()) co_return std::unexpected{failure_of(**fault)};
  Errand again = errand;
  again.renews = true;
  again.is_new = false;
  again.not_from = found->from.value_or(dns::IpAddress{});
  auto second = co_await walk(again);
  if (!second) co_return std::unexpected{failure_of(**fault)};
  const dns::Question second_end{second->end, errand.question.type};
  auto second_fault = co_await validator_.judge(again, *second, second_end);
  if (!second_fault) co_return std::unexpected{std::move(second_fault.error())};
  if (!*second_fault) co_return second;
  // The first one's was looked at to its end: that the second one's was one check too many says nothing of it.
  const std::optional<Limit> cut = (*second_fault)->cut_by;
  if (!(*fault)->cut_by && cut && is_of_candidates(*cut)) (*fault)->cut_by = cut;
  co_return std::unexpected{failure_of(**fault)};
}

void Iterator::keep_ds(const Classified& found, Instant expires, const Settings& settings) {
  const Instant now = clock_->now();
  if (found.ds) {
    dns::RRset ds = *found.ds;
    ds.ttl = ds.ttl.capped(settings.min_ttl, settings.max_ttl);
    const Instant end = std::min(expires, now + std::chrono::seconds{ds.ttl.seconds()});
    const SharedRRset held = HeldRRset::make(ds, end);
    shared_->cache.store_data(held, Rank::authority, now, nullptr,
                              {.security = Security::indeterminate, .evidence = evidence_of(found, *held)});
  } else if (!found.proof.empty()) {
    dns::Ttl ttl = settings.negative_max_ttl;
    for (const dns::RRset& set : found.proof) ttl = std::min(ttl, set.ttl);
    const Instant end = std::min(expires, now + std::chrono::seconds{ttl.seconds()});
    shared_->cache.store_denial(found.cut, dns::type::ds, nullptr, Rank::authority, end, now,
                                {.security = Security::indeterminate, .evidence = denial_evidence_of(found, end)});
  }
}

}  // namespace redoubt::resolver
