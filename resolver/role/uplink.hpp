#pragma once
#include "resolver/network.hpp"
#include "resolver/role/stream_road.hpp"
#include "resolver/role/upstream_datagrams.hpp"
#include "resolver/role/worker_counters.hpp"

namespace redoubt::resolver {

/// Both roads to servers behind the core's one interface.
class Uplink final : public Network {
 public:
  Uplink(UpstreamDatagrams& datagrams, StreamRoad& road, std::shared_ptr<FetchReturns> returns,
         WorkerCounters& counters)
      : datagrams_{&datagrams}, road_{&road}, returns_{std::move(returns)}, counters_{&counters} {}

  /// Each road's own task, without one around it.
  Task<std::expected<Reply, NetworkFault>> exchange(Exchange exchange) override {
    counters_->add(counter_of(exchange.transport));
    if (exchange.transport == UpstreamTransport::udp) return datagrams_->exchange(std::move(exchange));
    if (exchange.by_floor) counters_->add(channel::ResolverCounter::limit_entropy_floor);
    return road_->fetch(std::move(exchange), returns_);
  }

 private:
  static channel::ResolverCounter counter_of(UpstreamTransport transport) {
    switch (transport) {
      case UpstreamTransport::udp:
        return channel::ResolverCounter::upstream_udp_queries;
      case UpstreamTransport::tcp:
        return channel::ResolverCounter::upstream_tcp_queries;
      case UpstreamTransport::tls:
        return channel::ResolverCounter::upstream_tls_queries;
      case UpstreamTransport::https:
        return channel::ResolverCounter::upstream_https_queries;
    }
    return channel::ResolverCounter::upstream_tcp_queries;
  }

  UpstreamDatagrams* datagrams_;
  StreamRoad* road_;
  std::shared_ptr<FetchReturns> returns_;
  WorkerCounters* counters_;
};

}  // namespace redoubt::resolver
