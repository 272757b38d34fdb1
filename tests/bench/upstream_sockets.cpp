// What a fresh upstream socket costs, and what might be had instead: CPU of one query and its reply, by each of several
// ways to have a connected socket (docs/decisions/0063, 0085), and of a port that is not to be had (0102).
//
//   upstream_sockets [EXCHANGES]
//
// A child echoes on loopback; it has one core, we the other. 32 exchanges are under way at a time. The child's CPU is
// not counted; what the kernel's own threads do for io_uring is.
#include <linux/io_uring.h>
#include <sched.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <csignal>
#include <functional>
#include <random>
#include <vector>

#include "tests/bench/sockets.hpp"

namespace {

using namespace redoubt::bench;

constexpr std::size_t together = 32;
constexpr std::size_t query_octets = 60;
using Octets = std::array<std::uint8_t, 512>;

std::mt19937 chance{1};  // which port it is has no bearing on what it costs

sockaddr_in here() {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(static_cast<std::uint16_t>(1024 + chance() % 64'512));
  return address;
}

double microseconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) * 1e6 +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec);
}

void pin(std::size_t core) {
  cpu_set_t cores;
  CPU_ZERO(&cores);
  CPU_SET(core, &cores);
  sched_setaffinity(0, sizeof cores, &cores);
}

[[noreturn]] void echo(int socket) {
  pin(1);
  Octets room;
  for (;;) {
    sockaddr_in peer{};
    socklen_t octets = sizeof peer;
    const ssize_t got = recvfrom(socket, room.data(), room.size(), 0, reinterpret_cast<sockaddr*>(&peer), &octets);
    if (got > 0) sendto(socket, room.data(), static_cast<std::size_t>(got), 0, generic(peer), octets);
  }
}

int made() {
  const int socket = ::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  const int omit = IP_PMTUDISC_OMIT;
  if (socket < 0 || setsockopt(socket, IPPROTO_IP, IP_MTU_DISCOVER, &omit, sizeof omit) != 0) fail("no socket");
  return socket;
}

void bind_anywhere(int socket) {
  sockaddr_in address = here();
  while (bind(socket, generic(address), sizeof address) != 0) address = here();
}

void connect_to(int socket, const sockaddr_in& server) {
  if (connect(socket, generic(server), sizeof server) != 0) fail("cannot connect");
}

void disconnect(int socket) {
  sockaddr nobody{};
  nobody.sa_family = AF_UNSPEC;
  if (connect(socket, &nobody, sizeof nobody) != 0) fail("cannot disconnect");
}

/// Linux 6.3; Debian 12's headers have no name for it.
constexpr int ip_local_port_range = 51;

/// Gives a socket without a port the one that we draw, and a server; false where the kernel draws from fewer ports.
bool connect_from_anywhere(int socket, const sockaddr_in& server) {
  for (;;) {
    const std::uint16_t port = ntohs(here().sin_port);
    const std::uint32_t range = port | std::uint32_t{port} << 16;
    if (setsockopt(socket, IPPROTO_IP, ip_local_port_range, &range, sizeof range) != 0) return false;
    if (connect(socket, generic(server), sizeof server) != 0) {
      if (errno != EAGAIN) fail("cannot connect");
      continue;  // taken
    }
    sockaddr_in got{};
    socklen_t octets = sizeof got;
    return getsockname(socket, reinterpret_cast<sockaddr*>(&got), &octets) == 0 && ntohs(got.sin_port) == port;
  }
}

/// What it costs to be told that somebody has the port: the kernel looks through its whole table for another one that
/// it may give, and there is none.
void ask_for_taken_ports(int socket, const sockaddr_in& server, std::size_t times) {
  const int taker = made();
  bind_anywhere(taker);
  sockaddr_in got{};
  socklen_t octets = sizeof got;
  getsockname(taker, reinterpret_cast<sockaddr*>(&got), &octets);
  const std::uint32_t range = ntohs(got.sin_port) * 0x10001U;
  setsockopt(socket, IPPROTO_IP, ip_local_port_range, &range, sizeof range);
  for (std::size_t i = 0; i < times; ++i) {
    if (connect(socket, generic(server), sizeof server) == 0) fail("net.ipv4.ip_local_port_range must be 1024 65535");
  }
  close(taker);
}

