#pragma once
// One child process as monitor sees it: its number, its channel, and what is known about how far it is.
#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <expected>
#include <optional>
#include <string>

#include "appliance/channel/channel.hpp"
#include "appliance/channel/monitor_child.hpp"
#include "appliance/channel/outbox.hpp"
#include "appliance/monitor/backoff.hpp"

namespace redoubt::monitor {

/// The descriptor on which a child finds its channel to monitor.
inline constexpr int channel_descriptor = 3;

struct Spawned {
  pid_t pid;
  channel::Channel channel;  ///< monitor's end
};

/// Executes this very program again as `role`: own memory layout, nothing inherited but standard error and the channel.
std::expected<Spawned, std::string> spawn(channel::Role role);

class Child {
 public:
  explicit Child(channel::Role role) : role_{role} {}

  channel::Role role() const { return role_; }
  bool running() const { return pid_ > 0; }
  pid_t pid() const { return pid_; }
  std::uint32_t starts() const { return starts_; }
  const channel::Channel& channel() const { return channel_; }
  channel::Channel& channel() { return channel_; }
  bool has_unsent() const { return !outbox_.empty(); }

  std::expected<void, std::string> start();
  /// It was reaped. Its channel may still hold what it said last.
  void ended() { pid_ = 0; }
  void close_channel();
  void kill(int signal) const;
  /// False: its outbox is full, or the message cannot be sent at all. A child that is gone is no trouble: its end is
  /// noticed elsewhere.
  bool send(const channel::MonitorToChild& message, int descriptor = -1);
  void flush();

  // How far this life is.
  bool entered = false;
  std::string sandbox_trouble;  ///< from Entered
  bool has_sockets = false;     ///< it got the sockets that stand, and gets each new one
  bool ready = false;
  /// When it was asked whether it still answers, and has not.
  std::optional<std::chrono::steady_clock::time_point> asked_at;
  /// When it is asked again; nothing: never, for it does not serve yet, or is not watched.
  std::optional<std::chrono::steady_clock::time_point> ask_at;
  // Across its lives.
  std::uint32_t stuck = 0;
  Backoff backoff;
  std::optional<std::chrono::steady_clock::time_point> start_again_at;
  /// Its channel closed: if it has not ended by itself until then, it is ended.
  std::optional<std::chrono::steady_clock::time_point> kill_at;

 private:
  channel::Role role_;
  pid_t pid_ = 0;
  std::uint32_t starts_ = 0;
  channel::Channel channel_;
  channel::Outbox outbox_;
};

}  // namespace redoubt::monitor
