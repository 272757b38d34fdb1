// What known proofs say of a name that nobody has asked for yet (RFC 8198).
#include <algorithm>

#include "dnssec/verify/denial.hpp"
#include "resolver/validate/proof_keys.hpp"
#include "resolver/validate/proofs.hpp"

namespace redoubt::resolver {

namespace {

/// SHA-1 blocks of one look-up: enough for a name a few labels below an apex without iterations, which is what zones
/// are to have (RFC 9276 §3.1).
constexpr std::uint64_t max_blocks = 20;
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

dns::Name wildcard_below(const dns::Name& encloser) {
  static constexpr std::uint8_t star = '*';
  return encloser.prepended({&star, 1}).value_or(encloser);
}

/// A set under another name, which ends then.
SharedRRset renamed(const HeldRRset& held, const dns::Name& owner, Instant end) {
  dns::RRset set{owner, held.type(), dns::rr_class::in, held.ttl(), {}};
  for (const auto rdata : held.rdata()) set.rdata.add(rdata);
  return HeldRRset::make(set, end);
}

}  // namespace

/// Copied out under the lock; judged outside of it.
struct Proofs::Candidates {
  dns::Name zone;
  SharedRRset soa;
  SharedRRset soa_signatures;
  std::vector<ProvenSpan> spans{};
  std::vector<dnssec::Nsec3Row> rows{};     ///< of those that are NSEC3; views into them
  std::vector<dnssec::KnownHash> hashes{};  ///< of the names that rows were looked for by
  bool is_there = false;                    ///< the first span is the name's own

