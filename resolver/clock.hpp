#pragma once
// Time as the resolution core sees it: real in production, virtual in simulations.
#include <chrono>

#include "resolver/task.hpp"

namespace redoubt::resolver {

using Instant = std::chrono::steady_clock::time_point;
using WallTime = std::chrono::system_clock::time_point;
using Duration = std::chrono::steady_clock::duration;

class Clock {
 public:
  virtual ~Clock() = default;
  /// Never goes back. For TTLs, time-outs and round trips.
  virtual Instant now() const = 0;
  /// The calendar's time: for signatures only.
  virtual WallTime wall() const = 0;
  virtual Task<void> sleep_until(Instant instant) = 0;
};

}  // namespace redoubt::resolver
