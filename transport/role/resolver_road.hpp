#pragma once
// The transport's end of its channel to resolver: clients' queries go out, servers' answers too, answers and errands
// come in.
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>

#include "appliance/channel/async_channel.hpp"
#include "appliance/channel/resolver_transport.hpp"
#include "transport/client/upstream_pool.hpp"
#include "transport/net/loop.hpp"
#include "transport/server/query_taker.hpp"
#include "transport/server/stream_server.hpp"

namespace redoubt::transport {

channel::FetchFault to_channel(UpstreamFault fault);

class ResolverRoad : public QueryTaker {
 public:
  /// use() comes before attach().
  explicit ResolverRoad(const Executor& executor) : channel_{executor}, retry_{executor}, executor_{executor} {}
  void use(StreamServer& server, UpstreamPool& upstreams) {
    server_ = &server;
    upstreams_ = &upstreams;
  }
  /// A fresh channel: to a resolver that knows nothing of the former one's queries and errands.
  void attach(channel::Channel channel);

  bool ask(AskId id, const Origin& origin, std::span<const std::uint8_t> query) override;
  void withdraw(AskId id) override;

 private:
  void receive(const channel::Received& received);
  void flush();
  void lost();
  void fetch(channel::Fetch request);
  void give(const channel::Give& give);
  bool send(const channel::TransportToResolver& message);

  channel::AsyncChannel channel_;
  Timer retry_;
  Executor executor_;
  StreamServer* server_ = nullptr;
  UpstreamPool* upstreams_ = nullptr;
  /// Queries of this turn: they leave together, and stay while the resolver takes no more.
  std::vector<channel::Ask> together_;
  std::size_t octets_together_ = 0;
  /// What answers rest on that we may keep; nothing before a resolver has told us.
  std::optional<channel::Basis> basis_;
  bool flush_due_ = false;
  bool stuck_ = false;
  /// Work that is posted to the loop looks here whether the road is still there.
  std::shared_ptr<bool> alive_ = std::make_shared<bool>(true);
};

/// A sibling that talks garbage is broken or taken over: better to start afresh than to go on beside it.
[[noreturn]] void end_because_of(std::string_view sibling);

}  // namespace redoubt::transport
