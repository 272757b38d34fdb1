#include "dnssec/zone/verify_proofs.hpp"

#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "dns/rdata.hpp"
#include "dnssec/base/nsec3_hash.hpp"

namespace redoubt::dnssec {

namespace {

using dns::Name;
using dns::RrType;

constexpr std::uint16_t max_iterations = 500;  // more than any validator follows (RFC 9276 §3.2); not computed here

bool is_denial_type(RrType type) { return type == dns::type::nsec || type == dns::type::nsec3; }

/// NSEC3 records, and their signatures, stand at names of their own.
bool is_hash_only(const Zone& zone, const ZoneNode& node) {
  if (zone.find(node, dns::type::nsec3) == nullptr) return false;
  return std::ranges::all_of(
      zone.sets(node), [](const ZoneSet& set) { return set.type == dns::type::nsec3 || set.type == dns::type::rrsig; });
}

/// What a proof at this name must list, proofs and signatures aside.
std::set<std::uint16_t> types_shown(const Zone& zone, const ZoneNode& node) {
  std::set<std::uint16_t> types;
  for (const ZoneSet& set : zone.sets(node)) {
    if (is_denial_type(set.type) || set.type == dns::type::rrsig) continue;
    if (node.kind == NodeKind::cut && set.type != dns::type::ns && set.type != dns::type::ds) continue;
    types.insert(set.type.value);
  }
  return types;
}

std::string text_of(const std::set<std::uint16_t>& types) {
  std::string text;
  for (const std::uint16_t type : types) text += (text.empty() ? "" : " ") + dns::to_text(RrType{type});
  return text.empty() ? "nothing" : text;
}

std::set<std::uint16_t> listed(OctetView bitmap) {
  std::set<std::uint16_t> types;
  for (const RrType type : types_of(bitmap)) types.insert(type.value);
  return types;
}

class NsecChain {
 public:
  NsecChain(const Zone& zone, Findings& findings) : zone_{zone}, findings_{findings} {}

  void verify() {
    const ZoneNode* first = nullptr;
    for (const ZoneNode& node : zone_.nodes()) {
      const ZoneSet* nsec = zone_.find(node, dns::type::nsec);
      if (node.kind == NodeKind::occluded) {
        if (nsec != nullptr) findings_.fault(node.name(), "NSEC", "a proof at a name below a delegation or DNAME");
        continue;
      }
      if (first == nullptr) first = &node;
      const Name name = node.name();
      if (expected_ && !(*expected_ == name))
        findings_.fault(before_, "NSEC",
                        "it leads to " + expected_->to_text() + ", but the next name is " + name.to_text());
      expected_.reset();
      before_ = name;
      if (nsec == nullptr) {
        findings_.fault(name, "NSEC", "there is none");
        continue;
      }
      verify_one(node, *nsec);
    }
    if (expected_ && !(*expected_ == zone_.apex()))
      findings_.fault(before_, "NSEC", "the last one leads to " + expected_->to_text() + ", and not back to the apex");
  }

 private:
  void verify_one(const ZoneNode& node, const ZoneSet& set) {
    const auto nsec = Nsec::parse(*set.rdata().begin());
    if (!nsec || set.count() != 1) return findings_.fault(before_, "NSEC", "not one record that can be read");
    expected_ = nsec->next;
    if (!nsec->next.is_at_or_below(zone_.apex())) findings_.fault(before_, "NSEC", "it leads out of the zone");
    std::set<std::uint16_t> wanted = types_shown(zone_, node);
    wanted.insert({dns::type::nsec.value, dns::type::rrsig.value});
    const auto found = listed(nsec->types);
    if (found != wanted)
      findings_.fault(before_, "NSEC", "it lists " + text_of(found) + " where there is " + text_of(wanted));
  }

  const Zone& zone_;
  Findings& findings_;
  std::optional<Name> expected_;
  Name before_;
};

class Nsec3Chain {
 public:
  Nsec3Chain(const Zone& zone, const Nsec3Param& param, Findings& findings)
      : zone_{zone}, param_{param}, findings_{findings}, hasher_{param.salt, param.iterations} {}

  void verify() {
    if (param_.iterations != 0 || !param_.salt.empty())
      findings_.warning(zone_.apex(), "NSEC3PARAM", "iterations should be 0 and the salt empty (RFC 9276)");
    if (param_.iterations > max_iterations)
      return findings_.fault(zone_.apex(), "NSEC3PARAM", "more iterations than validators follow");
    gather();
    match_names();
    close();
  }

 private:
  struct Link {
    Name owner;
    Nsec3Hash next{};
    std::set<std::uint16_t> types;
    bool opt_out = false;
    bool wanted = false;
  };