/// `begin` gives the socket of one more exchange, connected; `end` gets it when its reply has been read. is_watched: it
/// is in the epoll set already.
struct Way {
  const char* name;
  std::function<int(std::size_t)> begin;
  std::function<void(int)> end;
  bool is_watched = false;
  std::function<void()> prepare = [] {};
};

void exchange_all(const Way& way, int set, std::size_t exchanges) {
  Octets room{};
  for (std::size_t done = 0; done < exchanges; done += together) {
    for (std::size_t i = 0; i < together; ++i) {
      const int socket = way.begin(i);
      epoll_event watched{.events = EPOLLIN, .data = {.fd = socket}};
      if (!way.is_watched) epoll_ctl(set, EPOLL_CTL_ADD, socket, &watched);
      if (send(socket, room.data(), query_octets, MSG_NOSIGNAL) < 0) fail("cannot send");
    }
    for (std::size_t left = together; left > 0;) {
      std::array<epoll_event, together> ready;
      const int count = epoll_wait(set, ready.data(), ready.size(), 2000);
      if (count <= 0) fail("no reply");
      for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        if (recv(ready[i].data.fd, room.data(), room.size(), MSG_DONTWAIT) <= 0) continue;
        way.end(ready[i].data.fd);
        --left;
      }
    }
  }
}

/// io_uring by its three system calls. Each exchange is a chain of linked requests on a descriptor that only the ring
/// has: socket, option, bind, connect, send, receive; closing goes with the next lot.
class Ring {
 public:
  explicit Ring(const sockaddr_in& server) : server_{server} {
    io_uring_params parameters{};
    ring_ = static_cast<int>(syscall(SYS_io_uring_setup, 512, &parameters));
    if (ring_ < 0) return;
    submission_ = map(parameters.sq_off.array + parameters.sq_entries * sizeof(unsigned), IORING_OFF_SQ_RING);
    completion_ = map(parameters.cq_off.cqes + parameters.cq_entries * sizeof(io_uring_cqe), IORING_OFF_CQ_RING);
    requests_ = reinterpret_cast<io_uring_sqe*>(map(parameters.sq_entries * sizeof(io_uring_sqe), IORING_OFF_SQES));
    at_ = parameters;
    std::array<int, together> none;
    none.fill(-1);
    if (syscall(SYS_io_uring_register, ring_, IORING_REGISTER_FILES, none.data(), none.size()) != 0) fail("no table");
  }
  bool is_there() const { return ring_ >= 0; }

  void exchange_all(std::size_t exchanges) {
    for (std::size_t done = 0; done < exchanges; done += together) {
      for (std::uint32_t i = 0; i < together; ++i) chain(i, done != 0);
      if (syscall(SYS_io_uring_enter, ring_, put_, together, IORING_ENTER_GETEVENTS, nullptr, 0) < 0) fail("enter");
      put_ = 0;
      for (std::size_t left = together; left > 0;) left -= reap();
    }
  }

 private:
  static constexpr std::uint8_t op_bind = 56;             // Linux 6.11
  static constexpr std::uint32_t command_setsockopt = 3;  // Linux 6.7
  enum class Step : std::uint64_t { close, socket, option, bind, connect, send, receive };

  std::uint8_t* map(std::size_t octets, std::uint64_t what) const {
    void* at =
        mmap(nullptr, octets, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, ring_, static_cast<off_t>(what));
    if (at == MAP_FAILED) fail("no ring");
    return static_cast<std::uint8_t*>(at);
  }
  unsigned& word(std::uint8_t* area, unsigned offset) const { return *reinterpret_cast<unsigned*>(area + offset); }

