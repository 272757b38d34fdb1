#pragma once
#include <cstdint>

namespace redoubt::transport {

/// What this process has done so far; the role shows it as metrics.
struct Counters {
  std::uint64_t connections_accepted = 0;
  std::uint64_t connections_refused = 0;  ///< closed at once, over a limit or for want of descriptors
  std::uint64_t connections_open = 0;     ///< now
  std::uint64_t queries = 0;
  std::uint64_t answers = 0;
  std::uint64_t near_noerror = 0;  ///< of the answers, those that the resolver has not seen, by their code
  std::uint64_t near_nxdomain = 0;
  std::uint64_t near_other = 0;
  std::uint64_t near_secure = 0;         ///< of these, whatever the code
  std::uint64_t closed_idle = 0;         ///< by time, or to make room
  std::uint64_t closed_malformed = 0;    ///< what came was no query
  std::uint64_t closed_slow = 0;         ///< unfinished message, answers not taken
  std::uint64_t handshakes = 0;          ///< of TLS, with clients and servers, that came to their end
  std::uint64_t handshakes_resumed = 0;  ///< of these, by a ticket
  std::uint64_t handshakes_failed = 0;   ///< an alert, either way
  std::uint64_t handshakes_refused = 0;  ///< not begun, over a limit
  std::uint64_t upstream_connections = 0;
  std::uint64_t upstream_exchanges = 0;
  std::uint64_t upstream_failures = 0;
  std::uint64_t upstream_connections_open = 0;  ///< now
  std::uint64_t upstream_reused = 0;            ///< exchanges on a connection that was there already
  std::uint64_t upstream_retries = 0;           ///< exchanges begun again because the server closed a used connection
  std::uint64_t upstream_throttled = 0;         ///< exchanges not begun because the server wastes connections
};

}  // namespace redoubt::transport