  bool add(const ProvenSpan* span) {
    if (span == nullptr) return false;
    const auto same = [&](const ProvenSpan& one) { return one.record == span->record; };
    if (std::ranges::any_of(spans, same)) return false;
    spans.push_back(*span);
    return true;
  }
  void add(const Hashed& found) {
    if (!add(&found.span)) return;
    if (const auto row = dnssec::Nsec3Row::of(found.owner, found.span.record->rdata().front())) rows.push_back(*row);
  }
  std::vector<dnssec::DenialRecord> records() const {
    std::vector<dnssec::DenialRecord> records;
    for (const ProvenSpan& span : spans)
      records.push_back({span.record->owner(), span.record->type(), span.record->rdata().front()});
    return records;
  }
};

const Proofs::Kept* Proofs::at_or_before(const Spans& spans, std::string_view key, bool wraps, Instant now) {
  if (spans.empty()) return nullptr;
  auto at = spans.upper_bound(key);
  if (at == spans.begin() && !wraps) return nullptr;
  at = std::prev(at == spans.begin() ? spans.end() : at);
  return at->second.span.record->expires() > now ? &at->second : nullptr;
}

void Proofs::gather_by_name(const Zone& zone, const dns::Name& name, Instant now, Candidates& out) {
  const Spans& spans = zone.of(Kind::nsec);
  const Kept* covering = at_or_before(spans, order_key(name), false, now);
  if (covering == nullptr) return;
  out.add(&covering->span);
  const HeldRRset& record = *covering->span.record;
  const dns::Name owner = record.owner();
  out.is_there = owner == name;
  const auto nsec = dnssec::Nsec::parse(record.rdata().front());
  if (!nsec || out.is_there) return;
  const std::size_t shared = std::max(dnssec::common_labels(name, owner), dnssec::common_labels(name, nsec->next));
  const dns::Name encloser = name.suffix(std::max(shared, out.zone.label_count()));
  if (const Kept* wildcard = at_or_before(spans, order_key(wildcard_below(encloser)), false, now))
    out.add(&wildcard->span);
}

std::optional<Proofs::Hashed> Proofs::find_by_hash(const dns::Name& name, const dnssec::Nsec3Hasher& hasher,
                                                   Instant now, Candidates& out) {
  if (std::ranges::find(out.hashes, name, &dnssec::KnownHash::name) == out.hashes.end()) {
    const auto made = hasher.hash(name);
    if (!made) return std::nullopt;
    out.hashes.push_back({name, *made});
  }
  const dnssec::Nsec3Hash hash = std::ranges::find(out.hashes, name, &dnssec::KnownHash::name)->hash;
  const std::lock_guard guard{lock_};
  const auto zone = zones_.find(out.zone);
  if (zone == zones_.end() || !zone->second.is_hashed_by(hasher)) return std::nullopt;
  const Kept* kept = at_or_before(zone->second.of(Kind::nsec3), hash_key(hash), true, now);
  if (kept == nullptr) return Hashed{};
  Hashed found{.span = kept->span};
  std::ranges::copy(kept->place->key, found.owner.begin());
  found.is_match = found.owner == hash;
  return found;
}

void Proofs::gather_by_hash(const dns::Name& name, const dnssec::Nsec3Hasher& hasher, Instant now, Candidates& out) {
  if (name.label_count() > out.zone.label_count() + max_hashed_labels) return;
  Hashed next_closer;
  for (dns::Name at = name; at.is_at_or_below(out.zone); at = at.parent()) {
    auto found = find_by_hash(at, hasher, now, out);
    if (!found) return;
    if (found->is_match) {
      out.add(*found);
      if (at == name) {
        out.is_there = true;
        return;
      }
      if (next_closer.span.record) out.add(next_closer);
      const dns::Name star = wildcard_below(at);
      const auto wildcard = find_by_hash(star, hasher, now, out);
      if (wildcard && wildcard->span.record) out.add(*wildcard);
      return remember_encloser(at, star, out);
    }
    next_closer = *std::move(found);
    if (at.is_root()) return;
  }
}

/// The names that nobody has in a zone have few closest enclosers, most often its apex: these are hashed once.
void Proofs::remember_encloser(const dns::Name& encloser, const dns::Name& star, const Candidates& found) {
  const auto hash = [&](const dns::Name& name) {
    const auto at = std::ranges::find(found.hashes, name, &dnssec::KnownHash::name);
    return at == found.hashes.end() ? std::nullopt : std::optional{at->hash};
  };
  const auto own = hash(encloser);
  const auto below = hash(star);
  if (!own || !below) return;
  const std::lock_guard guard{lock_};
  const auto zone = zones_.find(found.zone);
  if (zone == zones_.end()) return;
  octets_ -= zone->second.octets();
  zone->second.remember({encloser, *own, *below});
  octets_ += zone->second.octets();
}

void Proofs::Zone::remember(Encloser encloser) {
  if (std::ranges::find(enclosers, encloser.name, &Encloser::name) != enclosers.end()) return;
  if (enclosers.size() == max_enclosers) enclosers.pop_back();
  enclosers.insert(enclosers.begin(), std::move(encloser));
}

std::vector<dnssec::KnownHash> Proofs::Zone::known_above(const dns::Name& name) const {
  std::vector<dnssec::KnownHash> known;
  known.reserve(2 * enclosers.size() + 1 + max_hashed_labels);
  for (const Encloser& one : enclosers) {
    if (!name.is_strictly_below(one.name)) continue;
    known.push_back({one.name, one.hash});
    known.push_back({wildcard_below(one.name), one.star});
  }
  return known;
}

const Proofs::Kept* Proofs::Zone::wildcard_at(const dns::Name& wildcard, dns::RrType type, Instant now) const {
  const Spans& known = of(Kind::wildcard);
  for (const dns::RrType one : {type, dns::type::cname}) {
    const auto at = known.find(wildcard_key(wildcard, one));
    if (at != known.end() && at->second.span.record->expires() > now) return &at->second;
  }
  return nullptr;
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
  out.spans.reserve(3);
  gather_by_name(zone, question.name, now, out);
  if (out.spans.empty() && !zone.of(Kind::nsec3).empty()) {
    const dnssec::Nsec3Hasher hasher{zone.parameters.salt, zone.parameters.iterations};
    out.hashes = zone.known_above(question.name);
    guard.unlock();
    out.rows.reserve(3);
    gather_by_hash(question.name, hasher, now, out);
  }
  if (out.spans.empty()) return std::nullopt;
  return out;
}

std::optional<bool> Proofs::denied(const dns::Question& question, const Candidates& found) {
  Allowance allowance;
  const dnssec::CandidateLimits limits;
  const auto by = [&](auto&& prover) -> std::optional<bool> {
    if (!found.is_there && prover.no_name(question.name).security == Security::secure) return true;
    if (prover.no_data(question.name, question.type).security == Security::secure) return false;
    return std::nullopt;
  };
  if (!found.rows.empty()) return by(dnssec::Nsec3Prover{found.zone, found.rows, found.hashes, limits, allowance});
  const auto records = found.records();
  return by(dnssec::Prover{found.zone, records, limits, allowance});
}

std::optional<Proofs::Denial> Proofs::deny(const dns::Question& question, Instant now) {
  const auto found = candidates(question, now);
  if (!found) return std::nullopt;
  const auto no_name = denied(question, *found);
  if (!no_name) return std::nullopt;
  Denial denial{.no_name = *no_name, .soa = found->soa, .expires = found->soa->expires(), .evidence = {}};
  Evidence evidence;
  evidence.signatures = found->soa_signatures;
  evidence.proof.reserve(2 * found->spans.size());
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
    const Kept* kept = zone.wildcard_at(wildcard_below(question.name.suffix(labels)), question.type, now);
    if (kept == nullptr) continue;
    const SharedRRset data = kept->span.record;
    signatures = kept->span.signatures;
    if (const Kept* covering = at_or_before(zone.of(Kind::nsec), order_key(question.name), false, now))
      out.add(&covering->span);
    if (!out.spans.empty() || zone.of(Kind::nsec3).empty()) return data;
    const dnssec::Nsec3Hasher hasher{zone.parameters.salt, zone.parameters.iterations};
    guard.unlock();
    const auto found = find_by_hash(question.name.suffix(labels + 1), hasher, now, out);
    if (found && found->span.record) out.add(*found);
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
  const auto rest = static_cast<std::uint8_t>(labels);
  const auto proof =
      found.rows.empty()
          ? dnssec::Prover{found.zone, records, limits, allowance}.expansion(question.name, rest)
          : dnssec::Nsec3Prover{found.zone, found.rows, found.hashes, limits, allowance}.expansion(question.name, rest);
  if (proof.security != Security::secure) return std::nullopt;
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

}  // namespace redoubt::resolver
