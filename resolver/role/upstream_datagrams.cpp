#include "resolver/role/upstream_datagrams.hpp"

#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/deferred.hpp>
#include <boost/asio/experimental/parallel_group.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <cstring>
#include <optional>

#include "resolver/role/machine_clock.hpp"
#include "resolver/upstream/reply_match.hpp"

namespace redoubt::resolver {

namespace asio = boost::asio;

namespace {

/// Draws before we say that the machine has no port left. With nine tenths of all ports taken, sixty-four draws miss
/// once in a thousand times; a held port is never shared instead (attacks: port exhaustion).
constexpr int port_draws = 64;

struct SocketAddress {
  sockaddr_in6 storage{};
  socklen_t octets = 0;
};

SocketAddress socket_address(const dns::IpAddress& address, std::uint16_t port) {
  SocketAddress out;
  if (address.is_v6()) {
    out.storage.sin6_family = AF_INET6;
    out.storage.sin6_port = htons(port);
    std::memcpy(&out.storage.sin6_addr, address.octets().data(), 16);
    out.octets = sizeof(sockaddr_in6);
  } else {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(port);
    std::memcpy(&v4.sin_addr, address.octets().data(), 4);
    std::memcpy(&out.storage, &v4, sizeof v4);
    out.octets = sizeof(sockaddr_in);
  }
  return out;
}

const sockaddr* as_sockaddr(const SocketAddress& address) {
  return reinterpret_cast<const sockaddr*>(&address.storage);  // the sockets API's own idiom
}

NetworkFault fault_of(int error) {
  switch (error) {
    case ECONNREFUSED:
      return NetworkFault::refused;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN:
      return NetworkFault::no_resources;
    default:
      return NetworkFault::unreachable;
  }
}

/// Forged ICMP must neither shrink what we send nor leave a route exception behind (attacks: SAD DNS II).
void ignore_path_mtu(int socket, bool v6) {
  const int omit = v6 ? IPV6_PMTUDISC_OMIT : IP_PMTUDISC_OMIT;
  if (v6) {
    setsockopt(socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &omit, sizeof omit);
  } else {
    setsockopt(socket, IPPROTO_IP, IP_MTU_DISCOVER, &omit, sizeof omit);
  }
}

bool send_query(int socket, const Exchange& exchange, const Guards& guards) {
  const SocketAddress there = socket_address(exchange.server.address, exchange.server.port);
  const sockaddr* to = guards.connected_sockets ? nullptr : as_sockaddr(there);  // a connected one knows where to
  const socklen_t octets = guards.connected_sockets ? 0 : there.octets;
  return sendto(socket, exchange.query.data(), exchange.query.size(), MSG_NOSIGNAL, to, octets) >= 0;
}

/// Counts an exchange while it lives, however its coroutine ends.
class Held {
 public:
  explicit Held(std::uint32_t& count) : count_{&count} { ++*count_; }
  Held(const Held&) = delete;
  Held& operator=(const Held&) = delete;
  ~Held() { --*count_; }

 private:
  std::uint32_t* count_;
};

}  // namespace

std::expected<int, NetworkFault> UpstreamDatagrams::open(const dns::Endpoint& server) {
  const bool v6 = server.address.is_v6();
  const int socket = ::socket(v6 ? AF_INET6 : AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (socket < 0) return std::unexpected{fault_of(errno)};
  if (settings_.guards.path_mtu_ignored) ignore_path_mtu(socket, v6);

  dns::IpAddress source = v6 ? dns::IpAddress::v6({}) : dns::IpAddress{};
  std::uint32_t seen = 0;
  for (const dns::IpAddress& candidate : settings_.addresses) {
    if (candidate.is_v6() == v6 && random_->below(++seen) == 0)
      source = candidate;  // each of the family with the same chance
  }
  const std::uint32_t ports = std::uint32_t{settings_.last_port} - settings_.first_port + 1;
  int trouble = EADDRINUSE;
  for (int draw = 0; draw < port_draws && trouble == EADDRINUSE; ++draw) {
    const auto drawn = static_cast<std::uint16_t>(settings_.first_port + random_->below(ports));
    const std::uint16_t port = settings_.guards.own_ports ? drawn : 0;
    const SocketAddress here = socket_address(source, port);
    trouble = bind(socket, as_sockaddr(here), here.octets) == 0 ? 0 : errno;
    if (trouble == EACCES) trouble = EADDRINUSE;  // a reserved port in the configured range: draw again
  }
  const SocketAddress there = socket_address(server.address, server.port);
  if (trouble == 0 && settings_.guards.connected_sockets && connect(socket, as_sockaddr(there), there.octets) != 0)
    trouble = errno;
  if (trouble != 0) {
    close(socket);
    return std::unexpected{trouble == EADDRINUSE ? NetworkFault::no_resources : fault_of(trouble)};
  }
  return socket;
}

Task<std::expected<Reply, NetworkFault>> UpstreamDatagrams::exchange(Exchange exchange) {
  if (open_ >= settings_.max_open) co_return std::unexpected{NetworkFault::no_resources};
  const Held held{open_};
  const auto opened = open(exchange.server);
  if (!opened) co_return std::unexpected{opened.error()};
  asio::posix::stream_descriptor socket{executor_};
  boost::system::error_code registered;
  socket.assign(*opened, registered);
  if (registered) {  // the loop cannot watch one more; the descriptor is still ours
    close(*opened);
    co_return std::unexpected{NetworkFault::no_resources};
  }
  MachineTimer timer{executor_};

  const Instant started = MachineClock::now();
  if (!send_query(*opened, exchange, settings_.guards)) co_return std::unexpected{fault_of(errno)};
  ++counts_.queries;

  Reply reply;
  timer.expires_at(exchange.deadline);
  for (;;) {
    const auto [order, waited, expired] =
        co_await asio::experimental::make_parallel_group(
            socket.async_wait(asio::posix::stream_descriptor::wait_read, asio::deferred),
            timer.async_wait(asio::deferred))
            .async_wait(asio::experimental::wait_for_one(), asio::use_awaitable);
    if (waited) {  // the timer was first, or the loop is ending
      ++counts_.timeouts;
      co_return std::unexpected{reply.mismatched == 0 ? NetworkFault::timed_out : NetworkFault::spoofed};
    }
    for (;;) {
      const ssize_t octets = recv(*opened, buffer_.data(), buffer_.size(), MSG_DONTWAIT | MSG_TRUNC);
      if (octets < 0) {
        if (errno == EINTR) continue;
        if (errno == EAGAIN) break;
        // Somebody says by ICMP that this was too long, although what we send may be cut to pieces: nothing to heed.
        if (errno == EMSGSIZE && settings_.guards.path_mtu_ignored) continue;
        co_return std::unexpected{fault_of(errno)};
      }
      // Longer than what we said we take: no honest server sends it, and fragments are where forgeries ride (RFC 9715).
      const std::size_t taken = std::min(static_cast<std::size_t>(octets), buffer_.size());
      const bool too_long = settings_.guards.datagram_bound && static_cast<std::size_t>(octets) > buffer_.size();
      const auto message = std::span<const std::uint8_t>{buffer_}.first(too_long ? 0 : taken);
      if (!too_long && is_reply_to(exchange.query, message, exchange.cookie)) {
        reply.message.assign(message.begin(), message.end());
        reply.round_trip = MachineClock::now() - started;
        co_return reply;
      }
      ++counts_.mismatched;
      if (++reply.mismatched >= max_mismatched_replies && settings_.guards.mismatch_bound)
        co_return std::unexpected{NetworkFault::spoofed};
    }
  }
}

}  // namespace redoubt::resolver
