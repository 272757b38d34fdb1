#pragma once
// One thread of the resolver role: its own listener sockets, event loop, random numbers and upstream sockets. Workers
// share the cache and the table of resolutions in flight, nothing else.
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

#include "appliance/channel/channel.hpp"
#include "appliance/channel/control_resolver.hpp"
#include "appliance/channel/resolver_transport.hpp"
#include "policy/access/access_list.hpp"
#include "resolver/desk.hpp"
#include "resolver/role/query_log.hpp"
#include "resolver/role/stream_road.hpp"
#include "resolver/role/upstream_datagrams.hpp"
#include "resolver/role/worker_counters.hpp"

namespace redoubt::resolver {

/// What a generation of the configuration means for a worker. Immutable; swapped whole between batches.
struct WorkerSettings {
  std::uint64_t number = 0;  ///< tells these settings from all that the workers had before
  policy::AccessList access;
  policy::AllowedNames access_names;
  OutgoingSettings outgoing;
  QueryLogSettings query_log;
  std::size_t packet_cache_octets = 0;     ///< of each worker
  std::uint32_t amplified_answers = 1000;  ///< each worker's share of Limit::amplified_answers
  std::shared_ptr<const Settings> core;
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
  /// Where the query log's records go; outlives the worker. Before this nothing is logged.
  void log_to(QueryRing& ring);
  /// Queries of clients that came by streams, together; the answers go to the road, those that are known together.
  void ask(std::vector<channel::Ask> asks);
  /// The operator's own query: no access list. done is called on the worker's thread, once.
  void resolve_for(std::vector<std::uint8_t> query, Answered done);
  /// From servers, although the cache may have it.
  void resolve_afresh(std::vector<std::uint8_t> query, Answered done);

  /// Called on the worker's thread as soon as that takes up anything. Monitor has it done every two seconds, so what
  /// came while there was no memory to tell of it is found then.
  void when_turning(std::function<void()> done);

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
