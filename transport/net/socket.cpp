#include "transport/net/socket.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>

namespace redoubt::transport {

namespace {

/// What the kernel may hold of one connection that has not gone out yet: a peer with a closed window pins no more.
constexpr int max_unsent_octets = 64 * 1024;

std::error_code last_error() { return {errno, std::system_category()}; }

void set_option(int descriptor, int level, int option, int value) {
  // Each of these only makes things better: a kernel that refuses one leaves a connection that works.
  ::setsockopt(descriptor, level, option, &value, sizeof value);
}

}  // namespace

void Socket::reset() {
  if (descriptor_ >= 0) ::close(std::exchange(descriptor_, -1));
}

SocketAddress to_socket_address(const dns::Endpoint& endpoint) {
  SocketAddress address;
  const auto octets = endpoint.address.octets();
  if (endpoint.address.is_v6()) {
    sockaddr_in6 v6{};
    v6.sin6_family = AF_INET6;
    v6.sin6_port = htons(endpoint.port);
    std::memcpy(&v6.sin6_addr, octets.data(), octets.size());
    std::memcpy(&address.storage, &v6, sizeof v6);
    address.octets = sizeof v6;
  } else {
    sockaddr_in v4{};
    v4.sin_family = AF_INET;
    v4.sin_port = htons(endpoint.port);
    std::memcpy(&v4.sin_addr, octets.data(), octets.size());
    std::memcpy(&address.storage, &v4, sizeof v4);
    address.octets = sizeof v4;
  }
  return address;
}

std::optional<dns::Endpoint> from_socket_address(const SocketAddress& address) {
  if (address.storage.ss_family == AF_INET6) {
    sockaddr_in6 v6{};
    std::memcpy(&v6, &address.storage, sizeof v6);
    std::array<std::uint8_t, 16> octets{};
    std::memcpy(octets.data(), &v6.sin6_addr, octets.size());
    return dns::Endpoint{dns::IpAddress::v6(octets).unmapped(), ntohs(v6.sin6_port)};
  }
  if (address.storage.ss_family == AF_INET) {
    sockaddr_in v4{};
    std::memcpy(&v4, &address.storage, sizeof v4);
    std::array<std::uint8_t, 4> octets{};
    std::memcpy(octets.data(), &v4.sin_addr, octets.size());
    return dns::Endpoint{dns::IpAddress::v4(octets), ntohs(v4.sin_port)};
  }
  return std::nullopt;
}

/// Linux gives an accepted socket what its listening one has (tcp_create_openreq_child() begins with a copy).
bool prepare_listening(const Socket& listening) {
  if (!make_non_blocking(listening)) return false;
  set_option(listening.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  set_option(listening.get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, max_unsent_octets);
  return true;
}

void acknowledge_now(const Socket& socket) { set_option(socket.get(), IPPROTO_TCP, TCP_QUICKACK, 1); }

std::expected<Accepted, std::error_code> accept_from(const Socket& listening) {
  SocketAddress address;
  Socket socket{::accept4(listening.get(), address.get(), &address.octets, SOCK_NONBLOCK | SOCK_CLOEXEC)};
  if (!socket) return std::unexpected{last_error()};
  const auto peer = from_socket_address(address);
  if (!peer) return std::unexpected{std::make_error_code(std::errc::connection_aborted)};
  return Accepted{std::move(socket), *peer};
}

std::expected<Socket, std::error_code> begin_connect(const dns::Endpoint& server,
                                                     const std::optional<dns::IpAddress>& source) {
  const int family = server.address.is_v6() ? AF_INET6 : AF_INET;
  Socket socket{::socket(family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, IPPROTO_TCP)};
  if (!socket) return std::unexpected{last_error()};
  set_option(socket.get(), IPPROTO_TCP, TCP_NODELAY, 1);
  if (source) {
    // The port is chosen at connect(), so that connections to different servers may share one.
    set_option(socket.get(), IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1);
    const SocketAddress from = to_socket_address({*source, 0});
    if (::bind(socket.get(), from.get(), from.octets) != 0) return std::unexpected{last_error()};
  }
  const SocketAddress to = to_socket_address(server);
  if (::connect(socket.get(), to.get(), to.octets) != 0 && errno != EINPROGRESS) return std::unexpected{last_error()};
  return socket;
}

std::error_code connect_result(const Socket& socket) {
  int error = 0;
  socklen_t octets = sizeof error;
  if (::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &octets) != 0) return last_error();
  return {error, std::system_category()};
}

bool make_non_blocking(const Socket& socket) {
  const int flags = ::fcntl(socket.get(), F_GETFL);
  return flags >= 0 && ::fcntl(socket.get(), F_SETFL, flags | O_NONBLOCK) == 0;
}

}  // namespace redoubt::transport
