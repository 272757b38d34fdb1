#pragma once
// The few system calls on stream sockets that this process makes. All sockets are non-blocking and close-on-exec.
#include <sys/socket.h>

#include <cstdint>
#include <expected>
#include <optional>
#include <system_error>
#include <utility>

#include "dns/address.hpp"

namespace redoubt::transport {

/// Owns a descriptor.
class Socket {
 public:
  Socket() = default;
  explicit Socket(int descriptor) : descriptor_{descriptor} {}
  Socket(Socket&& other) noexcept : descriptor_{std::exchange(other.descriptor_, -1)} {}
  Socket& operator=(Socket&& other) noexcept {
    if (this != &other) {
      reset();
      descriptor_ = std::exchange(other.descriptor_, -1);
    }
    return *this;
  }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  ~Socket() { reset(); }
  int get() const { return descriptor_; }
  explicit operator bool() const { return descriptor_ >= 0; }
  void reset();

 private:
  int descriptor_ = -1;
};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t octets = sizeof(sockaddr_storage);
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  sockaddr* get() { return reinterpret_cast<sockaddr*>(&storage); }
};
SocketAddress to_socket_address(const dns::Endpoint& endpoint);
/// IPv4 addresses inside ::ffff:0:0/96 come as the IPv4 addresses they mean; nothing for other families.
std::optional<dns::Endpoint> from_socket_address(const SocketAddress& address);

struct Accepted {
  Socket socket;
  dns::Endpoint peer;
};
/// Sets for all connections that are accepted from here on what each would have to be told: that answers leave at once,
/// and how much the kernel may hold of them. False when it is no socket that could be used.
bool prepare_listening(const Socket& listening);
/// The next waiting connection. The error is accept4(2)'s: EAGAIN when nobody waits.
std::expected<Accepted, std::error_code> accept_from(const Socket& listening);

/// Begins a connection; done, or failed (see connect_result()), once the socket can be written.
/// source: the address to come from; nothing leaves it to the kernel.
std::expected<Socket, std::error_code> begin_connect(const dns::Endpoint& server,
                                                     const std::optional<dns::IpAddress>& source);
/// How the connection attempt ended; no error when it is connected.
std::error_code connect_result(const Socket& socket);

bool make_non_blocking(const Socket& socket);
/// Lets the kernel acknowledge at once what has come by TCP. A refusal costs the peer time, no more.
void acknowledge_now(const Socket& socket);

}  // namespace redoubt::transport
