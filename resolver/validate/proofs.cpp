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

/// What maps, lists and counters add to one thing that is kept, near enough.
constexpr std::uint64_t administration = 160;

std::uint64_t octets_of(const SharedRRset& held) { return held ? held->octets() : 0; }

SharedRRset until(const SharedRRset& held, Instant end) {
  if (!held || held->expires() <= end) return held;
  dns::RRset set{held->owner(), held->type(), dns::rr_class::in, held->ttl(), {}};
  for (const auto rdata : held->rdata()) set.rdata.add(rdata);
  return HeldRRset::make(set, end);
}

/// A set under another name, which ends then.
SharedRRset renamed(const HeldRRset& held, const dns::Name& owner, Instant end) {
  dns::RRset set{owner, held.type(), dns::rr_class::in, held.ttl(), {}};
  for (const auto rdata : held.rdata()) set.rdata.add(rdata);
  return HeldRRset::make(set, end);
}

std::string wildcard_key(const dns::Name& wildcard, dns::RrType type) {
  std::string key = order_key(wildcard);
  key += static_cast<char>(type.value >> 8);
  key += static_cast<char>(type.value & 0xff);
  return key;
}

}  // namespace

/// Copied out under the lock; judged outside of it.
struct Proofs::Candidates {
  dns::Name zone;
  SharedRRset soa;
  SharedRRset soa_signatures;
  std::vector<ProvenSpan> spans{};

  void add(const ProvenSpan* span) {
    if (span == nullptr) return;
    const auto same = [&](const ProvenSpan& one) { return one.record == span->record; };
    if (std::ranges::none_of(spans, same)) spans.push_back(*span);
  }
  std::vector<dnssec::DenialRecord> records() const {
    std::vector<dnssec::DenialRecord> records;
    for (const ProvenSpan& span : spans)
      records.push_back({span.record->owner(), span.record->type(), span.record->rdata().front()});
    return records;
  }
};

std::uint64_t Proofs::Zone::octets() const {
  return sizeof(dns::Name) + sizeof(Zone) + administration + redoubt::resolver::octets_of(soa) +
         redoubt::resolver::octets_of(soa_signatures) + parameters.salt.size();
}

std::uint64_t Proofs::octets_of(const std::string& key, const Kept& kept) {
  return sizeof(Kept) + sizeof(Place) + 2 * key.size() + administration +
         redoubt::resolver::octets_of(kept.span.record) + redoubt::resolver::octets_of(kept.span.signatures);
}

const ProvenSpan* Proofs::at_or_before(const Spans& spans, const std::string& key, bool wraps, Instant now) {
  if (spans.empty()) return nullptr;
  auto at = spans.upper_bound(key);
  if (at == spans.begin() && !wraps) return nullptr;
  at = std::prev(at == spans.begin() ? spans.end() : at);
  return at->second.span.record->expires() > now ? &at->second.span : nullptr;
}

void Proofs::drop(Zone& zone, Kind kind) {
  Spans& spans = zone.of(kind);
  for (const auto& [key, kept] : spans) {
    octets_ -= octets_of(key, kept);
    order_.erase(kept.place);
  }
  spans.clear();
}

void Proofs::drop_if_empty(const dns::Name& name) {
  const auto at = zones_.find(name);
  if (at == zones_.end() || !at->second.is_empty()) return;
  octets_ -= at->second.octets();
  zones_.erase(at);
}

void Proofs::forget_oldest() {
  const Place oldest = order_.back();
  Spans& spans = zones_.find(oldest.zone)->second.of(oldest.kind);
  const auto at = spans.find(oldest.key);
  octets_ -= octets_of(at->first, at->second);
  spans.erase(at);
  order_.pop_back();
  drop_if_empty(oldest.zone);
}

void Proofs::make_room() {
  while (octets_ > most_octets_ && !order_.empty()) forget_oldest();
}

void Proofs::put(const dns::Name& name, Zone& zone, Kind kind, std::string key, ProvenSpan span) {
  Spans& spans = zone.of(kind);
  if (const auto old = spans.find(key); old != spans.end()) {
    order_.splice(order_.begin(), order_, old->second.place);
    octets_ -= octets_of(old->first, old->second);
    old->second.span = std::move(span);
    octets_ += octets_of(old->first, old->second);
    return;
  }
  if (spans.size() >= max_spans_of_zone) drop(zone, kind);  // made as it is asked, most likely: of no use here
  order_.push_front({name, kind, key});
  const auto at = spans.emplace(std::move(key), Kept{std::move(span), order_.begin()}).first;
  octets_ += octets_of(at->first, at->second);
}

