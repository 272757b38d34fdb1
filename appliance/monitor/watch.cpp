// Whether the roles that serve clients still answer. A process that died is noticed at once; one that runs and does
// nothing, or stands still, is noticed here.
#include <csignal>

#include "appliance/log/log.hpp"
#include "appliance/monitor/monitor.hpp"

namespace redoubt::monitor {

namespace {

/// control may wait for a disk, keykeeper may make a large key: neither holds up an answer to a client.
bool is_watched(channel::Role role) { return role == channel::Role::resolver || role == channel::Role::transport; }

/// Monitor is never busy for so long: the machine stood still, and the roles with it.
constexpr std::chrono::seconds longest_pause{5};

}  // namespace

void Monitor::watch(Clock::time_point now) {
  const bool stood_still = now - std::exchange(watched_at_, now) > asking_period + longest_pause;
  for (Child& child : children_) {
    if (!child.running() || !child.ready || !is_watched(child.role())) continue;
    if (stood_still && child.asked_at) child.asked_at = now;
    if (child.asked_at && now - *child.asked_at >= patience_with_silence) {
      ++child.stuck;
      log::error("{} (process {}) has not answered for {} s: killing it", channel::to_text(child.role()), child.pid(),
                 patience_with_silence.count());
      child.asked_at.reset();
      child.ask_at.reset();
      child.kill(SIGKILL);
      continue;
    }
    if (child.ask_at && now < *child.ask_at) continue;
    child.ask_at = now + asking_period;
    if (child.asked_at) continue;
    child.asked_at = now;
    send(child, channel::AreYouThere{});
  }
}

void Monitor::handle(Child& child, const channel::StillHere&) { child.asked_at.reset(); }

}  // namespace redoubt::monitor
