#pragma once
// Zones whose questions go to servers that the configuration names: forward zones to other resolvers, stub zones to
// authoritative servers. Plain values, immutable while in use.
#include <cstdint>
#include <vector>

#include "dns/address.hpp"
#include "dns/name.hpp"
#include "dns/question.hpp"
#include "resolver/upstream_transport.hpp"

namespace redoubt::resolver {

enum class RouteKind : std::uint8_t {
  forward,  ///< resolvers: they are asked with RD, and their word holds without AA
  stub      ///< authoritative servers: they are asked without RD, in the place of those that the parent names
};

enum class UpstreamOrder : std::uint8_t { fastest, configured };

inline constexpr std::size_t max_servers_of_a_route = 16;

/// The servers of one zone. The configuration's word stands above do-not-query: an upstream may be at loopback or
/// link-local.
struct Route {
  dns::Name zone;
  RouteKind kind = RouteKind::forward;
  std::vector<dns::Endpoint> to;  ///< empty: its file names none now
  /// udp moves on to TCP where an answer needs it; the others keep to themselves, whatever fails.
  UpstreamTransport transport = UpstreamTransport::udp;
  UpstreamOrder order = UpstreamOrder::fastest;
  /// Of a forward zone: resolved from the root when none of its servers helps.
  bool first = false;
  /// Packets a second towards each server; zero: as many as there are. One server named by several routes has the
  /// lowest of theirs.
  std::uint32_t max_rate = 0;
  bool operator==(const Route&) const = default;
};

/// All routes; the one with the longest zone counts.
class Routes {
 public:
  Routes() = default;
  /// Of two for the same zone the first one counts.
  explicit Routes(std::vector<Route> routes);

  /// The route of a question; null: by iteration from the root. DS of a zone's apex goes where the parent goes
  /// (RFC 4035 §3.1.4.1).
  const Route* of(const dns::Question& question) const {
    return above(question.type == dns::type::ds ? question.name.parent() : question.name);
  }
  /// The route of the deepest zone at or above the name, or null.
  const Route* above(const dns::Name& name) const;
  /// Whether a route begins somewhere below the name: what is known of the name says nothing about all below it.
  bool any_below(const dns::Name& name) const;
  bool empty() const { return routes_.empty(); }
  const std::vector<Route>& all() const { return routes_; }

 private:
  std::vector<Route> routes_;  // by zone, in canonical order
};

/// Zones whose route is not the same in both: what is cached of them came another way.
std::vector<dns::Name> changed_zones(const Routes& before, const Routes& after);

}  // namespace redoubt::resolver