  io_uring_sqe& put(std::uint8_t operation, Step step, std::uint32_t slot) {
    const unsigned tail = word(submission_, at_.sq_off.tail);
    const unsigned index = tail & word(submission_, at_.sq_off.ring_mask);
    io_uring_sqe& request = requests_[index];
    request = {};
    request.opcode = operation;
    request.user_data = static_cast<std::uint64_t>(step) << 32 | slot;
    if (step != Step::close && step != Step::receive) request.flags = IOSQE_IO_LINK;
    word(submission_, at_.sq_off.array + index * static_cast<unsigned>(sizeof(unsigned))) = index;
    std::atomic_ref{word(submission_, at_.sq_off.tail)}.store(tail + 1, std::memory_order_release);
    ++put_;
    return request;
  }
  io_uring_sqe& on(io_uring_sqe& request, std::uint32_t slot) {
    request.fd = static_cast<int>(slot);
    request.flags |= IOSQE_FIXED_FILE;
    return request;
  }

  void chain(std::uint32_t slot, bool closes) {
    if (closes) put(IORING_OP_CLOSE, Step::close, slot).file_index = slot + 1;
    io_uring_sqe& socket = put(IORING_OP_SOCKET, Step::socket, slot);
    socket.fd = AF_INET;
    socket.off = SOCK_DGRAM;
    socket.file_index = slot + 1;
    io_uring_sqe& option = on(put(IORING_OP_URING_CMD, Step::option, slot), slot);
    option.off = command_setsockopt;
    option.addr = std::uint64_t{IP_MTU_DISCOVER} << 32 | IPPROTO_IP;  // level, then name
    option.file_index = sizeof omit_;
    const auto value = reinterpret_cast<std::uint64_t>(&omit_);
    std::memcpy(reinterpret_cast<std::uint8_t*>(&option) + 48, &value, sizeof value);
    from_[slot] = here();
    io_uring_sqe& bound = on(put(op_bind, Step::bind, slot), slot);
    bound.addr = reinterpret_cast<std::uint64_t>(&from_[slot]);
    bound.off = sizeof from_[slot];
    io_uring_sqe& connected = on(put(IORING_OP_CONNECT, Step::connect, slot), slot);
    connected.addr = reinterpret_cast<std::uint64_t>(&server_);
    connected.off = sizeof server_;
    io_uring_sqe& sent = on(put(IORING_OP_SEND, Step::send, slot), slot);
    sent.addr = reinterpret_cast<std::uint64_t>(rooms_[slot].data());
    sent.len = query_octets;
    io_uring_sqe& received = on(put(IORING_OP_RECV, Step::receive, slot), slot);
    received.addr = reinterpret_cast<std::uint64_t>(rooms_[slot].data());
    received.len = static_cast<std::uint32_t>(rooms_[slot].size());
  }

  std::size_t reap() {
    std::size_t replies = 0;
    unsigned head = word(completion_, at_.cq_off.head);
    const unsigned tail = std::atomic_ref{word(completion_, at_.cq_off.tail)}.load(std::memory_order_acquire);
    if (head == tail) syscall(SYS_io_uring_enter, ring_, 0, 1, IORING_ENTER_GETEVENTS, nullptr, 0);
    for (; head != tail; ++head) {
      const auto* completions = reinterpret_cast<const io_uring_cqe*>(completion_ + at_.cq_off.cqes);
      const io_uring_cqe& one = completions[head & word(completion_, at_.cq_off.ring_mask)];
      const auto step = static_cast<Step>(one.user_data >> 32);
      if (step == Step::receive)
        ++replies;  // or the chain broke, at a port that was taken
      else if (one.res < 0 && one.res != -EADDRINUSE && one.res != -ECANCELED)
        fail("step " + std::to_string(one.user_data >> 32) + ": " + std::strerror(-one.res));
    }
    std::atomic_ref{word(completion_, at_.cq_off.head)}.store(head, std::memory_order_release);
    return replies;
  }

