#include "resolver/forward/upstreams.hpp"

#include <set>

#include "dns/keyed_hash.hpp"

namespace redoubt::resolver {

std::size_t Upstreams::Hash::operator()(const dns::Endpoint& endpoint) const {
  return dns::keyed_hash(endpoint.address.octets(), key) ^ endpoint.port;
}

std::shared_ptr<Upstream> Upstreams::at(const dns::Endpoint& server) {
  const std::lock_guard guard{lock_};
  std::shared_ptr<Upstream>& upstream = table_.touch(server);
  if (!upstream) upstream = std::make_shared<Upstream>(server);
  return upstream;
}

std::vector<UpstreamFigures> Upstreams::figures(const Routes& routes, Instant now) const {
  std::set<dns::Endpoint> servers;
  for (const Route& route : routes.all()) servers.insert(route.to.begin(), route.to.end());
  std::vector<UpstreamFigures> rows;
  const std::lock_guard guard{lock_};
  for (const dns::Endpoint& server : servers) {
    const std::shared_ptr<Upstream>* known = table_.find(server);
    UpstreamFigures never_asked;
    never_asked.at = server;
    rows.push_back(known != nullptr ? (*known)->figures(now) : never_asked);
  }
  return rows;
}

void Upstreams::count(const dns::Name& zone, bool failed) {
  const std::lock_guard guard{lock_};
  RouteFigures& figures = zones_.touch(zone);
  ++figures.questions;
  if (failed) ++figures.failures;
}

std::vector<RouteFigures> Upstreams::zone_figures(const Routes& routes) const {
  std::vector<RouteFigures> rows;
  const std::lock_guard guard{lock_};
  for (const Route& route : routes.all()) {
    const RouteFigures* known = zones_.find(route.zone);
    rows.push_back(known != nullptr ? *known : RouteFigures{});
    rows.back().zone = route.zone;
  }
  return rows;
}

}  // namespace redoubt::resolver
