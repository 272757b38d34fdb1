#pragma once
// Servers and clients on loopback for the tests of the resolver role.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "dns/address.hpp"
#include "dns/message.hpp"

namespace redoubt::resolver::testing {

/// A datagram socket on loopback, closed with its owner.
class LoopbackSocket {
 public:
  explicit LoopbackSocket(const char* address, std::uint16_t port = 0)
      : fd_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in here = at(address, port);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&here), sizeof here), 0);
    socklen_t size = sizeof here;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&here), &size);
    port_ = ntohs(here.sin_port);
  }
  ~LoopbackSocket() {
    if (fd_ >= 0) close(fd_);
  }
  LoopbackSocket(const LoopbackSocket&) = delete;
  LoopbackSocket& operator=(const LoopbackSocket&) = delete;

  static sockaddr_in at(const char* address, std::uint16_t port) {
    sockaddr_in out{};
    out.sin_family = AF_INET;
    out.sin_port = htons(port);
    inet_pton(AF_INET, address, &out.sin_addr);
    return out;
  }
  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  std::uint16_t port() const { return port_; }
  void send(const std::vector<std::uint8_t>& octets, const sockaddr_in& to) const {
    sendto(fd_, octets.data(), octets.size(), 0, reinterpret_cast<const sockaddr*>(&to), sizeof to);
  }
  /// What comes within the time, if anything does.
  std::optional<std::vector<std::uint8_t>> receive(int milliseconds, sockaddr_in* from = nullptr) const {
    pollfd waiting{fd_, POLLIN, 0};
    if (poll(&waiting, 1, milliseconds) <= 0) return std::nullopt;
    std::vector<std::uint8_t> octets(65536);
    sockaddr_in peer{};
    socklen_t size = sizeof peer;
    const ssize_t count = recvfrom(fd_, octets.data(), octets.size(), 0, reinterpret_cast<sockaddr*>(&peer), &size);
    if (count < 0) return std::nullopt;
    if (from != nullptr) *from = peer;
    octets.resize(static_cast<std::size_t>(count));
    return octets;
  }

 private:
  int fd_;
  std::uint16_t port_ = 0;
};

/// An authority for the root zone and everything in it, on a thread of its own.
class Authority {
 public:
  using Answer = std::function<std::optional<dns::Message>(dns::Message query)>;
  explicit Authority(Answer answer) : socket_{"127.0.0.1"}, answer_{std::move(answer)}, thread_{[this] { run(); }} {}
  ~Authority() {
    stop_ = true;
    thread_.join();
  }
  Authority(const Authority&) = delete;
  Authority& operator=(const Authority&) = delete;
  std::uint16_t port() const { return socket_.port(); }
  unsigned queries() const { return queries_; }

  /// An authoritative answer of one address.
  static dns::Message address(dns::Message query, std::uint8_t last_octet, std::uint32_t ttl) {
    query.header.response = query.header.authoritative = true;
    query.answer.push_back(
        {query.question->name, dns::type::a, dns::rr_class::in, dns::Ttl::from_wire(ttl), {192, 0, 2, last_octet}});
    return query;
  }

 private:
  void run() {
    while (!stop_) {
      sockaddr_in client{};
      const auto octets = socket_.receive(20, &client);
      if (!octets) continue;
      ++queries_;
      const auto query = dns::Message::parse(*octets);
      if (!query) continue;
      if (const auto reply = answer_(*query)) socket_.send(reply->to_wire(), client);
    }
  }

  LoopbackSocket socket_;
  Answer answer_;
  std::atomic<bool> stop_ = false;
  std::atomic<unsigned> queries_ = 0;
  std::thread thread_;
};

inline std::vector<std::uint8_t> client_query(std::string_view name, dns::RrType type = dns::type::a,
                                              std::uint16_t id = 0x4242) {
  dns::Message query;
  query.header.id = id;
  query.header.recursion_desired = true;
  query.question = dns::Question{dns::Name::literal(name), type};
  query.edns = dns::Edns{};
  return query.to_wire();
}

}  // namespace redoubt::resolver::testing
