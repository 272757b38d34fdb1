#pragma once
// The way to servers as the resolution core sees it: real sockets in production, a simulated Internet in tests.
#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "dns/address.hpp"
#include "resolver/clock.hpp"
#include "resolver/task.hpp"
#include "resolver/upstream_transport.hpp"

namespace redoubt::resolver {

/// Why there is no reply. spoofed: too many wrong ones came by UDP, so that the exchange was given up in favour of TCP.
/// stalled: there is a connection, over which nothing came. untrusted, expired, wrong_name, wrong_key: by its
/// certificate the server is not who it has to be, and was asked nothing. interrupted: our own process for streams
/// ended meanwhile, which says nothing of the server. http_*: a request of HTTP got a status 4xx, a status 5xx or a
/// reset, or something that is no DNS message.
enum class NetworkFault : std::uint8_t {
  timed_out,
  refused,
  unreachable,
  closed_early,
  malformed,
  spoofed,
  no_resources,
  untrusted,
  stalled,
  expired,
  wrong_name,
  wrong_key,
  http_refused,
  http_failed,
  http_strange,
  interrupted
};
/// Whether the fault lies with ourselves: nothing was learned of the server.
constexpr bool is_our_own(NetworkFault fault) {
  return fault == NetworkFault::no_resources || fault == NetworkFault::interrupted;
}
/// For people: "port closed".
std::string_view describe(NetworkFault fault);

/// What a reply must carry beside id and question, by UDP (RFC 7873 §5.3).
struct ExpectedCookie {
  std::array<std::uint8_t, 8> client{};
  /// The server is known to send it back: a reply without it is somebody else's. Otherwise only a wrong one is.
  bool required = false;
};

struct Exchange {
  dns::Endpoint server;
  UpstreamTransport transport = UpstreamTransport::udp;
  std::vector<std::uint8_t> query;  ///< a whole message; its id and question are what the reply must echo
  Instant deadline;
  std::optional<ExpectedCookie> cookie{};
  bool to_anybody = false;  ///< by TLS, whoever it is that answers there (RFC 9539)
  bool by_floor = false;    ///< by TCP because a datagram would be guessed too easily (Limit::entropy_floor)
};

struct Reply {
  std::vector<std::uint8_t> message;  ///< echoes id and question exactly; beyond that nothing is checked
  Duration round_trip{};
  std::uint32_t mismatched = 0;  ///< replies that came to the socket and were no answer to this query
};

class Network {
 public:
  virtual ~Network() = default;
  /// Sends the query and waits for a reply that matches it (reply_match.hpp). Wrong replies are counted and waited
  /// past, never taken for an end (attacks: TuDoor). UDP: a fresh connected socket on a port of our own drawing (RFC
  /// 5452). Never throws.
  virtual Task<std::expected<Reply, NetworkFault>> exchange(Exchange exchange) = 0;
};

/// Unpredictable numbers. The real one draws from libsodium; tests draw from a seed.
class Random {
 public:
  virtual ~Random() = default;
  virtual std::uint32_t below(std::uint32_t bound) = 0;
  virtual void fill(std::span<std::uint8_t> octets) = 0;
};

}  // namespace redoubt::resolver
