#include "appliance/signing/ask.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sodium.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <vector>

namespace redoubt::signing {

namespace {

using Clock = std::chrono::steady_clock;

/// A connection that nothing can hold longer than its deadline.
class Connection {
 public:
  Connection(const dns::Endpoint& server, Clock::time_point deadline) : deadline_{deadline} {
    sockaddr_storage address{};
    const socklen_t size = fill(address, server);
    descriptor_ = ::socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (descriptor_ < 0) {
      fail();
      return;
    }
    if (::connect(descriptor_, reinterpret_cast<const sockaddr*>(&address), size) == 0) return;
    if (errno != EINPROGRESS) {
      fail();
      return;
    }
    if (!wait_for(POLLOUT)) return;
    int error = 0;
    socklen_t length = sizeof error;
    ::getsockopt(descriptor_, SOL_SOCKET, SO_ERROR, &error, &length);
    if (error != 0) trouble_ = std::strerror(error);
  }
  ~Connection() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  void send(std::span<const std::uint8_t> octets) {
    while (trouble_.empty() && !octets.empty() && wait_for(POLLOUT)) {
      const ssize_t sent = ::send(descriptor_, octets.data(), octets.size(), MSG_NOSIGNAL);
      if (sent > 0) octets = octets.subspan(static_cast<std::size_t>(sent));
      if (sent < 0 && errno != EAGAIN && errno != EINTR) fail();
    }
  }
  void receive(std::span<std::uint8_t> octets) {
    while (trouble_.empty() && !octets.empty() && wait_for(POLLIN)) {
      const ssize_t got = ::recv(descriptor_, octets.data(), octets.size(), 0);
      if (got > 0) octets = octets.subspan(static_cast<std::size_t>(got));
      if (got == 0) trouble_ = "it closed the connection";
      if (got < 0 && errno != EAGAIN && errno != EINTR) fail();
    }
  }
  const std::string& trouble() const { return trouble_; }

 private:
  static socklen_t fill(sockaddr_storage& storage, const dns::Endpoint& server) {
    const auto octets = server.address.octets();
    if (server.address.is_v6()) {
      auto& address = reinterpret_cast<sockaddr_in6&>(storage);
      address.sin6_family = AF_INET6;
      address.sin6_port = htons(server.port);
      std::memcpy(&address.sin6_addr, octets.data(), octets.size());
      return sizeof address;
    }
    auto& address = reinterpret_cast<sockaddr_in&>(storage);
    address.sin_family = AF_INET;
    address.sin_port = htons(server.port);
    std::memcpy(&address.sin_addr, octets.data(), octets.size());
    return sizeof address;
  }
  void fail() { trouble_ = std::strerror(errno); }
  bool wait_for(short events) {
    pollfd one{descriptor_, events, 0};
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - Clock::now()).count();
    if (left > 0 && ::poll(&one, 1, static_cast<int>(left)) > 0) return true;
    trouble_ = "no answer in time";
    return false;
  }

  Clock::time_point deadline_;
  int descriptor_ = -1;
  std::string trouble_;
};

std::vector<std::uint8_t> framed(const dns::Message& message) {
  const std::vector<std::uint8_t> wire = message.to_wire();
  std::vector<std::uint8_t> out{static_cast<std::uint8_t>(wire.size() >> 8),
                                static_cast<std::uint8_t>(wire.size() & 0xff)};
  out.insert(out.end(), wire.begin(), wire.end());
  return out;
}

}  // namespace

std::expected<dns::Message, std::string> ask(const dns::Endpoint& server, const dns::Question& question,
                                             const AskOptions& options) {
  const auto fault = [&](const std::string& what) { return std::unexpected{server.to_text() + ": " + what}; };
  if (sodium_init() < 0) return fault("no random numbers");
  dns::Message query;
  query.header.id = static_cast<std::uint16_t>(randombytes_uniform(65536));
  query.header.recursion_desired = options.recursion;
  query.question = question;
  query.edns.emplace().dnssec_ok = options.dnssec;
  if (options.notify) {
    query.header.opcode = dns::Opcode::notify;
    query.header.authoritative = true;  // RFC 1996 §3.2
  }
  Connection connection{server, Clock::now() + options.timeout};
  if (connection.trouble().empty()) connection.send(framed(query));
  std::array<std::uint8_t, 2> length{};
  connection.receive(length);
  std::vector<std::uint8_t> wire(static_cast<std::size_t>(length[0] << 8 | length[1]));
  connection.receive(wire);
  if (!connection.trouble().empty()) return fault(connection.trouble());
  auto reply = dns::Message::parse(wire);
  if (!reply) return fault("its answer is malformed");
  if (!reply->header.response || reply->header.id != query.header.id || reply->question != query.question ||
      reply->header.opcode != query.header.opcode)
    return fault("it answered another question");
  return std::move(*reply);
}

}  // namespace redoubt::signing
