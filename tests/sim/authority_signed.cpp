// What a signed zone adds for those who ask with DO.
#include <algorithm>

#include "dns/rdata.hpp"
#include "dnssec/base/nsec3_hash.hpp"
#include "dnssec/base/records.hpp"
#include "tests/sim/authority.hpp"

namespace redoubt::sim {

namespace {

bool contains(const std::vector<dns::Record>& section, const dns::Name& owner, dns::RrType type) {
  return std::ranges::any_of(section, [&](const dns::Record& one) { return one.owner == owner && one.type == type; });
}

std::uint16_t covered_by(const dns::Record& rrsig) {
  return static_cast<std::uint16_t>(rrsig.rdata[0] << 8 | rrsig.rdata[1]);
}

}  // namespace

dns::Name Zone::closest_encloser(const dns::Name& name) const {
  dns::Name encloser = name;
  while (!exists(encloser)) encloser = encloser.parent();
  return encloser;
}

/// The name itself, or the wildcard that its records were made from.
dns::Name Zone::source_of(const dns::Name& owner) const {
  if (exists(owner) || owner.first_label().size() == 32) return owner;
  static constexpr std::uint8_t star = '*';
  return *closest_encloser(owner).prepended({&star, 1});
}

void Zone::add_signatures(std::vector<dns::Record>& section, const dns::Name& owner, dns::RrType type) const {
  const auto* rrsigs = find(source_of(owner), dns::type::rrsig);
  if (rrsigs == nullptr) return;
  for (dns::Record rrsig : *rrsigs) {
    if (covered_by(rrsig) != type.value) continue;
    rrsig.owner = owner;
    section.push_back(std::move(rrsig));
  }
}

void Zone::add_denial_set(dns::Message& message, const dns::Name& owner, dns::RrType type) const {
  if (contains(message.authority, owner, type)) return;
  const auto* records = find(owner, type);
  if (records == nullptr) return;
  message.authority.insert(message.authority.end(), records->begin(), records->end());
  add_signatures(message.authority, owner, type);
}

void Zone::add_nsec_covering(dns::Message& message, const dns::Name& name) const {
  const dns::Name* before = nullptr;
  for (const auto& [key, records] : sets_) {
    if (key.second != dns::type::nsec.value || name < key.first) continue;
    if (before == nullptr || *before < key.first) before = &key.first;
  }
  if (before != nullptr) add_denial_set(message, *before, dns::type::nsec);
}

void Zone::add_nsec3_matching(dns::Message& message, const dns::Name& name) const {
  const auto param = dnssec::Nsec3Param::parse(find(apex_, dns::RrType{51})->front().rdata);
  const auto hash = dnssec::Nsec3Hasher{param->salt, param->iterations}.hash(name);
  const std::string label = dnssec::base32hex(*hash);
  const auto owner = apex_.prepended({reinterpret_cast<const std::uint8_t*>(label.data()), label.size()});
  add_denial_set(message, *owner, dns::type::nsec3);
}

void Zone::add_nsec3_covering(dns::Message& message, const dns::Name& name) const {
  const auto param = dnssec::Nsec3Param::parse(find(apex_, dns::RrType{51})->front().rdata);
  const auto hash = dnssec::Nsec3Hasher{param->salt, param->iterations}.hash(name);
  const dns::Name* before = nullptr;
  const dns::Name* last = nullptr;
  for (const auto& [key, records] : sets_) {
    if (key.second != dns::type::nsec3.value) continue;
    const auto mine = dnssec::hash_of_owner(key.first);
    if (last == nullptr || *dnssec::hash_of_owner(*last) < *mine) last = &key.first;
    if (*mine < *hash && (before == nullptr || *dnssec::hash_of_owner(*before) < *mine)) before = &key.first;
  }
  if (before == nullptr) before = last;
  if (before != nullptr) add_denial_set(message, *before, dns::type::nsec3);
}

void Zone::prove_no_closer(dns::Message& message, const dns::Name& name, const dns::Name& wildcard) const {
  if (has_nsec3())
    add_nsec3_covering(message, name.suffix(wildcard.label_count()));
  else
    add_nsec_covering(message, name);
}

void Zone::prove_absence(dns::Message& message, const dns::Name& name, bool no_name) const {
  static constexpr std::uint8_t star = '*';
  const dns::Name encloser = closest_encloser(name);
  const dns::Name wildcard = *encloser.prepended({&star, 1});
  const bool is_there = encloser == name;
  if (!has_nsec3()) {
    add_nsec_covering(message, name);  // the name's own, if it has one
    if (!is_there) add_nsec_covering(message, wildcard);
    return;
  }
  const std::size_t without = message.authority.size();
  add_nsec3_matching(message, encloser);
  if (is_there) {
    // Below a span that opts out a cut has no record of its own (RFC 5155 §7.2.4).
    if (message.authority.size() != without) return;
    dns::Name next_closer = name;
    while (next_closer.is_strictly_below(apex_)) {
      const std::size_t before = message.authority.size();
      add_nsec3_matching(message, next_closer.parent());
      if (message.authority.size() != before) break;
      next_closer = next_closer.parent();
    }
    add_nsec3_covering(message, next_closer);
    return;
  }
  add_nsec3_covering(message, name.suffix(encloser.label_count() + 1));
  if (no_name)
    add_nsec3_covering(message, wildcard);
  else
    add_nsec3_matching(message, wildcard);
}

void Zone::add_proofs(const dns::Question& question, dns::Message& message) const {
  if (!is_signed()) return;
  std::vector<std::pair<dns::Name, dns::RrType>> sets;
  for (const dns::Record& record : message.answer) {
    const auto set = std::pair{record.owner, record.type};
    if (std::ranges::find(sets, set) == sets.end()) sets.push_back(set);
  }
  dns::Name end = question.name;
  for (const auto& [owner, type] : sets) {
    if (type == dns::type::rrsig) continue;
    add_signatures(message.answer, owner, type);
    const dns::Name source = source_of(owner);
    if (!(source == owner) && find(source, type) != nullptr) prove_no_closer(message, owner, source);
    if (type != dns::type::cname || question.type == dns::type::cname) continue;
    for (const dns::Record& record : message.answer) {
      if (record.owner == owner && record.type == type) end = *dns::target_name(type, record.rdata);
    }
  }
  const bool denies =
      std::ranges::any_of(message.authority, [](const dns::Record& record) { return record.type == dns::type::soa; });
  if (denies) {
    add_signatures(message.authority, apex_, dns::type::soa);
    if (end.is_at_or_below(apex_)) prove_absence(message, end, message.rcode() == dns::Rcode::nxdomain);
    return;
  }
  const bool refers = !message.header.authoritative && !message.authority.empty();
  if (!refers) return;
  const dns::Name cut = message.authority.front().owner;
  if (const auto* ds = find(cut, dns::type::ds)) {
    message.authority.insert(message.authority.end(), ds->begin(), ds->end());
    add_signatures(message.authority, cut, dns::type::ds);
    return;
  }
  prove_absence(message, cut, false);
}

}  // namespace redoubt::sim
