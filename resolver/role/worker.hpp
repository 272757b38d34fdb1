#pragma once
// One thread of the resolver role: its own listener sockets, event loop, random numbers and upstream sockets. Workers
// share the cache and the table of resolutions in flight, nothing else.
#include <array>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "appliance/channel/channel.hpp"
#include "appliance/channel/control_resolver.hpp"
#include "appliance/channel/resolver_transport.hpp"
#include "appliance/channel/statistics.hpp"
#include "policy/access/access_list.hpp"
#include "resolver/desk.hpp"
#include "resolver/role/stream_road.hpp"
#include "resolver/role/upstream_datagrams.hpp"

namespace redoubt::resolver {

/// What a generation of the configuration means for a worker. Immutable; swapped whole between batches.
struct WorkerSettings {
  policy::AccessList access;
  OutgoingSettings outgoing;
  std::shared_ptr<const Settings> core;
};

/// Counters of one thread: written by it alone, read by anyone.
struct WorkerCounters {
  std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(channel::ResolverCounter::count)> values{};
  void add(channel::ResolverCounter which, std::uint64_t amount = 1) {
    auto& value = values[static_cast<std::size_t>(which)];
    value.store(value.load(std::memory_order_relaxed) + amount,
                std::memory_order_relaxed);  // one writer: no locked instruction
  }
  std::uint64_t get(channel::ResolverCounter which) const {
    return values[static_cast<std::size_t>(which)].load(std::memory_order_relaxed);
  }
};

class Worker {
 public:
  using Answered = std::function<void(std::vector<std::uint8_t>)>;

  /// shared and road outlive the worker. The thread starts at once.
  Worker(Shared& shared, StreamRoad& road, std::shared_ptr<const WorkerSettings> settings);
  /// Ends the thread; what is not answered yet never will be.
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  // From any thread; each takes effect between two batches.
  void use(std::shared_ptr<const WorkerSettings> settings);
  void take_socket(channel::ListenerId listener, channel::Descriptor socket);
  void drop_listener(channel::ListenerId listener);
  /// A client's query that came by a stream; the answer goes to the road.
  void ask(channel::Ask ask);
  /// The operator's own query: no access list. done is called on the worker's thread, once.
  void resolve_for(std::vector<std::uint8_t> query, Answered done);

  /// A resolution of its own, told step by step; both callbacks on the worker's thread, done once and last.
  struct Tracing {
    channel::TraceFor request;
    std::function<void(channel::TraceStep)> step;
    std::function<void(channel::Traced)> done;
  };
  void trace(Tracing tracing);

  const WorkerCounters& counters() const;

 private:
  class Loop;
  std::unique_ptr<Loop> loop_;
};

}  // namespace redoubt::resolver
