#pragma once
// When to ask the root for its own servers (RFC 9609). The answer itself lies in the cache, as the root's delegation;
// the hints stay what they are.
#include <chrono>
#include <mutex>

#include "resolver/clock.hpp"

namespace redoubt::resolver {

/// Shared by all workers.
class Priming {
 public:
  /// Whether the caller is to prime now. Who was told so once is not told again before `retry` is over, whatever came
  /// of it.
  bool is_due(Instant now) {
    const std::lock_guard guard{lock_};
    if (now < next_) return false;
    next_ = now + retry;
    return true;
  }
  /// It was done, and is good for so long.
  void done(Instant now, std::chrono::seconds lifetime) {
    const std::lock_guard guard{lock_};
    next_ = now + std::max(lifetime, retry);
  }

  static constexpr std::chrono::seconds retry{60};

 private:
  std::mutex lock_;
  Instant next_{Instant::min()};
};

}  // namespace redoubt::resolver
