#pragma once
// The monitor role: starts the others, gives them their channels and sockets, starts them again, ends them.
#include <chrono>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "appliance/channel/monitor_child.hpp"
#include "appliance/monitor/child.hpp"
#include "appliance/monitor/command_line.hpp"
#include "appliance/monitor/listeners.hpp"

namespace redoubt::monitor {

/// How long children may take to end before they are killed.
inline constexpr std::chrono::seconds patience_with_stopping{5};
/// After how long a start that hangs is worth a line that says on whom.
inline constexpr std::chrono::seconds slow_start{10};

/// How often a role that serves is asked whether it still does, and how long it may take to say so.
inline constexpr std::chrono::seconds asking_period{2};
inline constexpr std::chrono::seconds patience_with_silence{10};

class Monitor {
 public:
  using Clock = std::chrono::steady_clock;

  Monitor(CommandLine line, Clock::time_point started);
  /// Until SIGTERM or SIGINT. The process's exit code: 0, or 1 when the start failed (whoever failed has said why).
  int run();

 private:
  enum class Phase : std::uint8_t { starting, serving, stopping };

  // monitor.cpp: the processes
  bool open_signals();
  bool shut_the_door();
  bool start_everyone();
  void connect(Child& one, Child& other);
  void start_again(Child& child);
  void turn();
  int until_next_deadline() const;
  void meet_deadlines();
  void say_whom_we_wait_for();
  void read_signals();
  void reap();
  void mourn(Child& child, int status);
  void stop(int exit_code);

  // watch.cpp: whether they still answer
  void watch(Clock::time_point now);
  void handle(Child& child, const channel::StillHere& message);

  // messages.cpp: what they say
  void read(Child& child);
  void take(Child& child, const channel::Received& received);
  void punish(Child& child, std::string_view what);
  void handle(Child& child, const channel::Entered& message);
  void handle(Child& child, const channel::Ready& message);
  void handle(Child& child, const channel::AcceptBestEffort& message);
  void handle(Child& child, const channel::Bind& message);
  void handle(Child& child, const channel::Unbind& message);
  void handle(Child& child, const channel::RequestReload& message);
  void handle(Child& child, const channel::Keep& message);
  void handle(Child& child, const channel::LogAs& message);
  void handle(Child& child, const channel::OpenTlsFiles& message);
  void judge_sandboxes();
  bool acceptable(const Child& child) const;
  void hand_out_sockets();
  void give_socket(const BoundSocket& bound);
  void give_configuration(bool initial);
  void tell_what_was(Child& child);
  void tell_control_of(const Child& child);
  void note_readiness();
  void send(Child& child, const channel::MonitorToChild& message, int descriptor = -1);

  Child& child_of(channel::Role role);

  CommandLine line_;
  Clock::time_point started_;
  std::uint64_t since_;  ///< seconds since 1970 at the start
  Phase phase_ = Phase::starting;
  int exit_code_ = 0;
  Clock::time_point watched_at_{};  ///< when the roles were last looked after
  std::optional<Clock::time_point> kill_at_;
  std::optional<Clock::time_point> wonder_at_;  ///< while starting: when to say whom we wait for
  channel::Descriptor signals_;
  std::vector<Child> children_;
  Listeners listeners_;
  std::vector<channel::Descriptor> kept_;  ///< by slot
  std::string own_sandbox_trouble_;
  std::optional<bool> best_effort_;  ///< nothing: control has not read its configuration yet
  std::optional<channel::LogAs> log_as_;
  std::optional<channel::Descriptor> taken_;  ///< the descriptor of the message being handled
};

/// argument list without the program's name; prints usage and version, or runs a Monitor.
int monitor_main(const CommandLine& line, std::chrono::steady_clock::time_point started);

}  // namespace redoubt::monitor
