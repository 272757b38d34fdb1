#pragma once
// The clock of this process and timers that keep it: the machine's own, to which test builds add what tests say
// (appliance/channel/test_clock.hpp). All of the role takes its time from here, or deadlines and timers would disagree.
#include <boost/asio/basic_waitable_timer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>

#include "resolver/clock.hpp"
#ifdef REDOUBT_TEST_HOOKS
#include <algorithm>

#include "appliance/channel/test_clock.hpp"
#endif

namespace redoubt::resolver {

#ifdef REDOUBT_TEST_HOOKS

/// Jumps when the test's file says so, back as well.
struct MachineClock {
  using duration = Duration;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = Instant;
  static constexpr bool is_steady = false;
  static time_point now() { return std::chrono::steady_clock::now() + channel::test_clock::offset(); }
};

/// Looks at the clock again and again, for it may have jumped.
struct MachineWait {
  static Duration to_wait_duration(const Duration& left) { return std::min<Duration>(left, channel::test_clock::pace); }
  static Duration to_wait_duration(const Instant& then) { return to_wait_duration(then - MachineClock::now()); }
};

using MachineTimer = boost::asio::basic_waitable_timer<MachineClock, MachineWait>;
inline WallTime machine_wall() {
  return std::chrono::system_clock::now() +
         std::chrono::duration_cast<WallTime::duration>(channel::test_clock::offset());
}

#else

using MachineClock = std::chrono::steady_clock;
using MachineTimer = boost::asio::steady_timer;
inline WallTime machine_wall() { return std::chrono::system_clock::now(); }

#endif

}  // namespace redoubt::resolver
