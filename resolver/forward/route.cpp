#include "resolver/forward/route.hpp"

#include <algorithm>
#include <map>

namespace redoubt::resolver {

namespace {

bool zone_before(const Route& route, const dns::Name& name) { return (route.zone <=> name) < 0; }

/// One packet budget for each server, whatever route leads to it.
void level_rates(std::vector<Route>& routes) {
  std::map<dns::Endpoint, std::uint32_t> lowest;
  for (const Route& route : routes) {
    if (route.max_rate == 0) continue;
    for (const dns::Endpoint& server : route.to) {
      const auto [at, fresh] = lowest.try_emplace(server, route.max_rate);
      if (!fresh) at->second = std::min(at->second, route.max_rate);
    }
  }
  for (Route& route : routes) {
    for (const dns::Endpoint& server : route.to) {
      const auto at = lowest.find(server);
      if (at == lowest.end()) continue;
      route.max_rate = route.max_rate == 0 ? at->second : std::min(route.max_rate, at->second);
    }
  }
}

const Route* exactly(const std::vector<Route>& routes, const dns::Name& zone) {
  const auto at = std::lower_bound(routes.begin(), routes.end(), zone, zone_before);
  return at != routes.end() && at->zone == zone ? &*at : nullptr;
}

}  // namespace

Routes::Routes(std::vector<Route> routes) {
  for (Route& route : routes) {
    const auto at = std::lower_bound(routes_.begin(), routes_.end(), route.zone, zone_before);
    if (at == routes_.end() || !(at->zone == route.zone)) routes_.insert(at, std::move(route));
  }
  level_rates(routes_);
}

const Route* Routes::above(const dns::Name& name) const {
  if (routes_.empty()) return nullptr;
  for (dns::Name zone = name;; zone = zone.parent()) {
    if (const Route* route = exactly(routes_, zone)) return route;
    if (zone.is_root()) return nullptr;
  }
}

bool Routes::any_below(const dns::Name& name) const {
  // What is below a name follows it in canonical order (RFC 4034 §6.1).
  auto at = std::lower_bound(routes_.begin(), routes_.end(), name, zone_before);
  if (at != routes_.end() && at->zone == name) ++at;
  return at != routes_.end() && at->zone.is_strictly_below(name);
}

std::vector<dns::Name> changed_zones(const Routes& before, const Routes& after) {
  std::vector<dns::Name> zones;
  for (const Route& route : before.all()) {
    const Route* now = exactly(after.all(), route.zone);
    if (now == nullptr || now->kind != route.kind || now->to != route.to) zones.push_back(route.zone);
  }
  for (const Route& route : after.all()) {
    if (exactly(before.all(), route.zone) == nullptr) zones.push_back(route.zone);
  }
  return zones;
}

}  // namespace redoubt::resolver
