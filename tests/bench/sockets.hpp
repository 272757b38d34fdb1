#pragma once
// What the programs of the bench share: UDP sockets by address, and leaving with one line when something is wrong.
#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <string_view>

namespace redoubt::bench {

[[noreturn]] inline void fail(std::string_view what) {
  std::fprintf(stderr, "%.*s\n", static_cast<int>(what.size()), what.data());
  std::exit(1);
}

/// "192.0.2.1@53"; IPv4 alone, for that is what the bench uses.
inline sockaddr_in address_of(const std::string& text) {
  const std::size_t at = text.find('@');
  sockaddr_in address{};
  address.sin_family = AF_INET;
  if (at == std::string::npos || inet_pton(AF_INET, text.substr(0, at).c_str(), &address.sin_addr) != 1)
    fail("expected ADDRESS@PORT, found " + text);
  address.sin_port = htons(static_cast<std::uint16_t>(std::atoi(text.c_str() + at + 1)));
  return address;
}

inline const sockaddr* generic(const sockaddr_in& address) {
  return reinterpret_cast<const sockaddr*>(&address);  // as the socket calls want it
}

inline int datagram_socket() {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (socket < 0) fail("no socket");
  const int octets = 4 << 20;
  setsockopt(socket, SOL_SOCKET, SO_RCVBUFFORCE, &octets, sizeof octets);
  setsockopt(socket, SOL_SOCKET, SO_SNDBUFFORCE, &octets, sizeof octets);
  return socket;
}

inline int bound_socket(const std::string& text) {
  const int socket = datagram_socket();
  const int yes = 1;
  setsockopt(socket, SOL_SOCKET, SO_REUSEPORT, &yes, sizeof yes);
  const sockaddr_in address = address_of(text);
  if (bind(socket, generic(address), sizeof address) != 0) fail("cannot bind " + text + ": " + std::strerror(errno));
  return socket;
}

}  // namespace redoubt::bench
