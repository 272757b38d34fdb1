#include "appliance/monitor/monitor.hpp"

#include <poll.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "appliance/channel/test_clock.hpp"
#include "appliance/log/log.hpp"
#include "appliance/sandbox/sandbox.hpp"

namespace redoubt::monitor {

namespace {

constexpr std::array handled_signals{SIGCHLD, SIGHUP, SIGTERM, SIGINT};
constexpr int exit_without_exec = 127;

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) return fmt::format("was killed by signal {}", WTERMSIG(status));
  if (WEXITSTATUS(status) == exit_without_exec) return "could not be executed";
  return fmt::format("ended with {}", WEXITSTATUS(status));
}

}  // namespace

Monitor::Monitor(CommandLine line, Clock::time_point started)
    : line_{std::move(line)},
      started_{started},
      since_{static_cast<std::uint64_t>(
          std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
              .count())} {
  watched_at_ = started;
  for (const channel::Role role : channel::children) children_.emplace_back(role);
  kept_.resize(channel::keep_slots);
}

int Monitor::run() {
#ifdef REDOUBT_TEST_HOOKS
  if (!line_.clock_offset_file.empty()) {
    if (auto watched = channel::test_clock::watch(line_.clock_offset_file); !watched) {
      log::error("{}", watched.error());
      return 1;
    }
    log::warning("the clock is the machine's and what {} adds: this is a test", line_.clock_offset_file);
  }
#endif
  if (!open_signals() || !shut_the_door()) return 1;
  if (!start_everyone()) stop(1);
  wonder_at_ = started_ + slow_start;
  const auto running = [](const Child& child) { return child.running(); };
  while (phase_ != Phase::stopping || std::ranges::any_of(children_, running)) turn();
  return exit_code_;
}

Child& Monitor::child_of(channel::Role role) { return *std::ranges::find(children_, role, &Child::role); }

bool Monitor::open_signals() {
  sigset_t signals;
  ::sigemptyset(&signals);
  for (const int signal : handled_signals) ::sigaddset(&signals, signal);
  ::sigprocmask(SIG_BLOCK, &signals, nullptr);
  signals_ = channel::Descriptor{::signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK)};
  if (signals_) return true;
  log::error("signalfd: {}", std::strerror(errno));
  return false;
}

/// Before the first child, so that those started later live inside the same walls as the first ones.
bool Monitor::shut_the_door() {
  if (auto dropped = sandbox::drop_rights(channel::Role::monitor); !dropped) {
    log::error("sandbox: {}", dropped.error());
    return false;
  }
  if (auto entered = sandbox::enter({.role = channel::Role::monitor, .reachable = {}}); !entered) {
    own_sandbox_trouble_ = entered.error();
  }
  return true;
}

bool Monitor::start_everyone() {
  for (Child& child : children_) {
    if (auto started = child.start(); !started) {
      log::error("{}: {}", channel::to_text(child.role()), started.error());
      return false;
    }
  }
  // What only the first control needs, to make its state folder, it has by now.
  if (auto kept = sandbox::keep_only_monitor_capabilities(); !kept) own_sandbox_trouble_ = kept.error();
  for (const channel::Pair& pair : channel::pairs) connect(child_of(pair.first), child_of(pair.second));
  give_configuration(true);
  for (const Child& child : children_) tell_control_of(child);
  return true;
}

void Monitor::connect(Child& one, Child& other) {
  if (!one.running() || !other.running()) return;
  auto pair = channel::Channel::make_pair();
  if (!pair) {
    // Out of descriptors, most likely: those two stay apart until one of them is started again.
    log::error("channel between {} and {}: {}", channel::to_text(one.role()), channel::to_text(other.role()),
               pair.error().message());
    return;
  }
  send(one, channel::Attach{.peer = other.role()}, pair->first.descriptor());
  send(other, channel::Attach{.peer = one.role()}, pair->second.descriptor());
}

void Monitor::start_again(Child& child) {
  if (auto started = child.start(); !started) {
    const auto delay = std::max(child.backoff.after_death(Clock::now()), Backoff::shortest);
    log::error("{}: {}", channel::to_text(child.role()), started.error());
    child.start_again_at = Clock::now() + delay;
    return;
  }
  tell_what_was(child);
  for (const channel::Pair& pair : channel::pairs) {
    if (pair.first == child.role() || pair.second == child.role()) connect(child_of(pair.first), child_of(pair.second));
  }
  tell_control_of(child);
}

