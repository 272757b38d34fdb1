#include "dnssec/verify/denial_nsec3.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

namespace redoubt::dnssec {

namespace {

bool is_delegation(OctetView types) { return bitmap_has(types, dns::type::ns) && !bitmap_has(types, dns::type::soa); }

/// SHA-1 works through its input in blocks of 64 octets, and adds nine of its own.
std::uint64_t blocks(std::size_t octets) { return (octets + 9 + 63) / 64; }

/// As good as it gets: the span opts out, so unsigned zones may lie in it.
Proof proven_by(bool opts_out) { return {.security = opts_out ? Security::insecure : Security::secure}; }

}  // namespace

std::optional<Nsec3Row> Nsec3Row::of(const Nsec3Hash& hash, OctetView rdata) {
  const auto nsec3 = Nsec3::parse(rdata);
  if (!nsec3 || nsec3->hash_algorithm != nsec3_sha1 || (nsec3->flags & ~Nsec3::opt_out_bit) != 0 ||
      nsec3->next_hashed.size() != hash.size())
    return std::nullopt;
  Nsec3Row row{hash, {}, *nsec3};
  std::ranges::copy(nsec3->next_hashed, row.next.begin());
  return row;
}

std::optional<Nsec3Row> Nsec3Row::of(const dns::Name& zone, const dns::Name& owner, OctetView rdata) {
  const auto hash = hash_of_owner(owner);
  if (!hash || !(owner.parent() == zone)) return std::nullopt;
  return of(*hash, rdata);
}

Nsec3Prover::Nsec3Prover(const dns::Name& zone, std::span<const DenialRecord* const> records,
                         const CandidateLimits& limits, Effort& effort)
    : zone_{&zone}, effort_{&effort} {
  for (const DenialRecord* record : records) {
    if (auto row = Row::of(zone, record->owner, record->rdata)) rows_.push_back(*row);
  }
  look_over(limits);
}

Nsec3Prover::Nsec3Prover(const dns::Name& zone, std::vector<Nsec3Row> rows, std::span<const KnownHash> known,
                         const CandidateLimits& limits, Effort& effort)
    : zone_{&zone}, effort_{&effort}, rows_{std::move(rows)}, known_{known} {
  look_over(limits);
}

/// Whether the records go together, and what they are to be looked at with.
void Nsec3Prover::look_over(const CandidateLimits& limits) {
  for (const Row& row : rows_) {
    const Nsec3& first = rows_.front().nsec3;
    mixed_ = mixed_ || first.iterations != row.nsec3.iterations || !std::ranges::equal(first.salt, row.nsec3.salt);
    too_many_iterations_ = too_many_iterations_ || row.nsec3.iterations > limits.nsec3_iterations;
  }
  if (rows_.empty() || too_many_iterations_ || mixed_) return;
  iterations_ = rows_.front().nsec3.iterations;
  salt_octets_ = rows_.front().nsec3.salt.size();
  hasher_.emplace(rows_.front().nsec3.salt, iterations_);
}

std::optional<Nsec3Hash> Nsec3Prover::hash_of(const dns::Name& name) {
  if (const auto at = std::ranges::find(known_, name, &KnownHash::name); at != known_.end()) return at->hash;
  const std::uint64_t cost =
      blocks(name.wire().size() + salt_octets_) + std::uint64_t{iterations_} * blocks(sizeof(Nsec3Hash) + salt_octets_);
  if (spent_ || !effort_->spend(Work::hash_block, cost)) {
    spent_ = true;
    return std::nullopt;
  }
  return hasher_->hash(name);
}

const Nsec3Prover::Row* Nsec3Prover::of(const dns::Name& name) {
  const auto hash = hash_of(name);
  if (!hash) return nullptr;
  const auto at = std::ranges::find(rows_, *hash, &Row::hash);
  return at == rows_.end() ? nullptr : &*at;
}

const Nsec3Prover::Row* Nsec3Prover::covering(const dns::Name& name) {
  const auto hash = hash_of(name);
  if (!hash) return nullptr;
  const auto at = std::ranges::find_if(rows_, [&](const Row& row) {
    if (row.hash < row.next) return row.hash < *hash && *hash < row.next;
    return row.hash < *hash || *hash < row.next;  // the last span; of a zone with one name all that is not it
  });
  if (at == rows_.end() || at->hash == *hash) return nullptr;
  return &*at;
}

std::optional<Nsec3Prover::Encloser> Nsec3Prover::closest_encloser(const dns::Name& name) {
  dns::Name next_closer = name;
  while (next_closer.is_strictly_below(*zone_)) {
    const dns::Name candidate = next_closer.parent();
    if (const Row* row = of(candidate); row != nullptr) {
      // The zone above a cut, or a DNAME's, has no say below it (RFC 5155 §8.3).
      if (is_delegation(row->nsec3.types) || bitmap_has(row->nsec3.types, dns::type::dname)) return std::nullopt;
      const Row* covers = covering(next_closer);
      if (covers == nullptr) return std::nullopt;
      return Encloser{candidate, covers};
    }
    if (spent_) return std::nullopt;
    next_closer = candidate;
  }
  return std::nullopt;
}

std::optional<Proof> Nsec3Prover::unusable() const {
  if (too_many_iterations_) {
    return Proof{.security = Security::insecure,
                 .reason = {dns::EdeCode::unsupported_nsec3_iterations,
                            fmt::format("zone {}: NSEC3 with too many iterations", zone_->to_text())}};
  }
  if (mixed_) return unproven("NSEC3 records with different parameters");
  if (rows_.empty()) return unproven("no NSEC3 that could prove it");
  return std::nullopt;
}

Proof Nsec3Prover::unproven(std::string text) const {
  if (spent_) text = "the NSEC3 proof would cost too many hashes";
  return {.security = Security::bogus,
          .reason = {dns::EdeCode::nsec_missing, fmt::format("zone {}: {}", zone_->to_text(), text)}};
}

Proof Nsec3Prover::no_name(const dns::Name& name) {
  if (auto why = unusable()) return *std::move(why);
  const auto encloser = closest_encloser(name);
  if (!encloser) return unproven(fmt::format("no NSEC3 shows the closest encloser of {}", name.to_text()));
  static constexpr std::uint8_t star = '*';
  const auto wildcard = encloser->name.prepended({&star, 1});
  if (wildcard && covering(*wildcard) == nullptr)
    return unproven(fmt::format("no NSEC3 covers {}", wildcard->to_text()));
  return proven_by(encloser->next_closer->nsec3.is_opt_out());
}

Proof Nsec3Prover::no_data(const dns::Name& name, dns::RrType type) {
  if (auto why = unusable()) return *std::move(why);
  const auto lacks = [&](const Row& row) {
    return !bitmap_has(row.nsec3.types, type) && !bitmap_has(row.nsec3.types, dns::type::cname);
  };
  if (const Row* row = of(name); row != nullptr) {
    if (is_delegation(row->nsec3.types))
      return unproven(fmt::format("the NSEC3 of {} is of the zone above that cut", name.to_text()));
    if (!lacks(*row))
      return unproven(fmt::format("the NSEC3 of {} has {} or CNAME", name.to_text(), dns::to_text(type)));
    return proven_by(false);
  }
  const auto encloser = closest_encloser(name);
  if (!encloser) return unproven(fmt::format("no NSEC3 of {} nor of its closest encloser", name.to_text()));
  static constexpr std::uint8_t star = '*';
  const auto wildcard = encloser->name.prepended({&star, 1});
  const Row* row = wildcard ? of(*wildcard) : nullptr;
  const bool opts_out = encloser->next_closer->nsec3.is_opt_out();
  if (row != nullptr && lacks(*row) && !is_delegation(row->nsec3.types)) return proven_by(opts_out);
  // An empty non-terminal above unsigned zones alone has no NSEC3 where spans opt out (RFC 5155, erratum 3441).
  if (row == nullptr && opts_out && !spent_) return proven_by(true);
  return unproven(fmt::format("no NSEC3 of a wildcard for {} without {}", name.to_text(), dns::to_text(type)));
}

Proof Nsec3Prover::expansion(const dns::Name& name, std::uint8_t labels) {
  if (auto why = unusable()) return *std::move(why);
  const Row* row = covering(name.suffix(labels + std::size_t{1}));
  if (row == nullptr) return unproven(fmt::format("no NSEC3 shows that nothing is closer to {}", name.to_text()));
  return proven_by(row->nsec3.is_opt_out());
}

Prover::CutProof Nsec3Prover::no_ds(const dns::Name& name) {
  using Cut = Prover::Cut;
  if (auto why = unusable()) {
    return {why->security == Security::insecure ? Cut::perhaps_a_zone : Cut::unproven, std::move(why->reason)};
  }
  if (const Row* row = of(name); row != nullptr) {
    const OctetView types = row->nsec3.types;
    if (bitmap_has(types, dns::type::ds) || (bitmap_has(types, dns::type::soa) && !name.is_root()))
      return {Cut::unproven, unproven(fmt::format("the NSEC3 of {} has DS or SOA", name.to_text())).reason};
    return {bitmap_has(types, dns::type::ns) ? Cut::unsigned_zone : Cut::none, {}};
  }
  const auto encloser = closest_encloser(name);
  if (!encloser)
    return {Cut::unproven, unproven(fmt::format("no NSEC3 of {} nor of its closest encloser", name.to_text())).reason};
  return {encloser->next_closer->nsec3.is_opt_out() ? Cut::perhaps_a_zone : Cut::no_name, {}};
}

}  // namespace redoubt::dnssec
