#pragma once
#include <array>
#include <atomic>
#include <cstdint>

#include "appliance/channel/statistics.hpp"

namespace redoubt::resolver {

/// Counters of one thread: written by it alone, read by anyone.
struct WorkerCounters {
  std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(channel::ResolverCounter::count)> values{};
  void add(channel::ResolverCounter which, std::uint64_t amount = 1) {
    auto& value = values[static_cast<std::size_t>(which)];
    value.store(value.load(std::memory_order_relaxed) + amount,
                std::memory_order_relaxed);  // one writer: no locked instruction
  }
  std::uint64_t get(channel::ResolverCounter which) const {
    return values[static_cast<std::size_t>(which)].load(std::memory_order_relaxed);
  }
};

}  // namespace redoubt::resolver
