#include "resolver/validate/proofs.hpp"

#include <algorithm>

#include "dns/rdata.hpp"
#include "dnssec/base/canonical.hpp"
#include "dnssec/verify/denial.hpp"

namespace redoubt::resolver {

namespace {

/// SHA-1 blocks of one look-up: enough for a name a few labels below an apex without iterations, which is what zones
/// are to have (RFC 9276 §3.1).
constexpr std::uint64_t max_blocks = 20;
constexpr std::uint16_t max_iterations = 1;
constexpr std::size_t max_salt_octets = 16;
/// Labels between a name and its zone that are looked at by hash.
constexpr std::size_t max_hashed_labels = 4;

class Allowance final : public dnssec::Effort {
 public:
  bool spend(dnssec::Work work, std::uint64_t amount) override {
    if (work != dnssec::Work::hash_block || amount > left_) return false;
    left_ -= amount;
    return true;
  }

 private:
  std::uint64_t left_ = max_blocks;
};

std::string order_key(const dns::Name& name) {
  std::string key;
  dnssec::append_order_key(key, name.wire());
  return key;
}

std::string hash_key(const dnssec::Nsec3Hash& hash) { return {hash.begin(), hash.end()}; }

dns::Name wildcard_below(const dns::Name& encloser) {
  static constexpr std::uint8_t star = '*';
  return encloser.prepended({&star, 1}).value_or(encloser);
}

/// RFC 9077 §3: no longer than the SOA lets denials live.
std::optional<Instant> end_of_denials(const HeldRRset& soa, Instant now) {
  const auto parsed = dns::parse_soa(soa.rdata().front());
  if (!parsed) return std::nullopt;
  return std::min(soa.expires(), now + std::chrono::seconds{parsed->minimum});
}

SharedRRset until(const SharedRRset& held, Instant end) {
  if (!held || held->expires() <= end) return held;
  dns::RRset set{held->owner(), held->type(), dns::rr_class::in, held->ttl(), {}};
  for (const auto rdata : held->rdata()) set.rdata.add(rdata);
  return HeldRRset::make(set, end);
}

}  // namespace

/// Copied out under the lock; judged outside of it.
struct Proofs::Candidates {
  dns::Name zone;
  SharedRRset soa;
  SharedRRset soa_signatures;
  std::vector<ProvenSpan> spans;

