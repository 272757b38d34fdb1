#pragma once
// What tests of the sockets towards servers talk to.
#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <sys/socket.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <functional>
#include <span>
#include <vector>

#include "dns/address.hpp"

namespace redoubt::resolver {

namespace asio = boost::asio;

/// A server on loopback that a test scripts: it is called for each query and may send what it likes.
class ScriptedServer {
 public:
  using Script = std::function<void(ScriptedServer&, std::vector<std::uint8_t> query, sockaddr_in client)>;

  ScriptedServer(asio::io_context& loop, Script script, std::uint32_t address = INADDR_LOOPBACK)
      : address_{address}, socket_{loop, open()}, script_{std::move(script)} {
    listen();
  }

  dns::Endpoint endpoint() const {
    return {dns::IpAddress::v4({static_cast<std::uint8_t>(address_ >> 24), static_cast<std::uint8_t>(address_ >> 16),
                                static_cast<std::uint8_t>(address_ >> 8), static_cast<std::uint8_t>(address_)}),
            port_};
  }
  void send(std::span<const std::uint8_t> octets, const sockaddr_in& client) {
    sendto(socket_.native_handle(), octets.data(), octets.size(), 0, reinterpret_cast<const sockaddr*>(&client),
           sizeof client);
  }
  std::size_t queries = 0;
  std::vector<sockaddr_in> clients;

 private:
  int open() {
    const int fd = ::socket(AF_INET, SOCK_DGRAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    here.sin_addr.s_addr = htonl(address_);
    EXPECT_EQ(bind(fd, reinterpret_cast<sockaddr*>(&here), sizeof here), 0);
    socklen_t size = sizeof here;
    getsockname(fd, reinterpret_cast<sockaddr*>(&here), &size);
    port_ = ntohs(here.sin_port);
    return fd;
  }
  void listen() {
    socket_.async_wait(asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code error) {
      if (error) return;
      std::vector<std::uint8_t> query(4096);
      sockaddr_in client{};
      socklen_t size = sizeof client;
      ssize_t octets = 0;
      while ((octets = recvfrom(socket_.native_handle(), query.data(), query.size(), 0,
                                reinterpret_cast<sockaddr*>(&client), &size)) > 0) {
        ++queries;
        clients.push_back(client);
        script_(*this, {query.begin(), query.begin() + octets}, client);
      }
      listen();
    });
  }

  std::uint32_t address_;
  std::uint16_t port_ = 0;
  asio::posix::stream_descriptor socket_;
  Script script_;
};

/// The query itself with QR set: as much of an answer as the sockets look at.
inline std::vector<std::uint8_t> answer_to(std::vector<std::uint8_t> query) {
  query[2] |= 0x80;
  return query;
}

}  // namespace redoubt::resolver
