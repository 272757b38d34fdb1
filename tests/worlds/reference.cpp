#include "tests/worlds/reference.hpp"

#include <algorithm>
#include <cstdlib>

#include "dns/rdata.hpp"

namespace redoubt::worlds {

std::vector<const dns::Record*> Reference::records_at(const ZonePlan& zone, const dns::Name& name,
                                                      dns::RrType type) const {
  std::vector<const dns::Record*> found;
  for (const dns::Record& record : zone.records) {
    if (record.type == type && record.owner == name) found.push_back(&record);
  }
  return found;
}

/// RFC 4592 §2.2.2: names without records exist when there is something below them.
bool Reference::exists(const ZonePlan& zone, const dns::Name& name) const {
  return std::ranges::any_of(zone.records,
                             [&](const dns::Record& record) { return record.owner.is_at_or_below(name); });
}

/// The first cut on the way from the apex to the name (RFC 1034 §4.3.2 3b). For DS the parent answers at the cut
/// itself.
std::optional<std::size_t> Reference::next_cut(std::size_t zone, const dns::Name& name, dns::RrType type) const {
  const ZonePlan& here = state_->zones[zone];
  for (std::size_t labels = here.apex.label_count() + 1; labels <= name.label_count(); ++labels) {
    const dns::Name node = name.suffix(labels);
    if (type == dns::type::ds && labels == name.label_count()) return std::nullopt;
    if (records_at(here, node, dns::type::ns).empty()) continue;
    for (std::size_t child = 0; child < state_->zones.size(); ++child) {
      if (state_->zones[child].apex == node) return child;
    }
    std::abort();  // every delegation of a plan is one to a zone of the plan
  }
  return std::nullopt;
}

std::vector<std::size_t> Reference::zones_above(const dns::Name& name, dns::RrType type) const {
  std::vector<std::size_t> path{0};
  while (const auto child = next_cut(path.back(), name, type)) path.push_back(*child);
  return path;
}

Truth Reference::denial(std::size_t zone, const dns::Name& name, bool no_name) const {
  const auto soa = records_at(state_->zones[zone], state_->zones[zone].apex, dns::type::soa);
  const auto fields = dns::parse_soa(soa.front()->rdata);
  Truth truth;
  truth.kind = no_name ? Truth::Kind::no_name : Truth::Kind::no_data;
  truth.zone = zone;
  truth.owner = name;
  truth.ttl = std::min(soa.front()->ttl.seconds(), fields->minimum);
  return truth;
}

/// RFC 1034 §4.3.2 3a and 3c: `node` is the name itself or the wildcard that stands for it.
Truth Reference::at_node(std::size_t zone, const dns::Name& node, const dns::Name& name, dns::RrType type) const {
  const auto make = [&](const std::vector<const dns::Record*>& records, Truth::Kind kind) {
    Truth truth;
    truth.kind = kind;
    truth.zone = zone;
    truth.owner = name;
    truth.ttl = records.front()->ttl.seconds();
    for (const dns::Record* record : records) truth.rdata.push_back(record->rdata);
    return truth;
  };
  const ZonePlan& here = state_->zones[zone];
  if (const auto data = records_at(here, node, type); !data.empty()) return make(data, Truth::Kind::data);
  if (const auto alias = records_at(here, node, dns::type::cname); !alias.empty()) {
    Truth truth = make(alias, Truth::Kind::cname);
    truth.target = *dns::Name::from_wire(truth.rdata.front());
    return truth;
  }
  return denial(zone, name, false);
}

Truth Reference::look_up(const dns::Name& name, dns::RrType type) const {
  const std::size_t zone = zones_above(name, type).back();
  const ZonePlan& here = state_->zones[zone];
  // RFC 6672 §3.2 3c: a DNAME above the name counts before anything below it does.
  for (std::size_t labels = here.apex.label_count(); labels < name.label_count(); ++labels) {
    const dns::Name node = name.suffix(labels);
    const auto dname = records_at(here, node, dns::type::dname);
    if (dname.empty()) continue;
    Truth truth;
    truth.kind = Truth::Kind::dname;
    truth.zone = zone;
    truth.owner = node;
    truth.ttl = dname.front()->ttl.seconds();
    truth.rdata.push_back(dname.front()->rdata);
    const auto target = name.with_suffix_replaced(node, *dns::Name::from_wire(dname.front()->rdata));
    if (target) {
      truth.target = *target;
    } else {
      truth.kind = Truth::Kind::too_long;
    }
    return truth;
  }
  if (exists(here, name)) return at_node(zone, name, name, type);
  dns::Name encloser = name.parent();
  while (!exists(here, encloser)) encloser = encloser.parent();
  const std::uint8_t star = '*';
  const auto wildcard = encloser.prepended({&star, 1});
  if (wildcard && exists(here, *wildcard)) return at_node(zone, *wildcard, name, type);
  return denial(zone, name, true);
}

}  // namespace redoubt::worlds
