#include "appliance/monitor/child.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <vector>

#include "appliance/channel/test_clock.hpp"

namespace redoubt::monitor {

namespace {

constexpr int exit_without_exec = 127;  // as shells do

/// The child's environment: nothing of ours, but what sanitizers are told by in test builds.
std::vector<const char*> child_environment() {
  std::vector<const char*> variables;
#ifdef REDOUBT_SANITIZED
  for (char** variable = environ; *variable != nullptr; ++variable) {
    if (std::strstr(*variable, "SAN_OPTIONS=") != nullptr) variables.push_back(*variable);
  }
#endif
  variables.push_back(nullptr);
  return variables;
}

/// In the forked child: only calls that are safe there, then execve() or the end.
[[noreturn]] void become(int channel, bool keeps_output, const char* const* arguments, const char* const* environment) {
  const int null = ::open("/dev/null", O_RDWR | O_CLOEXEC);
  if (null < 0 || ::dup2(null, STDIN_FILENO) < 0) ::_exit(exit_without_exec);
  if (!keeps_output && ::dup2(null, STDOUT_FILENO) < 0) ::_exit(exit_without_exec);
  // When the channel is on 3 already, dup2() would leave its close-on-exec flag.
  if (channel == channel_descriptor) {
    if (::fcntl(channel, F_SETFD, 0) < 0) ::_exit(exit_without_exec);
  } else if (::dup2(channel, channel_descriptor) < 0) {
    ::_exit(exit_without_exec);
  }
  // All others are close-on-exec; this is for those that we ourselves were started with.
  int last_kept = channel_descriptor;
#ifdef REDOUBT_TEST_HOOKS
  if (channel::test_clock::page() >= 0) {
    last_kept = channel::test_clock::page_descriptor;
    if (::dup2(channel::test_clock::page(), last_kept) < 0) ::_exit(exit_without_exec);
  }
#endif
  ::syscall(SYS_close_range, last_kept + 1, ~0U, 0);

  // A terminal's Ctrl-C and a service manager's SIGTERM reach every process: monitor decides what they mean, and says
  // so by Stop.
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGQUIT}) ::signal(signal, SIG_IGN);
  sigset_t none;
  ::sigemptyset(&none);
  ::sigprocmask(SIG_SETMASK, &none, nullptr);

  ::execve("/proc/self/exe", const_cast<char* const*>(arguments),
           const_cast<char* const*>(environment));  // NOLINT: the API's way
  ::_exit(exit_without_exec);
}

}  // namespace

std::expected<Spawned, std::string> spawn(channel::Role role) {
  auto pair = channel::Channel::make_pair();
  if (!pair) return std::unexpected{fmt::format("channel: {}", pair.error().message())};
  const std::string title = fmt::format("resolverd: {}", channel::to_text(role));
  const std::string name{channel::to_text(role)};
  const std::array<const char*, 4> arguments{title.c_str(), "--role", name.c_str(), nullptr};
  const auto environment = child_environment();

  const pid_t pid = ::fork();
  if (pid < 0) return std::unexpected{fmt::format("fork: {}", std::strerror(errno))};
  const bool keeps_output = role == channel::Role::resolver;  // the query log's lines
  if (pid == 0) become(pair->second.descriptor(), keeps_output, arguments.data(), environment.data());
  return Spawned{.pid = pid, .channel = std::move(pair->first)};
}

std::expected<void, std::string> Child::start() {
  auto spawned = spawn(role_);
  if (!spawned) return std::unexpected{spawned.error()};
  pid_ = spawned->pid;
  channel_ = std::move(spawned->channel);
  outbox_.clear();
  ++starts_;
  entered = has_sockets = ready = false;
  sandbox_trouble.clear();
  start_again_at.reset();
  asked_at.reset();
  ask_at.reset();
  return {};
}

void Child::close_channel() {
  outbox_.clear();
  channel_ = channel::Channel{};
}

void Child::kill(int signal) const {
  if (running()) ::kill(pid_, signal);
}

bool Child::send(const channel::MonitorToChild& message, int descriptor) {
  if (!running() || !channel_) return true;
  return outbox_.send(channel_, channel::encode(message), descriptor) != channel::Sending::refused;
}

void Child::flush() { outbox_.flush(channel_); }

}  // namespace redoubt::monitor
