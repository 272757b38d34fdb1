#include "dnssec/sign/denial.hpp"

#include <algorithm>
#include <set>
#include <thread>

#include "dns/rdata.hpp"

namespace redoubt::dnssec {

bool is_signed_set(const ZoneNode& node, dns::RrType type) {
  if (type == dns::type::rrsig) return false;
  if (node.kind == NodeKind::authoritative) return true;
  return node.kind == NodeKind::cut && type == dns::type::ds;
}

Octets nsec3param_rdata() { return {nsec3_sha1, 0, 0, 0, 0}; }

std::expected<DenialChain, std::string> DenialChain::build(const Zone& zone, const SigningRules& rules,
                                                           unsigned threads) {
  DenialChain chain{zone, rules};
  const ZoneSet* soa = zone.find(zone.nodes().front(), dns::type::soa);
  const auto fields = dns::parse_soa(*soa->rdata().begin());
  if (!fields) return std::unexpected{std::string{"the SOA's RDATA is broken"}};
  chain.ttl_ = std::min(soa->ttl, fields->minimum);
  if (rules.denial == DenialKind::nsec3) {
    if (auto hashed = chain.hash_all(threads); !hashed) return std::unexpected{hashed.error()};
  }
  return chain;
}

/// With opt-out, unsigned delegations are left out (RFC 5155 §7.1).
bool DenialChain::is_in_nsec3_chain(const ZoneNode& node) const {
  if (node.kind == NodeKind::occluded) return false;
  return node.kind == NodeKind::authoritative || !rules_->opt_out || zone_->find(node, dns::type::ds) != nullptr;
}

std::vector<dns::RrType> DenialChain::types_at(const ZoneNode& node) const {
  std::vector<dns::RrType> types;
  bool any_signed = rules_->denial == DenialKind::nsec;  // the NSEC is
  for (const ZoneSet& set : zone_->sets(node)) {
    const bool shown = node.kind == NodeKind::authoritative || set.type == dns::type::ns || set.type == dns::type::ds;
    if (!shown || set.type == dns::type::rrsig) continue;
    types.push_back(set.type);
    any_signed = any_signed || is_signed_set(node, set.type);
  }
  if (any_signed) types.push_back(dns::type::rrsig);
  if (rules_->denial == DenialKind::nsec) types.push_back(dns::type::nsec);
  std::ranges::sort(types);
  return types;
}

Octets DenialChain::nsec_rdata(std::size_t node) const {
  const auto nodes = zone_->nodes();
  std::size_t next = node + 1;
  while (next < nodes.size() && nodes[next].kind == NodeKind::occluded) ++next;
  Octets rdata;
  append_octets(rdata, nodes[next == nodes.size() ? 0 : next].wire());
  append_bitmap(rdata, types_at(nodes[node]));
  return rdata;
}

Octets DenialChain::nsec3_rdata(std::size_t k) const {
  const HashedName& own = hashed_[k];
  const HashedName& next = hashed_[k + 1 == hashed_.size() ? 0 : k + 1];
  Octets rdata{nsec3_sha1, rules_->opt_out ? Nsec3::opt_out_bit : std::uint8_t{0},
               0,          0,
               0,          static_cast<std::uint8_t>(next.hash.size())};
  append_octets(rdata, next.hash);
  if (own.node != HashedName::no_node) append_bitmap(rdata, types_at(zone_->nodes()[own.node]));
  return rdata;
}

dns::Name DenialChain::nsec3_owner(std::size_t k) const {
  const std::string label = base32hex(hashed_[k].hash);
  const Octets octets{label.begin(), label.end()};
  return zone_->apex().prepended(octets).value_or(zone_->apex());
}

std::expected<void, std::string> DenialChain::hash_all(unsigned threads) {
  const auto nodes = zone_->nodes();
  const std::size_t apex_labels = zone_->apex().label_count();
  if (zone_->apex().wire().size() + 33 > dns::max_name_octets)
    return std::unexpected{std::string{"the zone's name is too long for hashed names below it; NSEC is possible"}};
  // Empty non-terminals: ancestors that no node has. In canonical order a name's ancestors that exist come before it,
  // and what it shares with the name before is there already, as a node or as one of these.
  std::vector<dns::Name> empty;
  dns::Name before = zone_->apex();
  for (std::uint32_t i = 0; i < nodes.size(); ++i) {
    if (!is_in_nsec3_chain(nodes[i])) continue;
    hashed_.push_back({{}, i});
    const dns::Name name = nodes[i].name();
    for (std::size_t labels = name.label_count() - 1; labels > apex_labels; --labels) {
      const dns::Name ancestor = name.suffix(labels);
      if (before.is_at_or_below(ancestor)) break;
      empty.push_back(ancestor);
    }
    before = name;
  }
  // None of these is a node: a node above a member is authoritative, for nothing below a cut is a member, so it is a
  // member itself and came before.
  const std::size_t named = hashed_.size();
  hashed_.resize(named + empty.size());
  threads = std::max(1U, threads);
  std::vector<char> failed(threads, 0);
  {
    std::vector<std::jthread> workers;
    for (unsigned worker = 0; worker < threads; ++worker) {
      workers.emplace_back([&, worker] {
        Nsec3Hasher hasher;
        for (std::size_t k = worker; k < hashed_.size(); k += threads) {
          const auto hash = hasher.hash(k < named ? nodes[hashed_[k].node].name() : empty[k - named]);
          if (!hash) failed[worker] = 1;
          hashed_[k] = {hash.value_or(Nsec3Hash{}), k < named ? hashed_[k].node : HashedName::no_node};
        }
      });
    }
  }
  if (std::ranges::find(failed, 1) != failed.end()) return std::unexpected{std::string{"no memory to hash names"}};
  std::ranges::sort(hashed_, {}, &HashedName::hash);
  const auto twice = std::ranges::adjacent_find(hashed_, {}, &HashedName::hash);
  if (twice != hashed_.end())
    return std::unexpected{std::string{"two names have one hash; sign with NSEC, or rename one of them"}};
  return {};
}

}  // namespace redoubt::dnssec