  void add(const ProvenSpan* span) {
    if (span == nullptr) return;
    const auto same = [&](const ProvenSpan& one) { return one.record == span->record; };
    if (std::ranges::none_of(spans, same)) spans.push_back(*span);
  }
};

const ProvenSpan* Proofs::at_or_before(const Spans& spans, const std::string& key, bool wraps, Instant now) {
  if (spans.empty()) return nullptr;
  auto at = spans.upper_bound(key);
  if (at == spans.begin() && !wraps) return nullptr;
  at = std::prev(at == spans.begin() ? spans.end() : at);
  return at->second.span.record->expires() > now ? &at->second.span : nullptr;
}

void Proofs::drop(Zone& zone, bool is_hashed) {
  Spans& spans = is_hashed ? zone.nsec3 : zone.nsec;
  for (const auto& [key, kept] : spans) order_.erase(kept.place);
  spans.clear();
}

void Proofs::forget_oldest() {
  const Place& oldest = order_.back();
  const auto at = zones_.find(oldest.zone);
  Zone& zone = at->second;
  (oldest.is_hashed ? zone.nsec3 : zone.nsec).erase(oldest.key);
  order_.pop_back();
  if (zone.nsec.empty() && zone.nsec3.empty()) zones_.erase(at);
}

void Proofs::put(const dns::Name& name, Zone& zone, bool is_hashed, std::string key, ProvenSpan span) {
  Spans& spans = is_hashed ? zone.nsec3 : zone.nsec;
  if (const auto old = spans.find(key); old != spans.end()) {
    order_.splice(order_.begin(), order_, old->second.place);
    old->second.span = std::move(span);
    return;
  }
  if (spans.size() >= max_spans_of_zone) drop(zone, is_hashed);  // made as it is asked, most likely: of no use here
  order_.push_front({name, is_hashed, key});
  spans.emplace(std::move(key), Kept{std::move(span), order_.begin()});
}

void Proofs::learn(const ProvenDenial& denial, Instant now) {
  if (!denial.soa || !denial.soa_signatures) return;
  const auto end = end_of_denials(*denial.soa, now);
  if (!end || *end <= now) return;
  const std::lock_guard guard{lock_};
  Zone& zone = zones_[denial.zone];
  zone.soa = until(denial.soa, *end);
  zone.soa_signatures = until(denial.soa_signatures, *end);
  for (const ProvenSpan& span : denial.spans) {
    if (!span.record || !span.signatures) continue;
    const ProvenSpan kept{until(span.record, *end), until(span.signatures, *end)};
    if (span.record->type() == dns::type::nsec) {
      put(denial.zone, zone, false, order_key(span.record->owner()), kept);
      continue;
    }
    const auto nsec3 = dnssec::Nsec3::parse(span.record->rdata().front());
    const auto hash = dnssec::hash_of_owner(span.record->owner());
    if (!nsec3 || !hash || nsec3->is_opt_out() || nsec3->iterations > max_iterations ||
        nsec3->salt.size() > max_salt_octets)
      continue;
    Parameters parameters{{nsec3->salt.begin(), nsec3->salt.end()}, nsec3->iterations};
    if (!(parameters == zone.parameters)) drop(zone, true);
    zone.parameters = std::move(parameters);
    put(denial.zone, zone, true, hash_key(*hash), kept);
  }
  if (zone.nsec.empty() && zone.nsec3.empty()) zones_.erase(denial.zone);
  while (order_.size() > max_spans) forget_oldest();
}

void Proofs::gather_by_name(const Zone& zone, const dns::Name& apex, const dns::Name& name, Instant now,
                            Candidates& out) {
  const ProvenSpan* covering = at_or_before(zone.nsec, order_key(name), false, now);
  if (covering == nullptr) return;
  out.add(covering);
  const auto nsec = dnssec::Nsec::parse(covering->record->rdata().front());
  if (!nsec || covering->record->owner() == name) return;
  const std::size_t shared =
      std::max(dnssec::common_labels(name, covering->record->owner()), dnssec::common_labels(name, nsec->next));
  const dns::Name encloser = name.suffix(std::max(shared, apex.label_count()));
  out.add(at_or_before(zone.nsec, order_key(wildcard_below(encloser)), false, now));
}

void Proofs::gather_by_hash(const Zone& zone, const dns::Name& apex, const dns::Name& name, Instant now,
                            Candidates& out) {
  if (name.label_count() > apex.label_count() + max_hashed_labels) return;
  dnssec::Nsec3Hasher hasher{zone.parameters.salt, zone.parameters.iterations};
  const ProvenSpan* next_closer = nullptr;
  for (dns::Name at = name; at.is_at_or_below(apex); at = at.parent()) {
    const auto hash = hasher.hash(at);
    if (!hash) return;
    const std::string key = hash_key(*hash);
    const ProvenSpan* span = at_or_before(zone.nsec3, key, true, now);
    if (span != nullptr && dnssec::hash_of_owner(span->record->owner()) == hash) {
      out.add(span);
      if (at == name) return;
      out.add(next_closer);
      if (const auto wildcard = hasher.hash(wildcard_below(at)))
        out.add(at_or_before(zone.nsec3, hash_key(*wildcard), true, now));
      return;
    }
    next_closer = span;
    if (at.is_root()) return;
  }
}

std::optional<Proofs::Candidates> Proofs::candidates(const dns::Question& question, Instant now) {
  const std::lock_guard guard{lock_};
  if (zones_.empty()) return std::nullopt;
  for (std::size_t labels = question.name.label_count() + 1; labels-- > 0;) {
    const dns::Name apex = question.name.suffix(labels);
    const auto at = zones_.find(apex);
    if (at == zones_.end()) continue;
    const Zone& zone = at->second;
    if (zone.soa->expires() <= now) return std::nullopt;
    Candidates out{apex, zone.soa, zone.soa_signatures, {}};
    gather_by_name(zone, apex, question.name, now, out);
    if (out.spans.empty() && !zone.nsec3.empty()) gather_by_hash(zone, apex, question.name, now, out);
    if (out.spans.empty()) return std::nullopt;
    return out;
  }
  return std::nullopt;
}

std::optional<Proofs::Denial> Proofs::deny(const dns::Question& question, Instant now) {
  const auto found = candidates(question, now);
  if (!found) return std::nullopt;
  std::vector<dnssec::DenialRecord> records;
  for (const ProvenSpan& span : found->spans)
    records.push_back({span.record->owner(), span.record->type(), span.record->rdata().front()});
  Allowance allowance;
  const dnssec::CandidateLimits limits;
  dnssec::Prover prover{found->zone, records, limits, allowance};
  const bool is_there = found->spans.front().record->owner() == question.name;
  Denial denial;
  denial.no_name = !is_there && prover.no_name(question.name).security == Security::secure;
  if (!denial.no_name && prover.no_data(question.name, question.type).security != Security::secure) return std::nullopt;
  denial.soa = found->soa;
  denial.expires = found->soa->expires();
  Evidence evidence;
  evidence.signatures = found->soa_signatures;
  for (const ProvenSpan& span : found->spans) {
    denial.expires = std::min(denial.expires, span.record->expires());
    evidence.proof.push_back(span.record);
    evidence.proof.push_back(span.signatures);
  }
  denial.evidence = std::make_shared<const Evidence>(std::move(evidence));
  return denial;
}

void Proofs::clear() {
  const std::lock_guard guard{lock_};
  zones_.clear();
  order_.clear();
}

std::size_t Proofs::spans() const {
  const std::lock_guard guard{lock_};
  return order_.size();
}

}  // namespace redoubt::resolver
