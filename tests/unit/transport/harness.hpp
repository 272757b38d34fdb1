#pragma once
// Real sockets on loopback and one event loop, all in the test's own thread: nothing sleeps, the loop runs until
// something is so or far too much time has passed.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <cerrno>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <functional>
#include <string>
#include <vector>

#include "dns/message.hpp"
#include "transport/framing/frame_reader.hpp"
#include "transport/net/loop.hpp"
#include "transport/net/socket.hpp"

namespace redoubt::transport::test {

using Octets = std::vector<std::uint8_t>;
using namespace std::chrono_literals;

inline Octets query(std::uint16_t id, const std::string& name = "www.example.") {
  dns::Message message;
  message.header.id = id;
  message.header.recursion_desired = true;
  message.question = dns::Question{.name = dns::Name::literal(name), .type = dns::RrType{1}};
  return message.to_wire();
}

/// The query turned into an answer of `octets` octets: what is behind the question is zeros.
inline Octets answer_to(Octets message, std::size_t octets = 0) {
  message[2] |= 0x80U;
  if (message.size() < octets) message.resize(octets);
  return message;
}

inline std::uint16_t id_of(std::span<const std::uint8_t> message) {
  return static_cast<std::uint16_t>(message[0] << 8U | message[1]);
}

inline Octets framed(const Octets& message) {
  Octets frame{static_cast<std::uint8_t>(message.size() >> 8U), static_cast<std::uint8_t>(message.size() & 0xffU)};
  frame.insert(frame.end(), message.begin(), message.end());
  return frame;
}

inline dns::Endpoint local_endpoint(const Socket& socket) {
  SocketAddress address;
  EXPECT_EQ(::getsockname(socket.get(), address.get(), &address.octets), 0);
  return from_socket_address(address).value();
}

/// A listening socket on a port of the kernel's choice.
inline Socket listening_socket(const std::string& address = "127.0.0.1", int backlog = 1024) {
  const dns::Endpoint at{dns::IpAddress::from_text(address).value(), 0};
  Socket socket{::socket(at.address.is_v6() ? AF_INET6 : AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  const SocketAddress where = to_socket_address(at);
  EXPECT_EQ(::bind(socket.get(), where.get(), where.octets), 0);
  EXPECT_EQ(::listen(socket.get(), backlog), 0);
  return socket;
}

/// A peer of ours: never waits for anything.
class Peer {
 public:
  explicit Peer(Socket connected) : socket_{std::move(connected)} {}
  /// Connects from `from`; receive_buffer > 0 makes a small window.
  explicit Peer(const dns::Endpoint& server, const std::string& from = "127.0.0.1", int receive_buffer = 0) {
    socket_ = Socket{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (receive_buffer > 0) {
      ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVBUF, &receive_buffer, sizeof receive_buffer);
    }
    const SocketAddress source = to_socket_address({dns::IpAddress::from_text(from).value(), 0});
    EXPECT_EQ(::bind(socket_.get(), source.get(), source.octets), 0);
    const SocketAddress to = to_socket_address(server);
    EXPECT_EQ(::connect(socket_.get(), to.get(), to.octets), 0) << std::strerror(errno);
    make_non_blocking(socket_);
  }

  /// Octets that the kernel took; 0 when it takes none.
  std::size_t send(std::span<const std::uint8_t> octets) {
    const ssize_t count = ::send(socket_.get(), octets.data(), octets.size(), MSG_NOSIGNAL);
    return count > 0 ? static_cast<std::size_t>(count) : 0;
  }
  void send_frame(const Octets& message) {
    const Octets frame = framed(message);
    EXPECT_EQ(send(frame), frame.size());
  }

  /// Takes what is there; false once the other side has closed.
  bool take() {
    std::array<std::uint8_t, 65536> buffer;
    while (!closed_) {
      const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), 0);
      if (count > 0) {
        octets_ += static_cast<std::size_t>(count);
        reader_.append(std::span{buffer}.first(static_cast<std::size_t>(count)));
        while (const auto message = reader_.next().value_or(std::nullopt)) {
          messages_.emplace_back(message->begin(), message->end());
        }
      } else if (count == 0 || errno != EAGAIN) {
        closed_ = true;
      } else {
        break;
      }
    }
    return !closed_;
  }
  bool closed() { return !take(); }
  const std::vector<Octets>& messages() {
    take();
    return messages_;
  }
  std::size_t octets() const { return octets_; }

  void finish() { ::shutdown(socket_.get(), SHUT_WR); }
  /// Leaves with a reset.
  void reset() {
    const linger now{.l_onoff = 1, .l_linger = 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_LINGER, &now, sizeof now);
    socket_.reset();
    closed_ = true;
  }
  void close() { socket_.reset(); }
  const Socket& socket() const { return socket_; }

 private:
  Socket socket_;
  FrameReader reader_;
  std::vector<Octets> messages_;
  std::size_t octets_ = 0;
  bool closed_ = false;
};

class LoopTest : public ::testing::Test {
 protected:
  /// Runs the loop until it is so. False after `patience`, which is far more than anything here needs.
  bool run_until(const std::function<bool()>& so, std::chrono::milliseconds patience = 10s) {
    const auto end = Clock::now() + patience;
    while (!so()) {
      if (Clock::now() > end) return false;
      loop_.restart();
      loop_.run_one_for(2ms);
      loop_.poll();
    }
    return true;
  }
  /// Does all that is ready.
  void settle() {
    for (int i = 0; i < 20; ++i) {
      loop_.restart();
      loop_.poll();
    }
  }
  Executor executor() { return loop_.get_executor(); }

  boost::asio::io_context loop_{1};
};

}  // namespace redoubt::transport::test
