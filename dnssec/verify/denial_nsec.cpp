#include "dnssec/verify/denial_nsec.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace redoubt::dnssec {

namespace {

bool is_delegation(OctetView types) { return bitmap_has(types, dns::type::ns) && !bitmap_has(types, dns::type::soa); }

/// A record of the zone above a cut, or above a DNAME, says nothing of names below (RFC 6840 §4.1).
bool speaks_of_names_below(OctetView types) { return !is_delegation(types) && !bitmap_has(types, dns::type::dname); }

Proof proven() { return {.security = Security::secure}; }

Proof unproven(const dns::Name& zone, std::string text) {
  return {.security = Security::bogus,
          .reason = {dns::EdeCode::nsec_missing, fmt::format("zone {}: {}", zone.to_text(), text)}};
}

dns::Name wildcard_of(const dns::Name& encloser) {
  static constexpr std::uint8_t star = '*';
  return encloser.prepended({&star, 1}).value_or(encloser);
}

}  // namespace

NsecProver::NsecProver(const dns::Name& zone, std::span<const DenialRecord* const> records) : zone_{&zone} {
  for (const DenialRecord* record : records) {
    auto nsec = Nsec::parse(record->rdata);
    // Names outside the zone are not the zone's to speak of (attacks: NSEC next outside the zone).
    if (!nsec || !record->owner.is_at_or_below(zone) || !nsec->next.is_at_or_below(zone)) continue;
    rows_.push_back({record->owner, *std::move(nsec)});
  }
}

const NsecProver::Row* NsecProver::of(const dns::Name& name) const {
  const auto at = std::ranges::find(rows_, name, &Row::owner);
  return at == rows_.end() ? nullptr : &*at;
}

/// The record in whose span the name lies, the name itself not existing; the last span of a zone ends at its apex.
const NsecProver::Row* NsecProver::covering(const dns::Name& name) const {
  if (!name.is_strictly_below(*zone_)) return nullptr;
  const auto at = std::ranges::find_if(rows_, [&](const Row& row) {
    if (!(row.owner < name)) return false;
    if (!(row.nsec.next == *zone_) && !(name < row.nsec.next)) return false;
    return !name.is_strictly_below(row.owner) || speaks_of_names_below(row.nsec.types);
  });
  return at == rows_.end() ? nullptr : &*at;
}

/// The next name lies below it (RFC 4592 §2.2.2; attacks: empty non-terminal).
bool NsecProver::is_empty_non_terminal(const dns::Name& name) const {
  const Row* row = covering(name);
  return row != nullptr && row->nsec.next.is_strictly_below(name);
}

Proof NsecProver::no_name(const dns::Name& name) const {
  // Compact denial: the zone made an NSEC for that name alone, to say that there is none (RFC 9824 §2).
  if (const Row* own = of(name); own != nullptr && bitmap_has(own->nsec.types, dns::type::nxname)) return proven();
  const Row* row = covering(name);
  if (row == nullptr) return unproven(*zone_, fmt::format("no NSEC covers {}", name.to_text()));
  if (row->nsec.next.is_strictly_below(name))
    return unproven(*zone_, fmt::format("{} is an empty non-terminal, so it exists", name.to_text()));
  const std::size_t shared = std::max(common_labels(name, row->owner), common_labels(name, row->nsec.next));
  const dns::Name wildcard = wildcard_of(name.suffix(shared));
  const Row* none = covering(wildcard);
  if (none == nullptr || none->nsec.next.is_strictly_below(wildcard))
    return unproven(*zone_, fmt::format("no NSEC covers {}", wildcard.to_text()));
  return proven();
}

Proof NsecProver::no_data(const dns::Name& name, dns::RrType type) const {
  const auto lacks = [&](const Row& row) {
    return !bitmap_has(row.nsec.types, type) && !bitmap_has(row.nsec.types, dns::type::cname);
  };
  if (const Row* row = of(name); row != nullptr) {
    if (is_delegation(row->nsec.types))
      return unproven(*zone_, fmt::format("the NSEC of {} is of the zone above that cut", name.to_text()));
    if (!lacks(*row))
      return unproven(*zone_, fmt::format("the NSEC of {} has {} or CNAME", name.to_text(), dns::to_text(type)));
    return proven();
  }
  if (is_empty_non_terminal(name)) return proven();
  const Row* row = covering(name);
  if (row == nullptr) return unproven(*zone_, fmt::format("no NSEC of {} or covering it", name.to_text()));
  const std::size_t shared = std::max(common_labels(name, row->owner), common_labels(name, row->nsec.next));
  const Row* wildcard = of(wildcard_of(name.suffix(shared)));
  if (wildcard == nullptr || !lacks(*wildcard) || is_delegation(wildcard->nsec.types))
    return unproven(*zone_, fmt::format("no NSEC of a wildcard for {} without {}", name.to_text(), dns::to_text(type)));
  return proven();
}

Proof NsecProver::expansion(const dns::Name& name, std::uint8_t labels) const {
  const Row* row = covering(name);
  if (row == nullptr) return unproven(*zone_, fmt::format("no NSEC covers {}, a wildcard's answer", name.to_text()));
  // A closer name, which both ends of the span would share with it, would have made the wildcard not apply.
  const std::size_t shared = std::max(common_labels(name, row->owner), common_labels(name, row->nsec.next));
  if (shared > labels)
    return unproven(*zone_, fmt::format("a name closer to {} than its wildcard exists", name.to_text()));
  return proven();
}

Prover::CutProof NsecProver::no_ds(const dns::Name& name) const {
  using Cut = Prover::Cut;
  if (const Row* row = of(name); row != nullptr) {
    const OctetView types = row->nsec.types;
    if (bitmap_has(types, dns::type::ds) || (bitmap_has(types, dns::type::soa) && !name.is_root()))
      return {Cut::unproven, unproven(*zone_, fmt::format("the NSEC of {} has DS or SOA", name.to_text())).reason};
    return {bitmap_has(types, dns::type::ns) ? Cut::unsigned_zone : Cut::none, {}};
  }
  const Row* row = covering(name);
  if (row == nullptr)
    return {Cut::unproven, unproven(*zone_, fmt::format("no NSEC of {} or covering it", name.to_text())).reason};
  return {row->nsec.next.is_strictly_below(name) ? Cut::none : Cut::no_name, {}};
}

}  // namespace redoubt::dnssec
