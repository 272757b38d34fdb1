#pragma once
// How long a role that died stays down.
#include <algorithm>
#include <chrono>
#include <optional>

namespace redoubt::monitor {

/// The first time not at all; then 0.1 s, 0.2 s and so on to 10 s, while deaths follow each other within a minute.
class Backoff {
 public:
  using Time = std::chrono::steady_clock::time_point;
  using Duration = std::chrono::milliseconds;
  static constexpr Duration shortest{100};
  static constexpr Duration longest{10'000};
  static constexpr std::chrono::seconds calm{60};

  Duration after_death(Time now) {
    const bool again = last_death_ && now - *last_death_ < calm;
    last_death_ = now;
    if (!again) {
      next_ = shortest;
      return Duration{0};
    }
    const Duration delay = next_;
    next_ = std::min(next_ * 2, longest);
    return delay;
  }

 private:
  std::optional<Time> last_death_;
  Duration next_ = shortest;
};

}  // namespace redoubt::monitor