void Proofs::put_spans(const dns::Name& name, Zone& zone, const std::vector<ProvenSpan>& spans, Instant end) {
  for (const ProvenSpan& span : spans) {
    if (!span.record || !span.signatures) continue;
    const ProvenSpan kept{until(span.record, end), until(span.signatures, end)};
    if (span.record->type() == dns::type::nsec) {
      put(name, zone, Kind::nsec, order_key(span.record->owner()), kept);
      continue;
    }
    const auto nsec3 = dnssec::Nsec3::parse(span.record->rdata().front());
    const auto hash = dnssec::hash_of_owner(span.record->owner());
    if (!nsec3 || !hash || nsec3->is_opt_out() || nsec3->iterations > max_iterations ||
        nsec3->salt.size() > max_salt_octets)
      continue;
    Parameters parameters{{nsec3->salt.begin(), nsec3->salt.end()}, nsec3->iterations};
    if (!(parameters == zone.parameters)) drop(zone, Kind::nsec3);
    octets_ -= zone.octets();
    zone.parameters = std::move(parameters);
    octets_ += zone.octets();
    put(name, zone, Kind::nsec3, hash_key(*hash), kept);
  }
}

void Proofs::learn(const ProvenDenial& denial, Instant now) {
  if (!denial.soa || !denial.soa_signatures) return;
  const auto end = end_of_denials(*denial.soa, now);
  if (!end || *end <= now) return;
  const std::lock_guard guard{lock_};
  const auto [at, is_new] = zones_.try_emplace(denial.zone);
  Zone& zone = at->second;
  if (!is_new) octets_ -= zone.octets();
  zone.soa = until(denial.soa, *end);
  zone.soa_signatures = until(denial.soa_signatures, *end);
  octets_ += zone.octets();
  put_spans(denial.zone, zone, denial.spans, *end);
  drop_if_empty(denial.zone);
  make_room();
}

void Proofs::learn(const ProvenWildcard& wildcard, Instant now) {
  if (!wildcard.data || !wildcard.signatures || wildcard.data->expires() <= now) return;
  const std::lock_guard guard{lock_};
  const auto [at, is_new] = zones_.try_emplace(wildcard.zone);
  if (is_new) octets_ += at->second.octets();
  // No SOA came with them to say how long denials hold: no longer than the answer that they came with.
  put_spans(wildcard.zone, at->second, wildcard.spans, wildcard.data->expires());
  put(wildcard.zone, at->second, Kind::wildcard, wildcard_key(wildcard.wildcard, wildcard.data->type()),
      {wildcard.data, wildcard.signatures});
  make_room();
}

void Proofs::resize(std::uint64_t octets) {
  const std::lock_guard guard{lock_};
  most_octets_ = octets;
  make_room();
}

void Proofs::gather_by_name(const Zone& zone, const dns::Name& name, Instant now, Candidates& out) {
  const Spans& spans = zone.of(Kind::nsec);
  const ProvenSpan* covering = at_or_before(spans, order_key(name), false, now);
  if (covering == nullptr) return;
  out.add(covering);
  const auto nsec = dnssec::Nsec::parse(covering->record->rdata().front());
  if (!nsec || covering->record->owner() == name) return;
  const std::size_t shared =
      std::max(dnssec::common_labels(name, covering->record->owner()), dnssec::common_labels(name, nsec->next));
  const dns::Name encloser = name.suffix(std::max(shared, out.zone.label_count()));
  out.add(at_or_before(spans, order_key(wildcard_below(encloser)), false, now));
}

void Proofs::gather_by_hash(const dns::Name& name, const Parameters& parameters, Instant now, Candidates& out) {
  if (name.label_count() > out.zone.label_count() + max_hashed_labels) return;
  dnssec::Nsec3Hasher hasher{parameters.salt, parameters.iterations};
  // Copied: behind the lock it may go at any time.
  const auto look = [&](const dns::Name& at) -> std::optional<std::pair<ProvenSpan, bool>> {
    const auto hash = hasher.hash(at);
    if (!hash) return std::nullopt;
    const std::lock_guard guard{lock_};
    const auto zone = zones_.find(out.zone);
    if (zone == zones_.end() || !(zone->second.parameters == parameters)) return std::nullopt;
    const ProvenSpan* span = at_or_before(zone->second.of(Kind::nsec3), hash_key(*hash), true, now);
    if (span == nullptr) return std::pair{ProvenSpan{}, false};
    return std::pair{*span, dnssec::hash_of_owner(span->record->owner()) == hash};
  };
  ProvenSpan next_closer;
  for (dns::Name at = name; at.is_at_or_below(out.zone); at = at.parent()) {
    const auto found = look(at);
    if (!found) return;
    if (found->second) {
      out.add(&found->first);
      if (at == name) return;
      if (next_closer.record) out.add(&next_closer);
      const auto wildcard = look(wildcard_below(at));
      if (wildcard && wildcard->first.record) out.add(&wildcard->first);
      return;
    }
    next_closer = found->first;
    if (at.is_root()) return;
  }
}

