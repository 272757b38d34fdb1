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

  Task<std::expected<Reply, NetworkFault>> exchange(Exchange exchange) override {
    if (exchange.transport == UpstreamTransport::udp) {
      counters_->add(counter_of(exchange.transport));
      auto reply = co_await datagrams_->exchange(std::move(exchange));
      const std::uint64_t made = datagrams_->sockets().made;
      counters_->add(channel::ResolverCounter::upstream_sockets_made, made - sockets_made_);
      sockets_made_ = made;
      if (!reply && reply.error() == NetworkFault::timed_out)
        counters_->add(channel::ResolverCounter::upstream_timeouts);
      if (!reply && reply.error() == NetworkFault::no_resources)
        counters_->add(channel::ResolverCounter::upstream_no_resources);
      if (reply && reply->mismatched != 0)
        counters_->add(channel::ResolverCounter::upstream_mismatched, reply->mismatched);
      if (!reply && reply.error() == NetworkFault::spoofed)
        counters_->add(channel::ResolverCounter::upstream_mismatched, max_mismatched_replies);
      co_return reply;
    }
    counters_->add(counter_of(exchange.transport));
    if (exchange.by_floor) counters_->add(channel::ResolverCounter::limit_entropy_floor);
    co_return co_await road_->fetch(std::move(exchange), returns_);
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
  std::uint64_t sockets_made_ = 0;  // as it has been counted
};

}  // namespace redoubt::resolver
