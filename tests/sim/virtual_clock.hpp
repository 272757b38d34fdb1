#pragma once
// Time that stands still until nobody has anything left to do, and then jumps to the next thing that anybody waits for.
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <utility>

#include "resolver/clock.hpp"

namespace redoubt::sim {

using resolver::Duration;
using resolver::Instant;
using resolver::Task;

class VirtualClock final : public resolver::Clock {
 public:
  Instant now() const override { return now_; }
  resolver::WallTime wall() const override {
    return resolver::WallTime{} + std::chrono::duration_cast<std::chrono::system_clock::duration>(now_ - beginning);
  }
  Task<void> sleep_until(Instant instant) override;

  /// Wakes the earliest sleeper, after moving time on to it. False when nobody sleeps.
  bool wake_next();
  /// When the earliest sleeper wakes; nothing when nobody sleeps.
  std::optional<Instant> next() const {
    return sleepers_.empty() ? std::nullopt : std::optional{sleepers_.begin()->first.first};
  }
  /// Whoever sleeps never wakes, and goes while what he uses is still there.
  void drop_sleepers();
  /// Time passes with nobody looking; sleepers wake late.
  void pass(Duration time) { now_ += time; }

  /// Far from zero, so that arithmetic that forgets the epoch shows.
  static constexpr Instant beginning{std::chrono::hours{24 * 365 * 20}};

 private:
  Instant now_ = beginning;
  std::uint64_t sleepers_ever_ = 0;
  std::map<std::pair<Instant, std::uint64_t>, std::move_only_function<void()>>
      sleepers_;  // those of one instant in order of arrival
};

}  // namespace redoubt::sim
