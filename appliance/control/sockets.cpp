// The sockets at which control listens, made before its door shuts.
#include <fmt/format.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>

#include "appliance/control/files.hpp"
#include "appliance/log/log.hpp"

namespace redoubt::control {

namespace {

using channel::Descriptor;

constexpr unsigned parent_mode = 0755;
constexpr mode_t socket_mode = 0660;

template <class Address>
const sockaddr* generic(const Address& address) {
  return reinterpret_cast<const sockaddr*>(&address);  // NOLINT: the API's way
}

Descriptor unix_socket() { return Descriptor{::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)}; }

enum class AtPath { nothing, leftover, somebody, something_else };

/// What is at the path now. Only a socket whose connect() is refused is a leftover of a former life.
AtPath look_at(const sockaddr_un& address) {
  struct stat status {};
  if (::lstat(address.sun_path, &status) != 0) return errno == ENOENT ? AtPath::nothing : AtPath::something_else;
  if (!S_ISSOCK(status.st_mode)) return AtPath::something_else;
  const Descriptor probe = unix_socket();
  if (::connect(probe.get(), generic(address), sizeof address) == 0) return AtPath::somebody;
  return errno == ECONNREFUSED ? AtPath::leftover : AtPath::somebody;
}

}  // namespace

std::expected<Descriptor, std::string> open_api_listener(const std::string& path) {
  const auto trouble = [&](std::string_view what) {
    return std::unexpected{fmt::format("control.socket: {}: {}", log::printable(path), what)};
  };
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path)
    return trouble(fmt::format("longer than {} octets", sizeof address.sun_path - 1));
  std::ranges::copy(path, address.sun_path);
  if (const int error = make_folders(folder_of(path), parent_mode); error != 0) return trouble(std::strerror(error));
  switch (look_at(address)) {
    case AtPath::nothing:
      break;
    case AtPath::leftover:
      if (::unlink(address.sun_path) != 0) return trouble(std::strerror(errno));
      break;
    case AtPath::somebody:
      return trouble("another process listens there");
    case AtPath::something_else:
      return trouble("something else than a socket is there");
  }
  Descriptor socket = unix_socket();
  if (!socket || ::bind(socket.get(), generic(address), sizeof address) != 0 ||
      ::chmod(address.sun_path, socket_mode) != 0 || ::listen(socket.get(), SOMAXCONN) != 0) {
    return trouble(std::strerror(errno));
  }
  return socket;
}

std::expected<Descriptor, std::string> open_http_listener(const dns::Endpoint& at) {
  const auto octets = at.address.octets();
  Descriptor socket{::socket(at.address.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  const int yes = 1;
  bool done = socket && ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes) == 0;
  if (done && at.address.is_v6()) {
    sockaddr_in6 address{};
    address.sin6_family = AF_INET6;
    address.sin6_port = htons(at.port);
    std::memcpy(&address.sin6_addr, octets.data(), octets.size());
    done = ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &yes, sizeof yes) == 0 &&
           ::bind(socket.get(), generic(address), sizeof address) == 0;
  } else if (done) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(at.port);
    std::memcpy(&address.sin_addr, octets.data(), octets.size());
    done = ::bind(socket.get(), generic(address), sizeof address) == 0;
  }
  if (!done || ::listen(socket.get(), SOMAXCONN) != 0)
    return std::unexpected{fmt::format("control.http: {}: {}", at.to_text(), std::strerror(errno))};
  return socket;
}

std::vector<dns::IpAddress> own_addresses() {
  std::vector<dns::IpAddress> addresses;
  ifaddrs* list = nullptr;
  if (::getifaddrs(&list) != 0) return addresses;
  const std::unique_ptr<ifaddrs, void (*)(ifaddrs*)> owner{list, &::freeifaddrs};
  for (const ifaddrs* row = list; row != nullptr; row = row->ifa_next) {
    if (row->ifa_addr == nullptr) continue;
    const void* const raw = row->ifa_addr;
    std::optional<dns::IpAddress> address;
    if (row->ifa_addr->sa_family == AF_INET) {
      const auto& v4 = *static_cast<const sockaddr_in*>(raw);
      address =
          dns::IpAddress::from_octets({reinterpret_cast<const std::uint8_t*>(&v4.sin_addr), 4});  // NOLINT: its octets
    } else if (row->ifa_addr->sa_family == AF_INET6) {
      const auto& v6 = *static_cast<const sockaddr_in6*>(raw);
      address = dns::IpAddress::from_octets({v6.sin6_addr.s6_addr, 16});
    }
    if (address && std::ranges::find(addresses, *address) == addresses.end()) addresses.push_back(*address);
  }
  return addresses;
}

}  // namespace redoubt::control
