#include "dnssec/zone/bootstrap.hpp"

#include <algorithm>
#include <optional>
#include <string_view>

namespace redoubt::dnssec {

namespace {

constexpr std::string_view type_label = "_dsboot";
constexpr std::string_view signal_label = "_signal";

OctetView octets_of_label(std::string_view text) {
  return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()};  // characters are octets
}

/// Nothing when it is longer than a name may be.
std::optional<dns::Name> signal_name(const dns::Name& zone, const dns::Name& server) {
  auto name = server.prepended(octets_of_label(signal_label));
  for (std::size_t labels = 1; name && labels <= zone.label_count(); ++labels)
    name = name->prepended(zone.suffix(labels).first_label());
  return name ? name->prepended(octets_of_label(type_label)) : std::nullopt;
}

}  // namespace

std::expected<BootstrapRecords, std::string> bootstrap_records(const Zone& zone) {
  const ZoneNode& apex = zone.nodes().front();
  const ZoneSet* servers = zone.find(apex, dns::type::ns);
  std::vector<const ZoneSet*> sets;
  for (const dns::RrType type : {dns::type::cds, dns::type::cdnskey}) {
    if (const ZoneSet* set = zone.find(apex, type)) sets.push_back(set);
  }
  if (servers == nullptr || sets.empty())
    return std::unexpected{std::string{"it has no CDS and no CDNSKEY: the parent is not asked for a DS (yet)"}};
  for (const ZoneSet* set : sets) {
    for (const OctetView rdata : set->rdata()) {
      const std::size_t algorithm_at = set->type == dns::type::cds ? 2 : 3;
      if (rdata.size() <= algorithm_at || rdata[algorithm_at] == 0)  // RFC 8078 §4
        return std::unexpected{std::string{"it asks for its DS to be removed"}};
    }
  }
  BootstrapRecords result;
  for (const OctetView rdata : servers->rdata()) {
    const auto server = dns::Name::from_wire(rdata);
    const auto name = server && !server->is_at_or_below(zone.apex()) ? signal_name(zone.apex(), *server) : std::nullopt;
    if (!name) {
      if (server) result.unfit.push_back(*server);
      continue;
    }
    for (const ZoneSet* set : sets) {
      for (const OctetView one : set->rdata())
        result.records.push_back(
            {*name, set->type, dns::rr_class::in, dns::Ttl::from_wire(set->ttl), {one.begin(), one.end()}});
    }
  }
  return result;
}

}  // namespace redoubt::dnssec
