// The least that a cache miss can cost with a fresh socket for each query to a server: the system calls that resolverd
// makes for one, and nothing else. What clients ask is put to the servers as it came, one after the other, each time
// from a socket on a port drawn anew; what the last of them says goes back to the client.
//
//   miss_loop ADDRESS@PORT SERVER@PORT...
#include <sys/epoll.h>

#include <array>
#include <random>
#include <vector>

#include "tests/bench/sockets.hpp"

namespace {

using namespace redoubt::bench;

constexpr std::size_t batch_size = 32;
constexpr std::size_t room_octets = 2048;
constexpr std::size_t most_under_way = 4096;
constexpr std::uint64_t listener = ~std::uint64_t{0};
using Room = std::array<std::uint8_t, room_octets>;

/// Datagrams that are taken or sent by one system call.
struct Batch {
  std::array<Room, batch_size> rooms;
  std::array<sockaddr_in, batch_size> peers;
  std::array<iovec, batch_size> vectors;
  std::array<mmsghdr, batch_size> headers;

  void prepare(std::size_t i, std::size_t octets) {
    vectors[i] = {rooms[i].data(), octets};
    headers[i] = {};
    headers[i].msg_hdr = {&peers[i], sizeof peers[i], &vectors[i], 1, nullptr, 0, 0};
  }
};

struct Question {
  int socket = -1;
  std::size_t asked = 0;  // servers
  sockaddr_in client{};
  std::size_t octets = 0;
  Room query;
};

class Loop {
 public:
  Loop(const std::string& here, std::vector<sockaddr_in> servers)
      : socket_{bound_socket(here)}, servers_{std::move(servers)}, questions_(most_under_way) {
    for (std::size_t i = 0; i < questions_.size(); ++i) free_.push_back(i);
    watch(socket_, listener);
  }

  [[noreturn]] void run() {
    for (;;) {
      std::array<epoll_event, 64> ready;
      const int count = epoll_wait(set_, ready.data(), ready.size(), -1);
      for (int i = 0; i < count; ++i) {
        const std::uint64_t which = ready[static_cast<std::size_t>(i)].data.u64;
        if (which == listener)
          take_queries();
        else
          take_reply(which);
      }
      send_answers();
    }
  }

 private:
  void watch(int socket, std::uint64_t as) {
    epoll_event watched{.events = EPOLLIN, .data = {.u64 = as}};
    if (epoll_ctl(set_, EPOLL_CTL_ADD, socket, &watched) != 0) fail("cannot watch a socket");
  }

  void take_queries() {
    for (std::size_t i = 0; i < batch_size; ++i) in_.prepare(i, room_octets);
    const int taken = recvmmsg(socket_, in_.headers.data(), batch_size, MSG_DONTWAIT, nullptr);
    for (std::size_t i = 0; taken > 0 && i < static_cast<std::size_t>(taken) && !free_.empty(); ++i) {
      const std::size_t at = free_.back();
      free_.pop_back();
      Question& question = questions_[at];
      question.asked = 0;
      question.client = in_.peers[i];
      question.octets = in_.headers[i].msg_len;
      std::memcpy(question.query.data(), in_.rooms[i].data(), question.octets);
      ask(at);
    }
  }

  void ask(std::size_t at) {
    Question& question = questions_[at];
    question.socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int omit = IP_PMTUDISC_OMIT;
    setsockopt(question.socket, IPPROTO_IP, IP_MTU_DISCOVER, &omit, sizeof omit);
    sockaddr_in here{};
    here.sin_family = AF_INET;
    do {
      here.sin_port = htons(static_cast<std::uint16_t>(1024 + chance_() % 64'512));
    } while (bind(question.socket, generic(here), sizeof here) != 0);
    const sockaddr_in& server = servers_[question.asked++];
    if (connect(question.socket, generic(server), sizeof server) != 0) fail("cannot connect");
    watch(question.socket, at);
    if (send(question.socket, question.query.data(), question.octets, MSG_NOSIGNAL) < 0) fail("cannot send");
  }

  void take_reply(std::size_t at) {
    Question& question = questions_[at];
    if (answers_ == batch_size) send_answers();
    const ssize_t got = recv(question.socket, out_.rooms[answers_].data(), room_octets, MSG_DONTWAIT | MSG_TRUNC);
    if (got <= 0) return;
    close(question.socket);
    if (question.asked < servers_.size()) return ask(at);
    out_.prepare(answers_, static_cast<std::size_t>(got));
    out_.peers[answers_++] = question.client;
    free_.push_back(at);
  }

  void send_answers() {
    for (std::size_t sent = 0; sent < answers_;) {
      const int now = sendmmsg(socket_, out_.headers.data() + sent, static_cast<unsigned>(answers_ - sent), 0);
      sent += now > 0 ? static_cast<std::size_t>(now) : 1;
    }
    answers_ = 0;
  }

  int set_ = epoll_create1(EPOLL_CLOEXEC);
  int socket_;
  std::vector<sockaddr_in> servers_;
  std::vector<Question> questions_;
  std::vector<std::size_t> free_;
  Batch in_{};
  Batch out_{};
  std::size_t answers_ = 0;
  std::mt19937 chance_{1};  // which port it is has no bearing on what it costs
};

}  // namespace

int main(int count, char** arguments) {
  if (count < 3) fail("usage: miss_loop ADDRESS@PORT SERVER@PORT...");
  std::vector<sockaddr_in> servers;
  for (int i = 2; i < count; ++i) servers.push_back(address_of(arguments[i]));
  Loop{arguments[1], std::move(servers)}.run();
}
