#pragma once
// What is known of the servers that we keep connections to: how many are open, how fast new ones were opened, which
// server wastes them, which cannot take several queries at once. Pure: times come in, nothing is waited for.
#include <cstdint>
#include <map>
#include <optional>

#include "dns/address.hpp"
#include "transport/client/upstream_fault.hpp"
#include "transport/limits.hpp"
#include "transport/net/loop.hpp"
#include "transport/server/query_taker.hpp"

namespace redoubt::transport {

/// Connections are shared by those who mean the same endpoint and the same protocol, and ask as little who is there.
struct UpstreamServer {
  dns::Endpoint endpoint;
  Protocol protocol = Protocol::tcp;
  bool anybody = false;  ///< a stranger would do
  auto operator<=>(const UpstreamServer&) const = default;
};

/// So many connections in a row without one answer, and the server is left alone for `rest`; afterwards each further
/// one brings the next rest (reconnect storms: a server that accepts and closes).
inline constexpr unsigned fruitless_connections = 3;
inline constexpr std::chrono::seconds rest{10};
/// For how long a server that closed on several queries at once gets them one by one.
inline constexpr std::chrono::seconds one_by_one_time{60};

class ServerBook {
 public:
  /// Why no connection may be opened now; nothing when one may, which then counts as opened. A server that rests fails
  /// as it failed last; a limit of ours is too_many.
  std::optional<UpstreamFault> admit(const UpstreamServer& server, const Limits& limits, Clock::time_point now);
  /// One that was admitted is gone, or came to nothing.
  void closed(const UpstreamServer& server);
  void answered(const UpstreamServer& server);
  /// A connection ended without ever having brought an answer to those who waited.
  void fruitless(const UpstreamServer& server, UpstreamFault fault, Clock::time_point now);
  /// It closed while more than one query was with it.
  void cannot_pipeline(const UpstreamServer& server, Clock::time_point now);
  bool one_by_one(const UpstreamServer& server, Clock::time_point now) const;
  std::size_t size() const { return records_.size(); }

 private:
  struct Record {
    std::size_t open = 0;
    std::uint64_t connects = 0;  ///< since window_began
    Clock::time_point window_began;
    unsigned fruitless = 0;  ///< in a row
    UpstreamFault last_fault = UpstreamFault::closed_early;
    Clock::time_point rests_until;
    Clock::time_point one_by_one_until;
  };

  bool make_room(Clock::time_point now);

  std::map<UpstreamServer, Record> records_;
};

/// Servers remembered at once; when all of them were connected to within the last second, no new one is.
inline constexpr std::size_t max_servers = 4096;

}  // namespace redoubt::transport
