#pragma once
// Time for the key machine: it never runs faster than real time, however the wall clock jumps. What the machine waits
// for is that time passes for caches elsewhere; a clock that claims a year at once must not convince it.
#include <chrono>
#include <optional>
#include <string>

#include "dnssec/roll/versions.hpp"

namespace redoubt::dnssec {

/// What the system says at one moment.
struct ClockReading {
  Instant wall;
  std::chrono::seconds since_boot{0};  ///< counts through sleep, and nobody sets it
  std::string boot;                    ///< names this life of the system; never two lives alike
  bool synchronised = false;           ///< the kernel's clock is steered by a time service
  bool operator==(const ClockReading&) const = default;
};
ClockReading read_clock();

struct MachineClock {
  Instant now;  ///< what the machine reckons with; starts as the wall clock's time
  std::optional<ClockReading> last;
  bool operator==(const MachineClock&) const = default;
};

inline constexpr std::chrono::seconds unproven_step = std::chrono::hours{1};
inline constexpr std::chrono::seconds tolerated_drift = std::chrono::minutes{10};

struct ClockStep {
  MachineClock clock;
  std::optional<std::string> doubt;  ///< why the wall clock is not believed
};

/// In one life of the system its own count is believed. Across a restart the wall clock is, forward, if it is steered,
/// and was when it was read last; if not, a step counts at most as unproven_step, unless an operator vouches for it.
ClockStep advance_clock(const MachineClock& clock, const ClockReading& reading, bool vouched);

}  // namespace redoubt::dnssec
