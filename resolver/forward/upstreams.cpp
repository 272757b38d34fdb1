#include "resolver/forward/upstreams.hpp"

#include <sodium.h>

#include <array>
#include <cstring>
#include <set>

namespace redoubt::resolver {

std::size_t Upstreams::Hash::operator()(const dns::Endpoint& endpoint) const {
  static_assert(crypto_shorthash_BYTES == sizeof(std::uint64_t) &&
                crypto_shorthash_KEYBYTES == std::tuple_size_v<dns::HashKey>);
  const auto octets = endpoint.address.octets();
  std::array<std::uint8_t, crypto_shorthash_BYTES> hashed;
  crypto_shorthash(hashed.data(), octets.data(), octets.size(), key.data());
  std::uint64_t value = 0;
  std::memcpy(&value, hashed.data(), sizeof value);
  return value ^ endpoint.port;
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
