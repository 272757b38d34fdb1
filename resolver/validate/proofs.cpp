#include "resolver/validate/proofs.hpp"

#include <algorithm>

#include "dns/rdata.hpp"
#include "resolver/validate/proof_keys.hpp"

namespace redoubt::resolver {

namespace {

constexpr std::uint16_t max_iterations = 1;
constexpr std::size_t max_salt_octets = 16;

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

}  // namespace

std::uint64_t Proofs::Zone::octets() const {
  return dns::max_name_octets + sizeof(Zone) + administration + redoubt::resolver::octets_of(soa) +
         redoubt::resolver::octets_of(soa_signatures) + parameters.salt.size() + enclosers.size() * sizeof(Encloser);
}

std::uint64_t Proofs::octets_of(const std::string& key, const Kept& kept) {
  return sizeof(Kept) + sizeof(Place) + dns::max_name_octets + 2 * key.size() + administration +
         redoubt::resolver::octets_of(kept.span.record) + redoubt::resolver::octets_of(kept.span.signatures);
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
    const auto row = dnssec::Nsec3Row::of(name, span.record->owner(), span.record->rdata().front());
    if (!row || row->nsec3.is_opt_out() || row->nsec3.iterations > max_iterations ||
        row->nsec3.salt.size() > max_salt_octets)
      continue;
    Parameters parameters{{row->nsec3.salt.begin(), row->nsec3.salt.end()}, row->nsec3.iterations};
    if (!(parameters == zone.parameters)) {
      drop(zone, Kind::nsec3);
      octets_ -= zone.octets();
      zone.enclosers.clear();
      zone.parameters = std::move(parameters);
      octets_ += zone.octets();
    }
    put(name, zone, Kind::nsec3, std::string{hash_key(row->hash)}, kept);
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
