#include "appliance/monitor/listeners.hpp"

#include <fmt/format.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <system_error>
#include <utility>

namespace redoubt::monitor {

namespace {

using channel::Descriptor;
using channel::SocketKind;

constexpr int stream_backlog = 1024;             // connections that wait for accept()
constexpr int datagram_buffer_octets = 1 << 20;  // queries that wait while their role is busy or started again
constexpr std::uint16_t first_unprivileged_port = 1024;

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

SocketAddress to_socket_address(const dns::Endpoint& endpoint) {
  SocketAddress address;
  const auto octets = endpoint.address.octets();
  if (endpoint.address.is_v6()) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, octets.data(), octets.size());
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.size = sizeof v6;
  } else {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, octets.data(), octets.size());
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.size = sizeof v4;
  }
  return address;
}

bool set(const Descriptor& socket, int level, int option, int value) {
  return ::setsockopt(socket.get(), level, option, &value, sizeof value) == 0;
}

bool is_wildcard(const dns::IpAddress& address) {
  return std::ranges::all_of(address.octets(), [](std::uint8_t octet) { return octet == 0; });
}

/// What datagram sockets need before bind(): on a wildcard, the address a query was sent to comes along with it, for
/// the answer must leave from there; and path MTU is neither looked for nor believed, so that forged ICMP cannot make
/// us send fragments.
bool prepare_datagrams(const Descriptor& socket, const dns::IpAddress& address) {
  const bool v6 = address.is_v6();
  set(socket, SOL_SOCKET, SO_RCVBUF, datagram_buffer_octets);  // the kernel caps it; less is no error
  if (is_wildcard(address) &&
      !(v6 ? set(socket, IPPROTO_IPV6, IPV6_RECVPKTINFO, 1) : set(socket, IPPROTO_IP, IP_PKTINFO, 1))) {
    return false;
  }
  return v6 ? set(socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, IPV6_PMTUDISC_OMIT)
            : set(socket, IPPROTO_IP, IP_MTU_DISCOVER, IP_PMTUDISC_OMIT);
}

bool prepare(const Descriptor& socket, const dns::IpAddress& address, SocketKind kind) {
  if (address.is_v6() && !set(socket, IPPROTO_IPV6, IPV6_V6ONLY, 1)) return false;
  if (kind == SocketKind::datagram) return prepare_datagrams(socket, address);
  // TCP only: connections of a former life in TIME_WAIT are no reason to refuse. UDP would share the port with whoever
  // asks.
  return set(socket, SOL_SOCKET, SO_REUSEADDR, 1);
}

std::string reason(int error, std::uint16_t port) {
  if (error == EACCES && port < first_unprivileged_port) {
    return "permission denied: binding a port below 1024 needs root or CAP_NET_BIND_SERVICE";
  }
  if (error == EADDRINUSE) return "address already in use";
  if (error == EADDRNOTAVAIL) return "this machine has no such address";
  return std::system_category().message(error);
}

/// join: the address is ours already, by another socket that lets others join. Otherwise bind() says when anybody else
/// has it. errors   errno
std::expected<Descriptor, int> bound_socket(const dns::Endpoint& at, SocketKind kind, bool join) {
  const int type = kind == SocketKind::datagram ? SOCK_DGRAM : SOCK_STREAM;
  Descriptor socket{::socket(at.address.is_v6() ? AF_INET6 : AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket || !prepare(socket, at.address, kind)) return std::unexpected{errno};
  if (join && !set(socket, SOL_SOCKET, SO_REUSEPORT, 1)) return std::unexpected{errno};
  const SocketAddress address = to_socket_address(at);
  if (::bind(socket.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) !=
      0) {  // NOLINT: the API's way
    return std::unexpected{errno};
  }
  // After bind(): from here on our further workers may join, a stranger's first socket could not have.
  if (!join && !set(socket, SOL_SOCKET, SO_REUSEPORT, 1)) return std::unexpected{errno};
  if (kind == SocketKind::stream && ::listen(socket.get(), stream_backlog) != 0) return std::unexpected{errno};
  return socket;
}

/// One line for all that is wrong with one listener.
std::string trouble_of(const dns::Endpoint& at, const std::expected<void, std::string>& datagrams,
                       const std::expected<void, std::string>& streams) {
  const auto one = [&](std::string_view kind, const std::string& why) {
    return fmt::format("listen: {} ({}): {}", at.to_text(), kind, why);
  };
  if (streams) return one("udp", datagrams.error());
  if (datagrams) return one("tcp", streams.error());
  if (datagrams.error() == streams.error()) return one("udp, tcp", streams.error());
  return one("udp", datagrams.error()) + "; " + one("tcp", streams.error());
}

bool same(const channel::Bind& one, const channel::Bind& other) {
  return one.at == other.at && one.datagrams == other.datagrams && one.streams == other.streams &&
         (one.workers == other.workers || !one.datagrams);
}

}  // namespace

std::expected<bool, std::string> Listeners::bind(const channel::Bind& wanted) {
  const auto standing = listeners_.find(wanted.listener);
  if (standing != listeners_.end() && same(standing->second.wanted, wanted)) return false;
  if (standing == listeners_.end() && listeners_.size() >= channel::max_listeners) {
    return std::unexpected{
        fmt::format("listen: {}: more than {} listeners", wanted.at.to_text(), channel::max_listeners)};
  }

  Listener listener{.wanted = wanted, .sockets = {}};
  const auto add = [&](SocketKind kind, std::uint32_t worker) -> std::expected<void, std::string> {
    auto socket = bound_socket(wanted.at, kind, worker > 0 || holds(wanted.at, kind));
    if (!socket) return std::unexpected{reason(socket.error(), wanted.at.port)};
    listener.sockets.push_back({.as = {.listener = wanted.listener, .kind = kind, .worker = worker, .bound = wanted.at},
                                .socket = *std::move(socket)});
    return {};
  };
  std::expected<void, std::string> datagrams;
  for (std::uint32_t worker = 0; wanted.datagrams && datagrams && worker < wanted.workers; ++worker)
    datagrams = add(SocketKind::datagram, worker);
  std::expected<void, std::string> streams;
  if (wanted.streams) streams = add(SocketKind::stream, 0);
  if (!datagrams || !streams) return std::unexpected{trouble_of(wanted.at, datagrams, streams)};
  listeners_.insert_or_assign(wanted.listener, std::move(listener));
  return true;
}

bool Listeners::holds(const dns::Endpoint& at, SocketKind kind) const {
  return std::ranges::any_of(listeners_, [&](const auto& row) {
    return std::ranges::any_of(row.second.sockets,
                               [&](const BoundSocket& bound) { return bound.as.bound == at && bound.as.kind == kind; });
  });
}

bool Listeners::unbind(channel::ListenerId listener) { return listeners_.erase(listener) != 0; }

const std::vector<BoundSocket>& Listeners::sockets_of(channel::ListenerId listener) const {
  static const std::vector<BoundSocket> none;
  const auto found = listeners_.find(listener);
  return found == listeners_.end() ? none : found->second.sockets;
}

std::vector<channel::ListenerId> Listeners::ids() const {
  std::vector<channel::ListenerId> all;
  for (const auto& [id, listener] : listeners_) all.push_back(id);
  return all;
}

}  // namespace redoubt::monitor
