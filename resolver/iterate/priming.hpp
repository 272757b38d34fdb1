#pragma once
// When to ask the root for its own servers (RFC 9609). The answer itself lies in the cache, as the root's delegation;
// the hints stay what they are.
#include <algorithm>
#include <atomic>
#include <chrono>

#include "resolver/clock.hpp"

namespace redoubt::resolver {

/// Shared by all workers.
class Priming {
 public:
  /// Whether the caller is to prime now. Who was told so once is not told again before `retry` is over, whatever came
  /// of it.
  bool is_due(Instant now) {
    Instant next = next_.load(std::memory_order_relaxed);
    return now >= next && next_.compare_exchange_strong(next, now + retry, std::memory_order_relaxed);
  }
  /// It was done, and is good for so long.
  void done(Instant now, std::chrono::seconds lifetime) {
    next_.store(now + std::max(lifetime, retry), std::memory_order_relaxed);
  }

  static constexpr std::chrono::seconds retry{60};

 private:
  std::atomic<Instant> next_{Instant::min()};
};

}  // namespace redoubt::resolver
