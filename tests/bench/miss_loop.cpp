// The least that a cache miss can cost: the system calls that resolverd makes for one, and nothing else. What clients
// ask is put to the servers as it came, one after the other, each time from a port drawn anew, by a socket that is
// fresh or, with --kept, one that has been used before (docs/decisions/0085 and 0095); what the last of them says goes
// back to the client.
//
//   miss_loop [--kept] ADDRESS@PORT SERVER@PORT...
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
constexpr int ip_local_port_range = 51;  // Linux 6.3; Debian 12's headers have no name for it
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
  Loop(const std::string& here, std::vector<sockaddr_in> servers, bool keeps)
      : socket_{bound_socket(here)}, servers_{std::move(servers)}, keeps_{keeps}, questions_(most_under_way) {
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
          take_reply(asked_by_.at(which));
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
    const sockaddr_in& server = servers_[question.asked++];
    question.socket = keeps_ ? connected_kept(server) : connected_fresh(server);
    const auto descriptor = static_cast<std::size_t>(question.socket);
    if (asked_by_.size() <= descriptor) asked_by_.resize(descriptor + 1);
    asked_by_[descriptor] = at;
    if (send(question.socket, question.query.data(), question.octets, MSG_NOSIGNAL) < 0) fail("cannot send");
  }

  std::uint16_t draw_port() { return static_cast<std::uint16_t>(1024 + chance_() % 64'512); }

  static int made() {
    const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int omit = IP_PMTUDISC_OMIT;
    setsockopt(socket, IPPROTO_IP, IP_MTU_DISCOVER, &omit, sizeof omit);
    return socket;
  }

  int connected_fresh(const sockaddr_in& server) {
    const int socket = made();
    sockaddr_in here{};
    here.sin_family = AF_INET;
    do {
      here.sin_port = htons(draw_port());
    } while (bind(socket, generic(here), sizeof here) != 0);
    if (connect(socket, generic(server), sizeof server) != 0) fail("cannot connect");
    watch(socket, static_cast<std::uint64_t>(socket));
    return socket;
  }

  int connected_kept(const sockaddr_in& server) {
    if (idle_.empty()) {
      idle_.push_back(made());
      const int yes = 1;
      setsockopt(idle_.back(), IPPROTO_IP, IP_RECVORIGDSTADDR, &yes, sizeof yes);
      watch(idle_.back(), static_cast<std::uint64_t>(idle_.back()));
    }
    const int socket = idle_.back();
    idle_.pop_back();
    for (;;) {
      const std::uint16_t port = draw_port();
      const std::uint32_t range = port | std::uint32_t{port} << 16;
      if (setsockopt(socket, IPPROTO_IP, ip_local_port_range, &range, sizeof range) != 0) fail("this kernel cannot");
      if (connect(socket, generic(server), sizeof server) == 0) return socket;
      if (errno != EAGAIN) fail("cannot connect");  // else the port is taken
    }
  }

  ssize_t receive(int socket, Room& room) const {
    if (!keeps_) return recv(socket, room.data(), room.size(), MSG_DONTWAIT | MSG_TRUNC);
    sockaddr_in sender{};
    alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof(sockaddr_in))> told;
    iovec octets{room.data(), room.size()};
    msghdr message{&sender, sizeof sender, &octets, 1, told.data(), told.size(), 0};
    return recvmsg(socket, &message, MSG_DONTWAIT | MSG_TRUNC);
  }

  void let_go(int socket) {
    if (!keeps_) {
      close(socket);
      return;
    }
    sockaddr nobody{};
    nobody.sa_family = AF_UNSPEC;
    if (connect(socket, &nobody, sizeof nobody) != 0) fail("cannot disconnect");
    idle_.push_back(socket);
  }

  void take_reply(std::size_t at) {
    Question& question = questions_[at];
    if (answers_ == batch_size) send_answers();
    const ssize_t got = receive(question.socket, out_.rooms[answers_]);
    if (got <= 0) return;
    let_go(question.socket);
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
  bool keeps_;
  std::vector<int> idle_;
  std::vector<std::size_t> asked_by_;  // by socket
  std::vector<Question> questions_;
  std::vector<std::size_t> free_;
  Batch in_{};
  Batch out_{};
  std::size_t answers_ = 0;
  std::mt19937 chance_{1};  // which port it is has no bearing on what it costs
};

}  // namespace

int main(int count, char** arguments) {
  const bool keeps = count > 1 && std::string_view{arguments[1]} == "--kept";
  const int first = keeps ? 2 : 1;
  if (count < first + 2) fail("usage: miss_loop [--kept] ADDRESS@PORT SERVER@PORT...");
  std::vector<sockaddr_in> servers;
  for (int i = first + 1; i < count; ++i) servers.push_back(address_of(arguments[i]));
  Loop{arguments[first], std::move(servers), keeps}.run();
}