void Monitor::turn() {
  std::array<pollfd, 1 + channel::children.size()> waiting{};
  waiting[0] = {.fd = signals_.get(), .events = POLLIN, .revents = 0};
  for (std::size_t i = 0; i < children_.size(); ++i) {
    const auto events = static_cast<short>(children_[i].has_unsent() ? POLLIN | POLLOUT : POLLIN);
    waiting[i + 1] = {.fd = children_[i].channel().descriptor(), .events = events, .revents = 0};  // -1: poll skips it
  }
  if (::poll(waiting.data(), waiting.size(), until_next_deadline()) < 0 && errno != EINTR) {
    log::error("poll: {}", std::strerror(errno));
    stop(1);
  }
  for (std::size_t i = 0; i < children_.size(); ++i) {
    if ((waiting[i + 1].revents & POLLOUT) != 0) children_[i].flush();
    if ((waiting[i + 1].revents & (POLLIN | POLLHUP | POLLERR)) != 0) read(children_[i]);
  }
  if (waiting[0].revents != 0) read_signals();
#ifdef REDOUBT_TEST_HOOKS
  channel::test_clock::refresh();
#endif
  meet_deadlines();
}

int Monitor::until_next_deadline() const {
  std::optional<Clock::time_point> next = kill_at_ ? kill_at_ : wonder_at_;
  for (const Child& child : children_) {
    for (const auto& deadline : {child.start_again_at, child.kill_at, child.ask_at}) {
      if (deadline && (!next || *deadline < *next)) next = deadline;
    }
  }
#ifdef REDOUBT_TEST_HOOKS
  if (const auto look = Clock::now() + channel::test_clock::pace;
      channel::test_clock::page() >= 0 && (!next || look < *next))
    next = look;
#endif
  if (!next) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*next - Clock::now());
  return static_cast<int>(std::clamp<std::int64_t>(left.count(), 0, 60'000));
}

void Monitor::meet_deadlines() {
  const auto now = Clock::now();
  if (kill_at_ && now >= *kill_at_) {
    for (const Child& child : children_) {
      if (child.running()) log::warning("{} does not end: killing it", channel::to_text(child.role()));
      child.kill(SIGKILL);
    }
    kill_at_.reset();
  }
  for (Child& child : children_) {
    if (!child.kill_at || now < *child.kill_at) continue;
    child.kill_at.reset();
    if (child.running())
      log::warning("{} closed its channel and does not end: killing it", channel::to_text(child.role()));
    child.kill(SIGKILL);
  }
  if (phase_ == Phase::stopping) return;
  watch(now);
  if (wonder_at_ && now >= *wonder_at_) say_whom_we_wait_for();
  for (Child& child : children_) {
    if (child.start_again_at && now >= *child.start_again_at) start_again(child);
  }
}

void Monitor::say_whom_we_wait_for() {
  wonder_at_.reset();
  if (phase_ != Phase::starting) return;
  std::string names;
  for (const Child& child : children_) {
    if (!child.ready) names += fmt::format("{}{}", names.empty() ? "" : ", ", channel::to_text(child.role()));
  }
  log::warning("still starting after {} s: waiting for {}", slow_start.count(), names);
}

void Monitor::read_signals() {
  signalfd_siginfo signal{};
  bool reload = false;
  while (::read(signals_.get(), &signal, sizeof signal) == sizeof signal) {
    switch (static_cast<int>(signal.ssi_signo)) {
      case SIGHUP:
        reload = true;
        break;
      case SIGTERM:
      case SIGINT:
        stop(0);
        break;
      default:
        break;  // SIGCHLD: below, for one signal may stand for several children
    }
  }
  reap();
  if (reload && phase_ != Phase::stopping) give_configuration(false);
}

void Monitor::reap() {
  for (Child& child : children_) {
    int status = 0;
    if (child.running() && ::waitpid(child.pid(), &status, WNOHANG) == child.pid()) mourn(child, status);
  }
}

void Monitor::mourn(Child& child, int status) {
  read(child);  // its last words
  const pid_t pid = child.pid();
  child.ended();
  child.close_channel();
  child.ready = child.entered = child.has_sockets = false;
  child.kill_at.reset();
  child.asked_at.reset();
  child.ask_at.reset();
  const auto name = channel::to_text(child.role());
  switch (phase_) {
    case Phase::stopping:
      return;
    case Phase::starting:
      // One that ended by itself has said why, in its one line.
      if (WIFSIGNALED(status) || WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == exit_without_exec) {
        log::error("{} {} while starting", name, how_it_ended(status));
      }
      stop(1);
      return;
    case Phase::serving:
      break;
  }
  const auto delay = child.backoff.after_death(Clock::now());
  log::warning("{} (process {}) {}; starting it again in {} ms", name, pid, how_it_ended(status), delay.count());
  child.start_again_at = Clock::now() + delay;
  tell_control_of(child);
}

void Monitor::stop(int exit_code) {
  if (phase_ == Phase::stopping) return;  // asking twice is common (timeout(1) does) and changes nothing
  if (phase_ == Phase::serving) log::info("stopping");
  phase_ = Phase::stopping;
  exit_code_ = exit_code;
  kill_at_ = Clock::now() + patience_with_stopping;
  for (Child& child : children_) {
    child.start_again_at.reset();
    send(child, channel::Stop{});
  }
}

int monitor_main(const CommandLine& line, std::chrono::steady_clock::time_point started) {
  return Monitor{line, started}.run();
}

}  // namespace redoubt::monitor
