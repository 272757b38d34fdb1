#pragma once
// Everything that comes and goes by streams: the resolver's end of its channel to transport. Lives on the main thread;
// workers may call fetch() and give() from theirs.
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <optional>
#include <unordered_map>

#include "appliance/channel/async_channel.hpp"
#include "appliance/channel/resolver_transport.hpp"
#include "resolver/network.hpp"
#include "resolver/role/fetch_returns.hpp"
#include "resolver/role/machine_clock.hpp"

namespace redoubt::resolver {

class StreamRoad {
 public:
  using OnAsk = std::function<void(std::vector<channel::Ask>)>;

  /// executor is the main thread's. on_ask is called there, with the queries that came together.
  StreamRoad(boost::asio::any_io_executor executor, OnAsk on_ask);

  /// A fresh channel to transport; what was under way by the former one has failed.
  void attach(channel::Channel channel);
  /// From any worker's thread: resumes there, by its own returns.
  Task<std::expected<Reply, NetworkFault>> fetch(Exchange exchange, std::shared_ptr<FetchReturns> returns);
  /// From any thread. An empty answer closes the client's connection.
  void give(channel::ExchangeId id, std::vector<std::uint8_t> answer);
  /// Those that are there together.
  void give(std::vector<channel::Give> answers);
  /// What rests on another basis than this one is no longer given to anybody. On the main thread; it is behind all
  /// answers that were given there before.
  void use(const channel::Basis& basis);

 private:
  struct Pending {
    FetchReturns::Way back;
    Instant started;
    MachineTimer patience;
  };

  void start(Exchange exchange, FetchReturns::Way back);
  void finish(channel::ExchangeId id, std::expected<Reply, NetworkFault> result);
  /// Not the servers' doing: a transport that ends takes all its connections with it.
  void fail_all();
  void receive(const channel::Received& received);
  void send(channel::ResolverToTransport message);
  void tell_basis();

  boost::asio::any_io_executor executor_;
  OnAsk on_ask_;
  channel::AsyncChannel channel_;
  std::unordered_map<channel::ExchangeId, Pending> pending_;
  channel::ExchangeId next_id_ = 1;
  std::optional<channel::Basis> basis_;  ///< none before the first configuration
  MachineTimer basis_retry_;
};

}  // namespace redoubt::resolver
