#include "tests/worlds/forecast.hpp"

#include <algorithm>

namespace redoubt::worlds {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds first_patience{400};  // for a server of unknown round trip
constexpr milliseconds stream_patience{2000};
constexpr unsigned deepest = 4;                  // below the limit nested-depth, with room to spare
constexpr std::size_t most_servers = 6;          // with these all names and glue fit one datagram
constexpr std::size_t longest_server_name = 60;  // octets

}  // namespace

Cost& Cost::operator+=(const Cost& other) {
  sure = sure && other.sure;
  packets += other.packets;
  time += other.time;
  nested += other.nested;
  return *this;
}

Forecast::Forecast(const Plan& plan, std::size_t state)
    : plan_{&plan}, state_{&plan.states[state]}, reference_{plan.states[state]} {
  find_tainted();
}

bool Forecast::may_ask(const dns::IpAddress& address) const { return !address.is_v6() || plan_->settings.ipv6; }

/// Whether the first try at it succeeds.
bool Forecast::is_good(const Host& host) const {
  switch (host.fault) {
    case Fault::none:
    case Fault::no_edns:
    case Fault::truncates:
    case Fault::loses_case:
    case Fault::spoofed:
      return true;
    case Fault::slow:
    case Fault::lossy:
    case Fault::silent:
    case Fault::silent_by_udp:
    case Fault::unreachable:
    case Fault::refuses:
    case Fault::fails:
    case Fault::lame:
    case Fault::always_truncates:
    case Fault::garbage:
    case Fault::liar:
      return false;
  }
  return false;
}

/// The first try at one address, good or not: TCP after it in the worst case, for a large answer or a DNAME.
Cost Forecast::of_asking(const Host& host, const dns::IpAddress& address) const {
  if (!may_ask(address)) return {};
  const milliseconds once{host.round_trip_ms};
  if (host.fault == Fault::garbage || host.fault == Fault::slow) return {true, 2, first_patience + stream_patience, 0};
  if (host.fault == Fault::silent || host.fault == Fault::silent_by_udp || host.fault == Fault::lossy)
    return {true, 1, host.fault == Fault::lossy ? first_patience * 2 : first_patience, 0};
  const milliseconds waited = host.fault == Fault::loses_case ? first_patience : 2 * once;
  return {true, 3, waited + 2 * once, 0};
}

/// Whether its name leads to it: the zone that has its addresses may have gone, and a wildcard speak in its place.
bool Forecast::is_found(const Host& host) const {
  return std::ranges::all_of(host.addresses, [&](const dns::IpAddress& address) {
    const auto octets = address.octets();
    const Truth truth = reference_.look_up(host.name, address.is_v6() ? dns::type::aaaa : dns::type::a);
    return truth.kind == Truth::Kind::data &&
           std::ranges::any_of(truth.rdata, [&](const auto& rdata) { return std::ranges::equal(rdata, octets); });
  });
}

/// From the servers of the parent, which are to hand, to those of the zone, and one question to them.
Cost Forecast::of_cut(std::size_t zone, std::size_t parent, unsigned depth) const {
  const ZonePlan& above = state_->zones[parent];
  const ZonePlan& here = state_->zones[zone];
  if (here.hosts.empty() || here.hosts.size() > most_servers) return {.sure = false};
  std::vector<const Host*> without_glue;
  std::vector<const Host*> with_glue;
  for (const std::size_t number : here.hosts) {
    const Host& host = plan_->hosts[number];
    if (host.name.wire().size() > longest_server_name) return {.sure = false};
    if (!is_found(host)) return {.sure = false};
    const bool glue = std::ranges::any_of(above.records, [&](const dns::Record& record) {
      return record.owner == host.name && (record.type == dns::type::a || record.type == dns::type::aaaa);
    });
    (glue ? with_glue : without_glue).push_back(&host);
  }
  const Cost glued = of_asking_all(with_glue);
  if (glued.sure) return glued;
  // All that have no address yet, in any order, until one is of use.
  Cost cost = of_asking_all(without_glue);
  cost.packets += glued.packets;
  cost.time += glued.time;
  for (const Host* host : without_glue) cost += of_lookup(*host, depth);
  cost.sure = cost.sure && without_glue.size() <= 5;  // limit nameserver-lookups
  return cost;
}

/// All that are of no use, and then the most expensive of those that are. Sure when there is one.
Cost Forecast::of_asking_all(const std::vector<const Host*>& hosts) const {
  Cost useless;
  Cost useful;
  bool reached = false;
  for (const Host* host : hosts) {
    for (const dns::IpAddress& address : host->addresses) {
      const Cost one = of_asking(*host, address);
      if (is_good(*host) && may_ask(address)) {
        useful.packets = std::max(useful.packets, one.packets);
        useful.time = std::max(useful.time, one.time);
        reached = true;
      } else {
        useless += one;
      }
    }
  }
  useless += useful;
  useless.sure = reached;
  return useless;
}

/// The addresses of a server name: A, and AAAA too when that did not help.
Cost Forecast::of_lookup(const Host& host, unsigned depth) const {
  if (depth >= deepest) return {.sure = false};
  Cost cost = of_question(host.name, dns::type::a, depth + 1);
  cost += of_question(host.name, dns::type::aaaa, depth + 1);
  cost.nested += 2;
  return cost;
}

Cost Forecast::of_question(const dns::Name& name, dns::RrType type, unsigned depth) const {
  const std::vector<std::size_t> path = reference_.zones_above(name, type);
  std::vector<const Host*> roots;
  for (const std::size_t host : state_->zones[0].hosts) roots.push_back(&plan_->hosts[host]);
  Cost cost;
  for (std::size_t i = 0; i < path.size() && cost.sure; ++i) {
    Cost here = i == 0 ? of_asking_all(roots) : of_cut(path[i], path[i - 1], depth);
    // With minimised names each label is a question of its own.
    const dns::Name& next = i + 1 < path.size() ? state_->zones[path[i + 1]].apex : name;
    const std::size_t labels = next.label_count() - state_->zones[path[i]].apex.label_count();
    const std::size_t times =
        plan_->settings.minimisation == resolver::Minimisation::off ? 1 : std::max<std::size_t>(labels, 1);
    here.packets *= times;
    here.time *= times;
    here.nested *= times;
    cost += here;
  }
  if (is_tainted(name)) cost.sure = false;
  return cost;
}

void Forecast::find_tainted() {
  const std::vector<ZonePlan>& zones = state_->zones;
  const auto speaks_for = [&](std::size_t zone) {
    const auto lies = [&](std::size_t number) {
      return plan_->hosts[number].fault == Fault::liar || is_tainted(plan_->hosts[number].name);
    };
    return std::ranges::any_of(zones[zone].hosts, lies) ||
           (!zones[zone].apex.is_root() && is_tainted(zones[zone].apex.parent()));
  };
  for (bool grown = true; grown;) {
    grown = false;
    for (std::size_t zone = 0; zone < zones.size(); ++zone) {
      if (!tainted_.contains(zone) && speaks_for(zone)) grown = tainted_.insert(zone).second;
    }
  }
}

bool Forecast::is_tainted(const dns::Name& name) const {
  return std::ranges::any_of(tainted_, [&](std::size_t zone) {
    return !state_->zones[zone].withdrawn && name.is_at_or_below(state_->zones[zone].apex);
  });
}

}  // namespace redoubt::worlds
