// Monitor with doubles of its children: start, restart, stop, and what comes of garbage. Waits are for events, with a
// deadline that only a failing test reaches.
#include <arpa/inet.h>
#include <fcntl.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <thread>

#include "appliance/channel/channel.hpp"
#include "tests/sim/attacks/own_network.hpp"

namespace redoubt::test {
namespace {

using channel::Descriptor;
using Clock = std::chrono::steady_clock;
constexpr std::chrono::seconds deadline{60};

/// Ports are drawn, and taken a moment later: in a network of our own nobody else comes between. Without root there is
/// none, for in a namespace of users monitor could not change its own.
class OwnNetwork : public testing::Environment {
  void SetUp() override {
    if (::geteuid() == 0 && !sim::enter_own_network()) std::puts("ports are shared with other programs");
  }
};
const auto* const own_network = testing::AddGlobalTestEnvironment(new OwnNetwork);

sockaddr_in loopback(std::uint16_t port) {
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  return address;
}

const sockaddr* generic(const sockaddr_in& address) { return reinterpret_cast<const sockaddr*>(&address); }

std::uint16_t port_of(const Descriptor& socket) {
  sockaddr_in address{};
  socklen_t size = sizeof address;
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return ntohs(address.sin_port);
}

bool binds(const Descriptor& socket, std::uint16_t port) {
  const sockaddr_in address = loopback(port);
  return ::bind(socket.get(), generic(address), sizeof address) == 0;
}

/// A port that nobody has right now, for UDP and TCP.
std::uint16_t free_port() {
  while (true) {
    const Descriptor datagrams{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    const Descriptor streams{::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    if (binds(datagrams, 0) && binds(streams, port_of(datagrams))) return port_of(datagrams);
  }
}

/// One run of resolverd with doubles; ended by SIGKILL if a test leaves it behind.
class Resolverd {
 public:
  explicit Resolverd(const std::string& configuration, const std::string& file = "config") {
    std::string pattern = "/tmp/redoubt-monitor-XXXXXX";
    folder_ = ::mkdtemp(pattern.data());
    write_configuration(configuration);
    std::array<int, 2> ends{};
    (void)::pipe2(ends.data(), O_CLOEXEC);
    log_ = Descriptor{ends[0]};
    const Descriptor writing{ends[1]};
    pid_ = ::fork();
    if (pid_ == 0) {
      ::dup2(writing.get(), STDERR_FILENO);
      ::execl(RESOLVERD_OF_DOUBLES, "resolverd", "--config", (folder_ + "/" + file).c_str(), nullptr);
      ::_exit(99);
    }
  }
  ~Resolverd() {
    if (pid_ > 0) {
      ::kill(pid_, SIGKILL);
      ::waitpid(pid_, nullptr, 0);
    }
    std::filesystem::remove_all(folder_);
  }
  Resolverd(const Resolverd&) = delete;
  Resolverd& operator=(const Resolverd&) = delete;

  void write_configuration(const std::string& text) { std::ofstream{folder_ + "/config"} << text; }

  /// Reads log lines until one has `text` in it. False when the log ends, or the deadline comes, before that.
  bool logs(const std::string& text) {
    const auto until = Clock::now() + deadline;
    while (Clock::now() < until) {
      if (const auto line_end = unread_.find('\n'); line_end != std::string::npos) {
        const std::string line = unread_.substr(0, line_end);
        unread_.erase(0, line_end + 1);
        all_ += line + "\n";
        if (line.find(text) != std::string::npos) return true;
        continue;
      }
      pollfd waiting{.fd = log_.get(), .events = POLLIN, .revents = 0};
      ::poll(&waiting, 1, 1000);
      if (waiting.revents == 0) continue;
      std::array<char, 4096> buffer{};
      const ssize_t count = ::read(log_.get(), buffer.data(), buffer.size());
      if (count <= 0) return false;
      unread_.append(buffer.data(), static_cast<std::size_t>(count));
    }
    return false;
  }

  void signal(int number) const { ::kill(pid_, number); }

  /// Waits for the end: exit code, or 256 + signal.
  int end() {
    while (logs("no line says this")) {
    }
    int status = 0;
    ::waitpid(std::exchange(pid_, 0), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
  }

  const std::string& log_so_far() const { return all_; }
  pid_t pid() const { return pid_; }

 private:
  std::string folder_;
  pid_t pid_ = 0;
  Descriptor log_;
  std::string unread_;
  std::string all_;
};

/// A client of the resolver double.
class Client {
 public:
  explicit Client(std::uint16_t port) : socket_{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)} {
    const sockaddr_in address = loopback(port);
    ::connect(socket_.get(), generic(address), sizeof address);
  }
  void say(const std::string& text) const { ::send(socket_.get(), text.data(), text.size(), 0); }
  std::string hear(std::chrono::milliseconds patience = deadline) const {
    pollfd waiting{.fd = socket_.get(), .events = POLLIN, .revents = 0};
    ::poll(&waiting, 1, static_cast<int>(patience.count()));
    std::array<char, 512> buffer{};
    const ssize_t count = ::recv(socket_.get(), buffer.data(), buffer.size(), MSG_DONTWAIT);
    return count < 0 ? std::string{"(silence)"} : std::string{buffer.data(), static_cast<std::size_t>(count)};
  }
  std::string ask(const std::string& text) const {
    say(text);
    return hear();
  }

 private:
  Descriptor socket_;
};

std::string binding(std::uint16_t port, unsigned workers = 1, unsigned id = 1) {
  return "bind " + std::to_string(id) + " 127.0.0.1@" + std::to_string(port) + " " + std::to_string(workers) + "\n";
}

TEST(Monitor, says_ready_once_and_not_before_everyone_serves) {
  const std::uint16_t port = free_port();
  Resolverd run{binding(port, 2)};
  ASSERT_TRUE(run.logs("ready")) << run.log_so_far();
  EXPECT_NE(run.log_so_far().find("info monitor: ready: 5 processes, 1 listener, "), std::string::npos)
      << run.log_so_far();
  EXPECT_EQ(Client{port}.ask("hello"), "hello");
}

TEST(Monitor, ends_cleanly_on_sigterm) {
  Resolverd run{binding(free_port())};
  ASSERT_TRUE(run.logs("ready")) << run.log_so_far();
  run.signal(SIGTERM);
  EXPECT_EQ(run.end(), 0) << run.log_so_far();
}

TEST(Monitor, ends_cleanly_when_sigterm_comes_twice) {
  Resolverd run{binding(free_port())};
  ASSERT_TRUE(run.logs("ready")) << run.log_so_far();
  run.signal(SIGTERM);
  run.signal(SIGTERM);
  EXPECT_EQ(run.end(), 0);
  EXPECT_EQ(run.log_so_far().find("killing"), std::string::npos) << run.log_so_far();
}

TEST(Monitor, kills_a_role_that_does_not_end) {
  Resolverd run{binding(free_port()) + "hang\n"};
  ASSERT_TRUE(run.logs("ready")) << run.log_so_far();
  run.signal(SIGTERM);
  EXPECT_EQ(run.end(), 0);
  EXPECT_NE(run.log_so_far().find("control does not end: killing it"), std::string::npos) << run.log_so_far();
}

TEST(Monitor, a_role_that_fails_at_the_start_ends_the_start_with_its_own_line_alone) {
  Resolverd run{"exit 7\n"};
  EXPECT_EQ(run.end(), 1);
  EXPECT_EQ(std::count(run.log_so_far().begin(), run.log_so_far().end(), '\n'), 1) << run.log_so_far();
  EXPECT_NE(run.log_so_far().find("control was told to end"), std::string::npos) << run.log_so_far();
}

TEST(Monitor, a_busy_datagram_port_is_one_clear_line_even_when_its_owner_shares_it) {
  const std::uint16_t port = free_port();
  const Descriptor owner{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  const int on = 1;
  ::setsockopt(owner.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  const sockaddr_in address = loopback(port);
  ASSERT_EQ(::bind(owner.get(), generic(address), sizeof address), 0);
  Resolverd run{binding(port, 4)};
  EXPECT_EQ(run.end(), 1);
  EXPECT_NE(run.log_so_far().find("listen: 127.0.0.1@" + std::to_string(port) + " (udp): address already in use\n"),
            std::string::npos)
      << run.log_so_far();
}

TEST(Monitor, a_second_instance_does_not_take_part_in_the_first_ones_ports) {
  const std::uint16_t port = free_port();
  Resolverd first{binding(port, 2)};
  ASSERT_TRUE(first.logs("ready")) << first.log_so_far();
  Resolverd second{binding(port, 2)};
  EXPECT_EQ(second.end(), 1);
  EXPECT_NE(second.log_so_far().find("address already in use"), std::string::npos) << second.log_so_far();
  EXPECT_EQ(Client{port}.ask("still there"), "still there");
}

TEST(Monitor, a_control_that_gives_keykeeper_another_secret_is_killed) {
  Resolverd twice{"secret\n"};
  EXPECT_TRUE(twice.logs("control sent a second descriptor for keykeeper: killing it")) << twice.log_so_far();
  Resolverd late{binding(free_port())};
  ASSERT_TRUE(late.logs("ready")) << late.log_so_far();
  late.write_configuration("secret\n");
  late.signal(SIGHUP);
  EXPECT_TRUE(late.logs("control sent a descriptor for keykeeper after the start: killing it")) << late.log_so_far();
}

TEST(Monitor, a_configuration_that_cannot_be_opened_is_controls_to_report) {
  Resolverd run{"", "no-such-file"};
  EXPECT_EQ(run.end(), 1);
  EXPECT_NE(run.log_so_far().find("no-such-file: No such file or directory"), std::string::npos) << run.log_so_far();
}

TEST(Monitor, starts_a_dead_role_again_and_no_query_is_lost_meanwhile) {
  const std::uint16_t port = free_port();
  Resolverd run{binding(port)};
  ASSERT_TRUE(run.logs("ready")) << run.log_so_far();
  const Client client{port};
  const std::string first = client.ask("pid");
  client.say("die");
  client.say("waits in the kernel");
  EXPECT_EQ(client.hear(), "waits in the kernel");
  const std::string second = client.ask("pid");
  EXPECT_NE(first, second);
  EXPECT_TRUE(run.logs("starting it again in 0 ms")) << run.log_so_far();
  EXPECT_TRUE(run.logs("all roles serve again")) << run.log_so_far();
}

TEST(Monitor, a_role_killed_from_outside_comes_back_with_channels_to_all_its_peers) {
  const std::uint16_t port = free_port();
  Resolverd run{binding(port)};
  ASSERT_TRUE(run.logs("ready")) << run.log_so_far();
  const Client client{port};
  const std::string pid = client.ask("pid");
  ::kill(std::stoi(pid), SIGKILL);
  ASSERT_TRUE(run.logs("was killed by signal 9")) << run.log_so_far();
  ASSERT_TRUE(run.logs("all roles serve again")) << run.log_so_far();
  EXPECT_EQ(client.ask("attached"), "2");  // control and transport
}

/// The process of a role: monitor's child whose first argument names it.
pid_t process_of(const Resolverd& run, const std::string& role) {
  for (const auto& entry : std::filesystem::directory_iterator{"/proc"}) {
    std::string title;
    std::getline(std::ifstream{entry.path() / "cmdline"}, title, '\0');
    std::string parent;
    for (std::ifstream status{entry.path() / "status"}; std::getline(status, parent);) {
      if (parent == "PPid:\t" + std::to_string(run.pid()) && title == "resolverd: " + role) {
        return std::stoi(entry.path().filename());
      }
    }
  }
  return -1;
}

TEST(Monitor, each_role_killed_in_turn_comes_back_inside_a_whole_sandbox) {
  const std::uint16_t port = free_port();
  Resolverd run{binding(port)};
  ASSERT_TRUE(run.logs("ready")) << run.log_so_far();
  for (const std::string role : {"control", "keykeeper", "transport", "resolver"}) {
    const pid_t former = process_of(run, role);
    ASSERT_GT(former, 0) << role;
    ::kill(former, SIGKILL);
    ASSERT_TRUE(run.logs("all roles serve again")) << role << run.log_so_far();
    const pid_t current = process_of(run, role);
    EXPECT_GT(current, 0) << role;
    EXPECT_NE(current, former) << role;
    EXPECT_EQ(Client{port}.ask("alive"), "alive") << role;
  }
  EXPECT_EQ(run.log_so_far().find("sandbox"), std::string::npos) << run.log_so_far();
}

TEST(Monitor, waits_longer_before_each_further_start) {
  const std::uint16_t port = free_port();
  Resolverd run{binding(port)};
  ASSERT_TRUE(run.logs("ready")) << run.log_so_far();
  const Client client{port};
  for (const std::string delay : {"in 0 ms", "in 100 ms", "in 200 ms"}) {
    EXPECT_EQ(client.ask("alive"), "alive");
    client.say("die");
    ASSERT_TRUE(run.logs("starting it again " + delay)) << run.log_so_far();
  }
}

TEST(Monitor, garbage_from_a_role_ends_that_role_alone) {
  const std::uint16_t port = free_port();
  Resolverd run{binding(port)};
  ASSERT_TRUE(run.logs("ready")) << run.log_so_far();
  const Client client{port};
  const std::string first = client.ask("pid");
  client.say("garbage");
  ASSERT_TRUE(run.logs("error monitor: resolver sent unknown kind of message: killing it")) << run.log_so_far();
  ASSERT_TRUE(run.logs("all roles serve again")) << run.log_so_far();
  EXPECT_NE(Client{port}.ask("pid"), first);
}

TEST(Monitor, a_role_that_closes_its_channel_and_lives_on_is_ended) {
  const std::uint16_t port = free_port();
  Resolverd run{binding(port)};
  ASSERT_TRUE(run.logs("ready")) << run.log_so_far();
  const Client client{port};
  const std::string first = client.ask("pid");
  client.say("leave");
  ASSERT_TRUE(run.logs("resolver closed its channel and does not end: killing it")) << run.log_so_far();
  ASSERT_TRUE(run.logs("all roles serve again")) << run.log_so_far();
  EXPECT_NE(Client{port}.ask("pid"), first);
}

TEST(Monitor, a_role_that_goes_on_and_answers_no_more_is_started_again) {
  const std::uint16_t port = free_port();
  Resolverd run{binding(port)};
  ASSERT_TRUE(run.logs("ready")) << run.log_so_far();
  const Client client{port};
  const std::string first = client.ask("pid");
  client.say("silence");
  ASSERT_TRUE(run.logs("has not answered for 10 s: killing it")) << run.log_so_far();
  ASSERT_TRUE(run.logs("all roles serve again")) << run.log_so_far();
  EXPECT_NE(Client{port}.ask("pid"), first);
}

TEST(Monitor, a_role_that_stands_still_is_started_again) {
  const std::uint16_t port = free_port();
  Resolverd run{binding(port)};
  ASSERT_TRUE(run.logs("ready")) << run.log_so_far();
  const std::string first = Client{port}.ask("pid");
  ASSERT_EQ(::kill(std::stoi(first), SIGSTOP), 0);
  ASSERT_TRUE(run.logs("resolver (process " + first + ") has not answered for 10 s: killing it")) << run.log_so_far();
  ASSERT_TRUE(run.logs("all roles serve again")) << run.log_so_far();
  EXPECT_NE(Client{port}.ask("pid"), first);
}

TEST(Monitor, a_role_that_answers_is_left_alone_for_longer_than_a_silent_one_lives) {
  const std::uint16_t port = free_port();
  Resolverd run{binding(port)};
  ASSERT_TRUE(run.logs("ready")) << run.log_so_far();
  const std::string first = Client{port}.ask("pid");
  std::this_thread::sleep_for(std::chrono::seconds{13});
  EXPECT_EQ(Client{port}.ask("pid"), first);
}

/// Resolver is silent for fourteen seconds, but for eleven of them monitor was not there either.
TEST(Monitor, a_machine_that_stood_still_blames_nobody) {
  const std::uint16_t port = free_port();
  Resolverd run{binding(port)};
  ASSERT_TRUE(run.logs("ready")) << run.log_so_far();
  const Client client{port};
  const std::string first = client.ask("pid");
  ASSERT_EQ(::kill(std::stoi(first), SIGSTOP), 0);
  std::this_thread::sleep_for(std::chrono::milliseconds{2500});  // by then it has been asked
  run.signal(SIGSTOP);
  std::this_thread::sleep_for(std::chrono::seconds{11});
  run.signal(SIGCONT);
  std::this_thread::sleep_for(std::chrono::milliseconds{500});  // in which monitor would kill it
  ASSERT_EQ(::kill(std::stoi(first), SIGCONT), 0);
  EXPECT_EQ(client.ask("pid"), first);
  run.signal(SIGTERM);
  EXPECT_EQ(run.end(), 0);
  EXPECT_EQ(run.log_so_far().find("has not answered"), std::string::npos) << run.log_so_far();
}

TEST(Monitor, a_role_that_says_what_only_control_may_is_ended) {
  const std::uint16_t port = free_port();
  Resolverd run{binding(port)};
  ASSERT_TRUE(run.logs("ready")) << run.log_so_far();
  Client{port}.say("bind");
  EXPECT_TRUE(run.logs("resolver sent what only control may say: killing it")) << run.log_so_far();
}

TEST(Monitor, sighup_reads_the_configuration_again) {
  const std::uint16_t port = free_port();
  std::uint16_t other = free_port();
  while (other == port) other = free_port();
  Resolverd run{binding(port)};
  ASSERT_TRUE(run.logs("ready")) << run.log_so_far();
  run.write_configuration(binding(port) + binding(other, 1, 2));
  run.signal(SIGHUP);
  Client client{other};
  // Until the socket is there, the kernel refuses; the answer comes once it is.
  std::string answer;
  for (const auto until = Clock::now() + deadline; answer != "new" && Clock::now() < until;) {
    client.say("new");
    pollfd waiting{};
    ::poll(&waiting, 0, 1);
    answer = client.hear(std::chrono::milliseconds{100});
  }
  EXPECT_EQ(answer, "new");
  EXPECT_EQ(Client{port}.ask("old"), "old");
}

TEST(Monitor, a_role_that_comes_back_hears_how_to_log) {
  const std::uint16_t port = free_port();
  Resolverd run{binding(port) + "quiet\n"};
  ASSERT_TRUE(run.logs("ready")) << run.log_so_far();  // although only errors are to be logged
  const Client client{port};
  client.say("die");
  EXPECT_EQ(client.ask("level"), "4");
}

TEST(Monitor, roles_end_when_monitor_is_killed) {
  const std::uint16_t port = free_port();
  Resolverd run{binding(port)};
  ASSERT_TRUE(run.logs("ready")) << run.log_so_far();
  run.signal(SIGKILL);
  EXPECT_EQ(run.end(), 256 + SIGKILL);  // which also waited for the end of the log: nobody holds its other end any more
  const Descriptor free_again{::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
  const sockaddr_in address = loopback(port);
  // A process that ends closes the log first and its sockets after it.
  bool bound = false;
  for (const auto until = Clock::now() + deadline; !bound && Clock::now() < until; ::poll(nullptr, 0, 1))
    bound = ::bind(free_again.get(), generic(address), sizeof address) == 0;
  EXPECT_TRUE(bound) << std::strerror(errno);
}

TEST(Monitor, runs_unprivileged_on_high_ports_and_says_what_a_low_one_needs) {
  if (::geteuid() != 0) GTEST_SKIP() << "needs root, to become somebody else";
  const pid_t pid = ::fork();
  if (pid == 0) {
    if (::setresgid(65534, 65534, 65534) != 0 || ::setresuid(65534, 65534, 65534) != 0) ::_exit(10);
    const std::uint16_t port = free_port();
    {
      Resolverd run{binding(port)};
      if (!run.logs("ready")) ::_exit(11);
      if (Client{port}.ask("hello") != "hello") ::_exit(12);
      run.signal(SIGTERM);
      if (run.end() != 0) ::_exit(13);
    }
    bool said = false;
    {
      Resolverd run{binding(53)};
      if (run.end() != 1) ::_exit(14);
      said = run.log_so_far().find("permission denied: binding a port below 1024 needs root or CAP_NET_BIND_SERVICE") !=
             std::string::npos;
    }
    ::_exit(said ? 0 : 15);
  }
  int status = 0;
  ::waitpid(pid, &status, 0);
  EXPECT_TRUE(WIFEXITED(status));
  EXPECT_EQ(WEXITSTATUS(status), 0);
}

}  // namespace
}  // namespace redoubt::test
