#include "dnssec/roll/clock.hpp"

#include <sys/timex.h>
#include <time.h>

#include <algorithm>
#include <fstream>

namespace redoubt::dnssec {

using std::chrono::seconds;

ClockReading read_clock() {
  ClockReading reading;
  reading.wall = std::chrono::floor<seconds>(std::chrono::system_clock::now());
  timespec boot_time{};
  if (::clock_gettime(CLOCK_BOOTTIME, &boot_time) == 0) reading.since_boot = seconds{boot_time.tv_sec};
  std::ifstream{"/proc/sys/kernel/random/boot_id"} >> reading.boot;
  timex state{};
  reading.synchronised = ::adjtimex(&state) >= 0 && (state.status & STA_UNSYNC) == 0;
  return reading;
}

ClockStep advance_clock(const MachineClock& clock, const ClockReading& reading, bool vouched) {
  if (!clock.last) return {{reading.wall, reading}, std::nullopt};
  const seconds by_wall = reading.wall - clock.last->wall;
  seconds passed = std::max(seconds{0}, by_wall);
  const bool same_life = !reading.boot.empty() && reading.boot == clock.last->boot;
  if (vouched) return {{clock.now + passed, reading}, std::nullopt};
  std::optional<std::string> doubt;
  if (same_life) {
    passed = std::max(seconds{0}, reading.since_boot - clock.last->since_boot);
    if (by_wall > passed + tolerated_drift || by_wall + tolerated_drift < passed)
      doubt = "the clock was set by " + std::to_string((by_wall - passed).count()) + " seconds since the last run";
  } else if (by_wall < seconds{0}) {
    doubt = "the clock is before the last run";
  } else if (!(reading.synchronised && clock.last->synchronised) && passed > unproven_step) {
    // Both ends count: a clock that was behind when it was read last makes much time of little.
    passed = unproven_step;
    doubt =
        "after a restart of the system, nothing proves the clock, or did at the last run (no time service): an hour is "
        "taken for granted";
  }
  return {{clock.now + passed, reading}, doubt};
}

}  // namespace redoubt::dnssec