  int ring_ = -1;
  sockaddr_in server_;
  io_uring_params at_{};
  std::uint8_t* submission_ = nullptr;
  std::uint8_t* completion_ = nullptr;
  io_uring_sqe* requests_ = nullptr;
  unsigned put_ = 0;
  int omit_ = IP_PMTUDISC_OMIT;
  std::array<sockaddr_in, together> from_{};
  std::array<Octets, together> rooms_{};
};

void measure(const char* name, std::size_t exchanges, const std::function<void()>& run) {
  const double before = microseconds();
  run();
  std::printf("%-64s %6.2f us\n", name, (microseconds() - before) / static_cast<double>(exchanges));
  std::fflush(stdout);
}

}  // namespace

int main(int count, char** arguments) {
  const std::size_t exchanges = (count > 1 ? std::strtoull(arguments[1], nullptr, 10) : 100'000) / together * together;
  const int server = datagram_socket();
  sockaddr_in address = address_of("127.0.0.1@0");
  socklen_t octets = sizeof address;
  if (bind(server, generic(address), sizeof address) != 0 ||
      getsockname(server, reinterpret_cast<sockaddr*>(&address), &octets) != 0)
    fail("no server");
  const pid_t child = fork();
  if (child == 0) echo(server);
  pin(0);
  const int set = epoll_create1(EPOLL_CLOEXEC);

  std::array<int, together> ahead{};
  std::array<int, together> pool{};
  for (int& socket : pool) {
    socket = made();
    epoll_event watched{.events = EPOLLIN, .data = {.fd = socket}};
    epoll_ctl(set, EPOLL_CTL_ADD, socket, &watched);
  }
  const std::vector<Way> ways{
      {"one socket for all, no fresh port (the floor)", [&](std::size_t i) { return pool[i]; }, [](int) {}, true,
       [&] {
         for (const int socket : pool) connect_to(socket, address);
       }},
      {"pooled: disconnected, connected anew on a port of the kernel's",
       [&](std::size_t i) {
         disconnect(pool[i]);
         connect_to(pool[i], address);
         return pool[i];
       },
       [](int) {}, true,
       [&] {
         const std::uint32_t any = 0;
         for (const int socket : pool) setsockopt(socket, IPPROTO_IP, ip_local_port_range, &any, sizeof any);
       }},
      {"kept: drained and disconnected, connected anew on a port of ours",
       [&](std::size_t i) {
         if (!connect_from_anywhere(pool[i], address)) fail("net.ipv4.ip_local_port_range must be 1024 65535 for this");
         return pool[i];
       },
       [](int socket) {
         disconnect(socket);
         while (recv(socket, nullptr, 0, MSG_DONTWAIT | MSG_TRUNC) >= 0) {
         }
       },
       true, [&] { std::ranges::for_each(pool, disconnect); }},
      {"fresh, on a port of the kernel's",
       [&](std::size_t) {
         const int socket = made();
         connect_to(socket, address);
         return socket;
       },
       [](int socket) { close(socket); }},
      {"fresh, on a port of our own drawing (what resolverd does)",
       [&](std::size_t) {
         const int socket = made();
         bind_anywhere(socket);
         connect_to(socket, address);
         return socket;
       },
       [](int socket) { close(socket); }},
      {"the same, made and bound ahead, 32 at a time",
       [&](std::size_t i) {
         if (i == 0) {
           for (int& socket : ahead) bind_anywhere(socket = made());
         }
         connect_to(ahead[i], address);
         return ahead[i];
       },
       [](int socket) { close(socket); }},
  };
  for (int round = 0; round < 3; ++round) {
    for (const Way& way : ways) {
      way.prepare();
      measure(way.name, exchanges, [&] { exchange_all(way, set, exchanges); });
    }
    disconnect(pool[0]);
    measure("a port that is taken: the kernel's search", 1000, [&] { ask_for_taken_ports(pool[0], address, 1000); });
    Ring ring{address};
    if (ring.is_there())
      measure("io_uring: linked chains, 32 in one system call", exchanges, [&] { ring.exchange_all(exchanges); });
    else
      std::puts("io_uring is not to be had here");
  }
  kill(child, SIGKILL);
  waitpid(child, nullptr, 0);
}
