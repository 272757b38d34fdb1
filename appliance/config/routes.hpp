#pragma once
// Forward and stub zones: what the checker says of them, and what they come to with the files that name servers.
#include <vector>

#include "appliance/config/compile.hpp"
#include "appliance/config/configuration.hpp"
#include "appliance/config/values.hpp"

namespace redoubt::config {

/// One forward or stub zone as the resolver is told of it.
struct PlannedRoute {
  dns::Name zone;
  bool stub = false;
  std::vector<dns::Endpoint> to{};  ///< empty: its questions fail
  UpstreamTransport transport = UpstreamTransport::udp;
  UpstreamOrder order = UpstreamOrder::fastest;
  bool first = false;
  std::uint32_t max_rate = 0;
};

/// The usual port of the transport where none was given.
dns::Endpoint endpoint_of(const Upstream& upstream, UpstreamTransport transport);

/// What a stub zone has in common with a forward zone: whom it asks, how, and who that has to be.
Forward as_forward(const Stub& stub);

/// Of `to`, or of the file as it is now.
std::vector<dns::Endpoint> servers_of(const Forward& forward, const Configuration& configuration,
                                      const Circumstances& circumstances);

/// In the order of the configuration, forward zones first. Servers of files that are ourselves are left out, and so are
/// those that would have to show who they are and of which nobody says who that is.
std::vector<PlannedRoute> plan_routes(const Configuration& configuration, const Circumstances& circumstances);

/// Whether queries to that endpoint would come back to one of the listeners. own: addresses of this machine, which
/// listeners on a wildcard address serve.
bool leads_to_us(const dns::Endpoint& server, const std::vector<Listener>& listeners,
                 std::span<const dns::IpAddress> own);

/// Notes what is wrong with the zones as a whole. node: the list that they were read from; places: of the forward
/// zones.
void judge_forwards(const Configuration& configuration, const Node& node, Notebook& notes);
void judge_stubs(const Configuration& configuration, const Node& node, const Places& places, Notebook& notes);

}  // namespace redoubt::config
