#include "dnssec/zone/check_zone.hpp"

#include <algorithm>
#include <array>

#include "dns/rdata.hpp"
#include "dnssec/zone/findings.hpp"

namespace redoubt::dnssec {

namespace {

using dns::Name;
using dns::RrType;

bool is_proof(RrType type) { return type == dns::type::rrsig || type == dns::type::nsec || type == dns::type::nsec3; }

/// The name at the end of RDATA of types that end with one.
std::optional<Name> target_of(RrType type, OctetView rdata) {
  const std::size_t front = type == dns::type::mx ? 2 : type == dns::type::srv ? 6 : 0;
  if (rdata.size() <= front) return std::nullopt;
  const auto name = Name::from_wire(rdata.subspan(front));
  return name ? std::optional{*name} : std::nullopt;
}

/// "v=spf1", alone or with a blank behind it (RFC 7208 §4.5).
bool is_spf(OctetView rdata) {
  static constexpr std::string_view mark = "v=spf1";
  if (rdata.size() < mark.size() + 1 || rdata[0] < mark.size()) return false;
  if (!std::equal(mark.begin(), mark.end(), rdata.begin() + 1)) return false;
  return rdata[0] == mark.size() || rdata[mark.size() + 1] == ' ';
}

constexpr RrType sshfp{44};

/// Of a DS (RFC 4509, RFC 5933, RFC 6605) or SSHFP (RFC 4255, RFC 6594); 0 for kinds that are not known.
std::size_t octets_of_digest(RrType type, std::uint8_t kind) {
  constexpr std::array<std::size_t, 5> of_ds{0, 20, 32, 0, 48};  // servers do not look at GOST's
  constexpr std::array<std::size_t, 3> of_sshfp{0, 20, 32};
  if (type == sshfp) return kind < of_sshfp.size() ? of_sshfp[kind] : 0;
  return kind < of_ds.size() ? of_ds[kind] : 0;
}

class Check {
 public:
  Check(const Zone& zone, const CheckOptions& options) : zone_{zone}, findings_{verdict_, options.max_findings} {
    has_caa_ = !options.expect_caa;
  }

  ZoneVerdict run() {
    if (zone_.find(zone_.nodes().front(), dns::type::ns) == nullptr)
      findings_.fault(zone_.apex(), "NS", "there is none at the apex");
    for (const ZoneNode& node : zone_.nodes()) check_node(node);
    for (const Zone::Uneven& uneven : zone_.uneven_ttls())
      findings_.warning(zone_.nodes()[uneven.node].name(), dns::to_text(uneven.type),
                        "its records have different TTLs; the smallest counts (RFC 2181 section 5.2)");
    if (!has_caa_)
      findings_.warning(zone_.apex(), "CAA", "there is none: any authority may issue certificates for these names");
    return std::move(verdict_);
  }

 private:
  void check_node(const ZoneNode& node) {
    if (node.kind == NodeKind::occluded) return check_occluded(node);
    const Name name = node.name();
    check_cname(node, name);
    for (const ZoneSet& set : zone_.sets(node)) {
      has_caa_ = has_caa_ || set.type == dns::type::caa;
      if (set.type == dns::type::txt) check_spf(set, name);
      if (set.type == dns::type::ds || set.type == sshfp) check_digests(set, name);
      if (set.type == dns::type::dname && set.count() > 1) findings_.fault(name, "DNAME", "there is more than one");
      if (set.type == dns::type::ns || set.type == dns::type::mx || set.type == dns::type::srv ||
          set.type == dns::type::cname)
        check_targets(node, set, name);
    }
    if (node.kind == NodeKind::cut) check_cut(node, name);
  }

  void check_cname(const ZoneNode& node, const Name& name) {
    const ZoneSet* cname = zone_.find(node, dns::type::cname);
    if (cname == nullptr) return;
    if (cname->count() > 1) findings_.fault(name, "CNAME", "there is more than one");
    for (const ZoneSet& set : zone_.sets(node)) {
      if (set.type != dns::type::cname && !is_proof(set.type))
        findings_.fault(name, "CNAME", "beside it there is " + dns::to_text(set.type) + " (RFC 1034 section 3.6.2)");
    }
  }

