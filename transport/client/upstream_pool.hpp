#pragma once
// Exchanges with servers over streams: how many, with whom, from which address. A connection serves one exchange; this
// is the place where one that stays open for the next would be kept, by endpoint.
#include <cstdint>
#include <list>
#include <map>
#include <memory>
#include <unordered_map>
#include <vector>

#include "transport/client/upstream_exchange.hpp"
#include "transport/counters.hpp"
#include "transport/limits.hpp"
#include "transport/server/query_taker.hpp"

namespace redoubt::transport {

/// Chosen by whoever asks; not used again while it lives.
using UpstreamId = std::uint64_t;

struct UpstreamRequest {
  UpstreamId id;
  Protocol protocol;
  dns::Endpoint server;
  std::chrono::milliseconds patience;
  std::vector<std::uint8_t> query;
};

class UpstreamPool {
 public:
  UpstreamPool(Executor executor, Counters& counters);
  /// For exchanges from now on. sources: the addresses to come from; a family of which there is none leaves it to the
  /// kernel.
  void use(const Limits& limits, std::vector<dns::IpAddress> sources);
  /// done comes once: from the loop, or at once when nothing can be begun. False, and no done, when that id lives.
  bool fetch(UpstreamRequest request, UpstreamDone done);
  /// No done any more. An unknown id is old news.
  void abandon(UpstreamId id);
  void abandon_all();
  std::size_t exchanges() const { return exchanges_.size(); }

 private:
  /// What one server has had of us lately. Kept while a connection is open, or for a second after the window began.
  struct Server {
    std::size_t open = 0;
    std::uint64_t connects = 0;  ///< since window_began
    Clock::time_point window_began;
  };
  struct Running {
    dns::Endpoint server;
    std::unique_ptr<UpstreamExchange> exchange;
  };

  bool admit(const dns::Endpoint& server, Clock::time_point now);
  void forget_quiet_servers(Clock::time_point now);
  std::optional<dns::IpAddress> source_for(const dns::IpAddress& server);
  void finished(UpstreamId id, const UpstreamDone& done, UpstreamResult result);
  void fail(const UpstreamDone& done, UpstreamFault fault);
  void end(std::unordered_map<UpstreamId, Running>::iterator running);

  Executor executor_;
  Counters& counters_;
  Limits limits_;
  std::vector<dns::IpAddress> sources_;
  std::size_t next_source_ = 0;
  std::unordered_map<UpstreamId, Running> exchanges_;
  std::map<dns::Endpoint, Server> servers_;
};

}  // namespace redoubt::transport
