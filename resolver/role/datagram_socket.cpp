#include "resolver/role/datagram_socket.hpp"

#include <cerrno>
#include <cstddef>
#include <cstring>

namespace redoubt::resolver {

namespace {

constexpr int ip_local_port_range = 51;  // Debian 12's headers have no name for it

}  // namespace

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

int bind_to(int socket, const dns::IpAddress& address, std::uint16_t port) {
  const SocketAddress here = socket_address(address, port);
  return bind(socket, as_sockaddr(here), here.octets) == 0 ? 0 : errno;
}

int connect_to(int socket, const dns::Endpoint& server) {
  const SocketAddress there = socket_address(server.address, server.port);
  return connect(socket, as_sockaddr(there), there.octets) == 0 ? 0 : errno;
}

bool connect_to_nobody(int socket) {
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  return connect(socket, &nobody, sizeof nobody) == 0;
}

bool take_no_port_but(int socket, std::uint16_t port) {
  const std::uint32_t range = port | std::uint32_t{port} << 16;  // first | last << 16
  return setsockopt(socket, IPPROTO_IP, ip_local_port_range, &range, sizeof range) == 0;
}

/// The port stands in the same place for both families.
std::uint16_t port_of(int socket) {
  sockaddr_in6 here{};
  socklen_t octets = sizeof here;
  if (getsockname(socket, reinterpret_cast<sockaddr*>(&here), &octets) != 0) return 0;
  return ntohs(here.sin6_port);
}

void ignore_path_mtu(int socket, bool v6) {
  const int omit = v6 ? IPV6_PMTUDISC_OMIT : IP_PMTUDISC_OMIT;
  if (v6) {
    setsockopt(socket, IPPROTO_IPV6, IPV6_MTU_DISCOVER, &omit, sizeof omit);
  } else {
    setsockopt(socket, IPPROTO_IP, IP_MTU_DISCOVER, &omit, sizeof omit);
  }
}

bool tell_destinations(int socket, bool v6) {
  const int yes = 1;
  return v6 ? setsockopt(socket, IPPROTO_IPV6, IPV6_RECVORIGDSTADDR, &yes, sizeof yes) == 0
            : setsockopt(socket, IPPROTO_IP, IP_RECVORIGDSTADDR, &yes, sizeof yes) == 0;
}

/// The port stands in the same place for both families.
std::uint16_t destination_port(const msghdr& message) {
  const cmsghdr* header = CMSG_FIRSTHDR(&message);
  if (header == nullptr || header->cmsg_len < CMSG_LEN(sizeof(sockaddr_in))) return 0;
  const bool v4 = header->cmsg_level == IPPROTO_IP && header->cmsg_type == IP_ORIGDSTADDR;
  const bool v6 = header->cmsg_level == IPPROTO_IPV6 && header->cmsg_type == IPV6_ORIGDSTADDR;
  if (!v4 && !v6) return 0;
  sockaddr_in start{};  // of either
  std::memcpy(&start, CMSG_DATA(header), sizeof start);
  return ntohs(start.sin_port);
}

bool is_address(const SocketAddress& there, const dns::Endpoint& server) {
  const SocketAddress expected = socket_address(server.address, server.port);
  if (there.octets != expected.octets || there.storage.sin6_family != expected.storage.sin6_family ||
      there.storage.sin6_port != expected.storage.sin6_port)
    return false;
  if (server.address.is_v6())
    return std::memcmp(&there.storage.sin6_addr, &expected.storage.sin6_addr, sizeof(in6_addr)) == 0;
  return std::memcmp(&there.storage, &expected.storage, offsetof(sockaddr_in, sin_addr) + sizeof(in_addr)) == 0;
}

}  // namespace redoubt::resolver