  /// BIND, Knot and others load no zone with such a record, nor take one by transfer.
  void check_digests(const ZoneSet& set, const Name& name) {
    const bool is_ds = set.type == dns::type::ds;
    const std::size_t front = is_ds ? 4 : 2;
    for (const OctetView rdata : set.rdata()) {
      if (rdata.size() < front) continue;
      const std::size_t octets = octets_of_digest(set.type, rdata[front - 1]);
      if (octets != 0 && rdata.size() != front + octets)
        findings_.fault(name, dns::to_text(set.type),
                        "its digest has " + std::to_string(rdata.size() - front) + " octets, and that kind has " +
                            std::to_string(octets) + ": name servers refuse the zone");
    }
  }

  void check_spf(const ZoneSet& set, const Name& name) {
    const auto rdata = set.rdata();
    if (std::ranges::count_if(rdata, is_spf) > 1)
      findings_.fault(name, "TXT", "more than one SPF policy: mail servers heed none (RFC 7208 section 3.2)");
  }

  void check_targets(const ZoneNode& node, const ZoneSet& set, const Name& name) {
    for (const OctetView rdata : set.rdata()) {
      const auto target = target_of(set.type, rdata);
      if (!target || target->is_root() || !target->is_at_or_below(zone_.apex())) continue;
      const bool is_glue_place = node.kind == NodeKind::cut && target->is_at_or_below(name);
      if (is_glue_place) continue;  // check_cut() looks at these
      const ZoneNode* there = zone_.find(*target);
      if (there == nullptr) {
        if (!is_made_elsewhere(*target))
          findings_.warning(name, dns::to_text(set.type), "it leads to " + target->to_text() + ", which is not there");
      } else if (set.type != dns::type::cname && zone_.find(*there, dns::type::cname) != nullptr) {
        findings_.fault(name, dns::to_text(set.type),
                        "it leads to " + target->to_text() + ", which is an alias (RFC 2181 section 10.3)");
      }
    }
  }

  /// Below a wildcard, a delegation or a DNAME a name may exist that no node has.
  bool is_made_elsewhere(const Name& target) const {
    static const std::vector<std::uint8_t> star{'*'};
    for (Name at = target.parent(); at.is_at_or_below(zone_.apex()); at = at.parent()) {
      if (const auto wildcard = at.prepended(star); wildcard && zone_.find(*wildcard) != nullptr) return true;
      const ZoneNode* node = zone_.find(at);
      if (node != nullptr && (node->kind != NodeKind::authoritative || zone_.find(*node, dns::type::dname) != nullptr))
        return true;
      if (at.is_root()) break;
    }
    return false;
  }

  void check_cut(const ZoneNode& node, const Name& name) {
    const ZoneSet* servers = zone_.find(node, dns::type::ns);
    for (const OctetView rdata : servers->rdata()) {
      const auto server = Name::from_wire(rdata);
      if (!server || !server->is_at_or_below(name)) continue;
      const ZoneNode* glue = zone_.find(*server);
      const bool has_address = glue != nullptr && (zone_.find(*glue, dns::type::a) != nullptr ||
                                                   zone_.find(*glue, dns::type::aaaa) != nullptr);
      if (!has_address)
        findings_.fault(
            name, "NS",
            "its server " + server->to_text() + " is in the delegated zone, and has no address here (glue)");
    }
    for (const ZoneSet& set : zone_.sets(node)) {
      const bool expected = set.type == dns::type::ns || set.type == dns::type::ds || is_proof(set.type) ||
                            set.type == dns::type::a || set.type == dns::type::aaaa;
      if (!expected) findings_.warning(name, dns::to_text(set.type), "at a delegation nobody is told of it");
    }
  }

  void check_occluded(const ZoneNode& node) {
    for (const ZoneSet& set : zone_.sets(node)) {
      if (set.type == dns::type::a || set.type == dns::type::aaaa || is_proof(set.type)) continue;
      findings_.warning(node.name(), dns::to_text(set.type), "below a delegation or a DNAME nobody is told of it");
    }
  }

  const Zone& zone_;
  ZoneVerdict verdict_;
  Findings findings_;
  bool has_caa_ = false;
};

}  // namespace

ZoneVerdict check_zone(const Zone& zone, const CheckOptions& options) { return Check{zone, options}.run(); }

}  // namespace redoubt::dnssec
