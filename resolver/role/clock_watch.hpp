#pragma once
// Whether somebody set the clock. Nothing here depends on it but signatures, cookies and images of the cache; whoever
// looks for the reason of failures wants to know.
#include <chrono>

#include "resolver/clock.hpp"

namespace redoubt::resolver {

class ClockWatch {
 public:
  /// By how much the wall clock has gone another way than the steady one since the last look; zero where that is within
  /// a second and a thousandth of the time between, for clocks are slowed down and sped up as well (NTP: by a
  /// two-thousandth at most). Nothing is known at the first look.
  std::chrono::seconds look(Instant now, WallTime wall) {
    const Duration apart = wall.time_since_epoch() - now.time_since_epoch();
    const Duration moved = seen_ ? apart - apart_ : Duration{};
    const Duration allowed = std::chrono::seconds{1} + (seen_ ? (now - last_) / 1000 : Duration{});
    seen_ = true;
    apart_ = apart;
    last_ = now;
    return std::chrono::abs(moved) > allowed ? std::chrono::duration_cast<std::chrono::seconds>(moved)
                                             : std::chrono::seconds{};
  }

 private:
  bool seen_ = false;
  Duration apart_{};
  Instant last_{};
};

}  // namespace redoubt::resolver
