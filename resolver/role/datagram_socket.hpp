#pragma once
// The calls of the sockets API that exchanges with servers by UDP make, in our own types.
#include <netinet/in.h>
#include <sys/socket.h>

#include <cstdint>

#include "dns/address.hpp"

namespace redoubt::resolver {

/// Of either family.
struct SocketAddress {
  sockaddr_in6 storage{};
  socklen_t octets = 0;
};

SocketAddress socket_address(const dns::IpAddress& address, std::uint16_t port);
const sockaddr* as_sockaddr(const SocketAddress& address);
bool is_address(const SocketAddress& there, const dns::Endpoint& server);

/// 0 or errno, as connect_to().
int bind_to(int socket, const dns::IpAddress& address, std::uint16_t port);
int connect_to(int socket, const dns::Endpoint& server);
/// It has no port then, unless it was bound to one by its number.
bool connect_to_nobody(int socket);
/// The next time that the kernel chooses a port for the socket. Linux 6.3, for both families; one that lies outside of
/// net.ipv4.ip_local_port_range is not heeded. False where the kernel does not know how.
bool take_no_port_but(int socket, std::uint16_t port);
/// 0 where that cannot be had.
std::uint16_t port_of(int socket);

/// Forged ICMP must neither shrink what we send nor leave a route exception behind (attacks: SAD DNS II).
void ignore_path_mtu(int socket, bool v6);
/// Each datagram is handed over with the address and port that it was sent to.
bool tell_destinations(int socket, bool v6);
/// 0: it was not said.
std::uint16_t destination_port(const msghdr& message);

}  // namespace redoubt::resolver