Proofs::Zones::iterator Proofs::zone_above(const dns::Name& name) {
  for (std::size_t labels = name.label_count() + 1; labels-- > 0;) {
    if (const auto at = zones_.find(name.suffix(labels)); at != zones_.end()) return at;
  }
  return zones_.end();
}

std::optional<Proofs::Candidates> Proofs::candidates(const dns::Question& question, Instant now) {
  std::unique_lock guard{lock_};
  if (zones_.empty()) return std::nullopt;
  const auto at = zone_above(question.name);
  if (at == zones_.end()) return std::nullopt;
  const Zone& zone = at->second;
  if (!zone.soa || zone.soa->expires() <= now) return std::nullopt;
  Candidates out{at->first, zone.soa, zone.soa_signatures};
  gather_by_name(zone, question.name, now, out);
  if (out.spans.empty() && !zone.of(Kind::nsec3).empty()) {
    const Parameters parameters = zone.parameters;
    guard.unlock();
    gather_by_hash(question.name, parameters, now, out);
  }
  if (out.spans.empty()) return std::nullopt;
  return out;
}

std::optional<Proofs::Denial> Proofs::deny(const dns::Question& question, Instant now) {
  const auto found = candidates(question, now);
  if (!found) return std::nullopt;
  const auto records = found->records();
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

/// The wildcard nearest to the name, and the spans that may show that nothing is nearer. labels: of the wildcard's
/// owner without its asterisk.
SharedRRset Proofs::wildcard_for(const dns::Question& question, Instant now, Candidates& out, std::size_t& labels,
                                 SharedRRset& signatures) {
  std::unique_lock guard{lock_};
  if (zones_.empty()) return nullptr;
  const auto at = zone_above(question.name);
  if (at == zones_.end() || at->second.of(Kind::wildcard).empty()) return nullptr;
  const Zone& zone = at->second;
  out.zone = at->first;
  for (labels = question.name.label_count(); labels-- > out.zone.label_count();) {
    const auto kept =
        zone.of(Kind::wildcard).find(wildcard_key(wildcard_below(question.name.suffix(labels)), question.type));
    if (kept == zone.of(Kind::wildcard).end() || kept->second.span.record->expires() <= now) continue;
    const SharedRRset data = kept->second.span.record;
    signatures = kept->second.span.signatures;
    out.add(at_or_before(zone.of(Kind::nsec), order_key(question.name), false, now));
    if (!out.spans.empty() || zone.of(Kind::nsec3).empty()) return data;
    const Parameters parameters = zone.parameters;
    guard.unlock();
    const auto hash =
        dnssec::Nsec3Hasher{parameters.salt, parameters.iterations}.hash(question.name.suffix(labels + 1));
    guard.lock();
    const auto again = zones_.find(out.zone);
    if (!hash || again == zones_.end() || !(again->second.parameters == parameters)) return nullptr;
    out.add(at_or_before(again->second.of(Kind::nsec3), hash_key(*hash), true, now));
    return data;
  }
  return nullptr;
}

std::optional<Proofs::Expansion> Proofs::expand(const dns::Question& question, Instant now) {
  Candidates found;
  std::size_t labels = 0;
  SharedRRset signatures;
  const SharedRRset wildcard = wildcard_for(question, now, found, labels, signatures);
  if (!wildcard || found.spans.empty()) return std::nullopt;
  const auto records = found.records();
  Allowance allowance;
  const dnssec::CandidateLimits limits;
  dnssec::Prover prover{found.zone, records, limits, allowance};
  if (prover.expansion(question.name, static_cast<std::uint8_t>(labels)).security != Security::secure)
    return std::nullopt;
  Instant end = std::min(wildcard->expires(), signatures->expires());
  Evidence evidence;
  for (const ProvenSpan& span : found.spans) {
    end = std::min(end, span.record->expires());
    evidence.proof.push_back(span.record);
    evidence.proof.push_back(span.signatures);
  }
  evidence.signatures = renamed(*signatures, question.name, end);
  return Expansion{renamed(*wildcard, question.name, end), std::make_shared<const Evidence>(std::move(evidence)),
                   found.zone};
}

void Proofs::clear() {
  const std::lock_guard guard{lock_};
  zones_.clear();
  order_.clear();
  octets_ = 0;
}

std::size_t Proofs::spans() const {
  const std::lock_guard guard{lock_};
  return order_.size();
}

std::uint64_t Proofs::octets() const {
  const std::lock_guard guard{lock_};
  return octets_;
}

}  // namespace redoubt::resolver