  void gather() {
    for (const ZoneNode& node : zone_.nodes()) {
      const ZoneSet* set = zone_.find(node, dns::type::nsec3);
      if (set == nullptr) continue;
      const Name owner = node.name();
      const auto hash = hash_of_owner(owner);
      const auto record = Nsec3::parse(*set->rdata().begin());
      if (!hash || !record || set->count() != 1 || !(owner.parent() == zone_.apex()) ||
          record->next_hashed.size() != 20) {
        findings_.fault(owner, "NSEC3", "not one record that can be read, at the hash of a name");
        continue;
      }
      if (record->hash_algorithm != nsec3_sha1 || record->iterations != param_.iterations ||
          !std::ranges::equal(record->salt, param_.salt)) {
        findings_.fault(owner, "NSEC3", "other parameters than NSEC3PARAM has");
        continue;
      }
      Link link{.owner = owner, .types = listed(record->types), .opt_out = record->is_opt_out()};
      std::ranges::copy(record->next_hashed, link.next.begin());
      links_.emplace(*hash, std::move(link));
    }
  }

  /// Every name of the zone, and every empty one between the apex and it.
  void match_names() {
    std::set<Name> empty;
    const std::size_t apex_labels = zone_.apex().label_count();
    for (const ZoneNode& node : zone_.nodes()) {
      if (node.kind == NodeKind::occluded || is_hash_only(zone_, node)) continue;
      const Name name = node.name();
      const bool may_miss = node.kind == NodeKind::cut && zone_.find(node, dns::type::ds) == nullptr;
      std::set<std::uint16_t> types = types_shown(zone_, node);
      if (!may_miss) types.insert(dns::type::rrsig.value);
      match(name, types, may_miss);
      for (std::size_t labels = apex_labels + 1; labels < name.label_count(); ++labels) {
        const Name ancestor = name.suffix(labels);
        if (zone_.find(ancestor) != nullptr) continue;
        if (may_miss) {
          optional_.insert(ancestor);
        } else {
          empty.insert(ancestor);
        }
      }
    }
    for (const Name& name : empty) match(name, {}, false);
    for (const Name& name : optional_) {
      if (!empty.contains(name)) match(name, {}, true);
    }
  }

  void match(const Name& name, const std::set<std::uint16_t>& types, bool may_miss) {
    const auto hash = hasher_.hash(name);
    if (!hash) return findings_.fault(name, "NSEC3", "no memory to hash it");
    const auto at = links_.find(*hash);
    if (at == links_.end()) {
      if (!may_miss || !is_opted_out(*hash)) findings_.fault(name, "NSEC3", "there is none for this name");
      return;
    }
    at->second.wanted = true;
    if (at->second.types != types)
      findings_.fault(name, "NSEC3", "it lists " + text_of(at->second.types) + " where there is " + text_of(types));
  }

  bool is_opted_out(const Nsec3Hash& hash) const {
    if (links_.empty()) return false;
    auto at = links_.lower_bound(hash);
    if (at == links_.begin()) at = links_.end();
    return std::prev(at)->second.opt_out;
  }

  void close() {
    for (auto at = links_.begin(); at != links_.end(); ++at) {
      const auto next = std::next(at) == links_.end() ? links_.begin() : std::next(at);
      if (at->second.next != next->first)
        findings_.fault(at->second.owner, "NSEC3", "it does not lead to the next hash of the zone");
      if (!at->second.wanted) findings_.fault(at->second.owner, "NSEC3", "it is the hash of no name of the zone");
    }
    if (links_.empty()) findings_.fault(zone_.apex(), "NSEC3", "there is none");
  }

  const Zone& zone_;
  const Nsec3Param& param_;
  Findings& findings_;
  Nsec3Hasher hasher_;
  std::map<Nsec3Hash, Link> links_;
  std::set<Name> optional_;
};

}  // namespace

void verify_proofs(const Zone& zone, Findings& findings) {
  const bool has_nsec = std::ranges::any_of(
      zone.nodes(), [&](const ZoneNode& node) { return zone.find(node, dns::type::nsec) != nullptr; });
  const ZoneSet* params = zone.find(zone.nodes().front(), dns::type::nsec3param);
  const auto param = params == nullptr ? std::nullopt : Nsec3Param::parse(*params->rdata().begin());
  const bool has_nsec3 = std::ranges::any_of(
      zone.nodes(), [&](const ZoneNode& node) { return zone.find(node, dns::type::nsec3) != nullptr; });
  if (has_nsec && has_nsec3) findings.fault(zone.apex(), "NSEC3", "the zone has NSEC and NSEC3 records");
  if (has_nsec || !has_nsec3) return NsecChain{zone, findings}.verify();
  if (!param)
    return findings.fault(zone.apex(), "NSEC3PARAM", "the zone has NSEC3 records, and no NSEC3PARAM that can be read");
  Nsec3Chain{zone, *param, findings}.verify();
}

}  // namespace redoubt::dnssec
