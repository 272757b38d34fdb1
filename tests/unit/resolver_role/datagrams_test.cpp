#include "resolver/role/datagrams.hpp"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <memory>
#include <string>
#include <vector>

namespace redoubt::resolver {
namespace {

class Socket {
 public:
  Socket(const char* address, bool tell_destination) : fd_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)} {
    sockaddr_in here{};
    here.sin_family = AF_INET;
    inet_pton(AF_INET, address, &here.sin_addr);
    EXPECT_EQ(bind(fd_, reinterpret_cast<sockaddr*>(&here), sizeof here), 0);
    const int on = 1;
    if (tell_destination) setsockopt(fd_, IPPROTO_IP, IP_PKTINFO, &on, sizeof on);
  }
  ~Socket() { close(fd_); }
  Socket(const Socket&) = delete;
  Socket& operator=(const Socket&) = delete;
  int get() const { return fd_; }
  std::uint16_t port() const {
    sockaddr_in here{};
    socklen_t size = sizeof here;
    getsockname(fd_, reinterpret_cast<sockaddr*>(&here), &size);
    return ntohs(here.sin_port);
  }
  void send(const char* address, std::uint16_t port, const std::string& text) const {
    sockaddr_in there{};
    there.sin_family = AF_INET;
    there.sin_port = htons(port);
    inet_pton(AF_INET, address, &there.sin_addr);
    ASSERT_EQ(sendto(fd_, text.data(), text.size(), 0, reinterpret_cast<sockaddr*>(&there), sizeof there),
              static_cast<ssize_t>(text.size()));
  }
  /// What arrives next, and from where.
  std::pair<std::string, std::string> receive() const {
    char octets[8192];
    sockaddr_in from{};
    socklen_t size = sizeof from;
    const ssize_t count = recvfrom(fd_, octets, sizeof octets, MSG_DONTWAIT, reinterpret_cast<sockaddr*>(&from), &size);
    if (count < 0) return {"nothing", ""};
    char text[INET_ADDRSTRLEN];
    inet_ntop(AF_INET, &from.sin_addr, text, sizeof text);
    return {std::string(octets, static_cast<std::size_t>(count)), text};
  }

 private:
  int fd_;
};

void answer(DatagramBatch& batch, const std::string& text, const ReturnPath& path) {
  std::memcpy(batch.room().data(), text.data(), text.size());
  batch.commit(text.size(), path);
}

std::string text_of(std::span<const std::uint8_t> octets) { return {octets.begin(), octets.end()}; }

TEST(DatagramBatch, nothing_waits_on_a_quiet_socket) {
  const Socket server{"127.0.0.1", false};
  DatagramBatch batch;
  EXPECT_EQ(batch.receive(server.get()), 0U);
}

TEST(DatagramBatch, takes_a_batch_at_a_time_and_answers_each_to_its_asker) {
  const Socket server{"127.0.0.1", false};
  std::vector<std::unique_ptr<Socket>> clients;
  for (std::size_t i = 0; i < batch_size + 3; ++i) {
    clients.push_back(std::make_unique<Socket>("127.0.0.1", false));
    clients.back()->send("127.0.0.1", server.port(), "query " + std::to_string(i));
  }
  DatagramBatch batch;
  std::size_t total = 0;
  for (const std::size_t expected : {batch_size, std::size_t{3}}) {
    ASSERT_EQ(batch.receive(server.get()), expected);
    for (std::size_t i = 0; i < expected; ++i) {
      const Datagram datagram = batch.datagram(i);
      EXPECT_EQ(text_of(datagram.octets), "query " + std::to_string(total + i));
      EXPECT_EQ(datagram.path->endpoint().port, clients[total + i]->port());
      answer(batch, "answer " + std::to_string(total + i), *datagram.path);
    }
    EXPECT_EQ(batch.flush(server.get()), 0U);
    total += expected;
  }
  for (std::size_t i = 0; i < clients.size(); ++i)
    EXPECT_EQ(clients[i]->receive().first, "answer " + std::to_string(i));
}

TEST(DatagramBatch, a_wildcard_socket_answers_from_the_address_that_was_asked) {
  const Socket server{"0.0.0.0", true};
  const Socket client{"127.0.0.1", false};
  client.send("127.0.0.77", server.port(), "hello");
  DatagramBatch batch;
  ASSERT_EQ(batch.receive(server.get()), 1U);
  answer(batch, "in the batch", *batch.datagram(0).path);
  auto kept = std::make_unique<ReturnPath>(*batch.datagram(0).path);
  EXPECT_EQ(batch.flush(server.get()), 0U);
  EXPECT_EQ(client.receive(), (std::pair<std::string, std::string>{"in the batch", "127.0.0.77"}));

  const std::string later = "later";
  std::ranges::copy(later, batch.room().begin());
  batch.commit_with_copy(later.size(), *kept);
  kept.reset();
  EXPECT_EQ(batch.flush(server.get()), 0U);
  EXPECT_EQ(client.receive(), (std::pair<std::string, std::string>{"later", "127.0.0.77"}));
}

TEST(DatagramBatch, a_datagram_that_is_too_long_comes_without_octets) {
  const Socket server{"127.0.0.1", false};
  const Socket client{"127.0.0.1", false};
  client.send("127.0.0.1", server.port(), std::string(max_datagram_query, 'x'));
  client.send("127.0.0.1", server.port(), std::string(max_datagram_query + 1, 'x'));
  DatagramBatch batch;
  ASSERT_EQ(batch.receive(server.get()), 2U);
  EXPECT_EQ(batch.datagram(0).octets.size(), max_datagram_query);
  EXPECT_TRUE(batch.datagram(1).octets.empty());
}

TEST(DatagramBatch, one_peer_that_cannot_be_reached_does_not_cost_the_others_their_answers) {
  const Socket server{"127.0.0.1", false};
  const Socket first{"127.0.0.1", false};
  const Socket second{"127.0.0.1", false};
  first.send("127.0.0.1", server.port(), "a");
  second.send("127.0.0.1", server.port(), "b");
  DatagramBatch batch;
  ASSERT_EQ(batch.receive(server.get()), 2U);
  ReturnPath nowhere = *batch.datagram(0).path;
  sockaddr_in unroutable{};
  unroutable.sin_family = AF_INET;
  unroutable.sin_port = 0;  // sendmsg refuses port 0
  std::memcpy(&nowhere.peer, &unroutable, sizeof unroutable);
  answer(batch, "lost", nowhere);
  answer(batch, "arrives", *batch.datagram(1).path);
  EXPECT_EQ(batch.flush(server.get()), 1U);
  EXPECT_EQ(second.receive().first, "arrives");
}

}  // namespace
}  // namespace redoubt::resolver
