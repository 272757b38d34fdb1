#pragma once
// How many lines may leave a process: a flood of log lines is as good an attack on a disk as any.
#include <chrono>
#include <cstdint>
#include <utility>

namespace redoubt::log {

/// Counts lines in windows of one second. Not thread-safe.
class RateLimiter {
 public:
  using Time = std::chrono::steady_clock::time_point;

  explicit RateLimiter(unsigned lines_per_second) : limit_{lines_per_second} {}

  /// Whether a line may go out now. A line that may not is counted as held back.
  bool allow(Time now) {
    if (now - window_start_ >= std::chrono::seconds{1}) {
      window_start_ = now;
      lines_ = 0;
    }
    if (lines_ < limit_) {
      ++lines_;
      return true;
    }
    ++held_back_;
    return false;
  }
  /// For a line that was allowed but could not be written.
  void count_as_held_back() { ++held_back_; }
  /// Lines held back since the last call.
  std::uint64_t take_held_back() { return std::exchange(held_back_, 0); }

 private:
  unsigned limit_;
  unsigned lines_ = 0;
  std::uint64_t held_back_ = 0;
  Time window_start_{};
};

}  // namespace redoubt::log
