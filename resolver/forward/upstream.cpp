#include "resolver/forward/upstream.hpp"

#include <algorithm>

namespace redoubt::resolver {

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds least_patience{20};
constexpr milliseconds unknown_patience{150};
constexpr milliseconds most_patience{400};
constexpr std::uint32_t misses_before_rest = 3;
constexpr seconds first_rest{1};
constexpr seconds longest_rest{30};
/// How long the others wait for what a probe finds.
constexpr seconds probe_time{1};
/// Of a second's packets, so many parts may leave at once: an endpoint that counts in whole seconds of its own, and
/// drops what is past 1024, still sees no more than 1020 of 1000 a second.
constexpr std::uint32_t burst_part = 50;

}  // namespace

Upstream::Standing Upstream::standing(Instant now) {
  const std::lock_guard guard{lock_};
  Standing standing{.health = Health::well, .round_trip = figures_.round_trip, .patience = unknown_patience};
  if (figures_.round_trip != Duration::zero()) {
    standing.patience = std::clamp<Duration>(figures_.round_trip + variation_ * 4, least_patience, most_patience);
  }
  if (rests_in_a_row_ == 0) return standing;
  standing.health = now < figures_.aside_until ? Health::aside : Health::probe;
  if (standing.health == Health::probe) {
    figures_.aside_until = now + probe_time;
    probing_ = true;
  }
  return standing;
}

void Upstream::sent() {
  const std::lock_guard guard{lock_};
  ++figures_.queries;
}

/// RFC 6298 §2, for a bound that nearly all answers keep.
void Upstream::answered(std::optional<Duration> round_trip) {
  const std::lock_guard guard{lock_};
  ++figures_.answers;
  missed_in_a_row_ = 0;
  rests_in_a_row_ = 0;
  probing_ = false;
  figures_.aside_until = {};
  figures_.trouble = {};
  if (!round_trip) return;
  const Duration measured = std::max<Duration>(*round_trip, std::chrono::microseconds{1});
  Duration& smoothed = figures_.round_trip;
  if (smoothed == Duration::zero()) {
    smoothed = measured;
    variation_ = measured / 2;
    return;
  }
  variation_ = (variation_ * 3 + std::chrono::abs(smoothed - measured)) / 4;
  smoothed = (smoothed * 7 + measured) / 8;
}

void Upstream::missed_locked(Instant now) {
  // Of those that were under way when it went aside, none makes it worse; a probe that fails does, at once.
  if (rests_in_a_row_ != 0 ? !probing_ : ++missed_in_a_row_ < misses_before_rest) return;
  missed_in_a_row_ = 0;
  probing_ = false;
  figures_.aside_until = now + std::min<Duration>(first_rest * (1U << std::min(rests_in_a_row_, 5U)), longest_rest);
  ++rests_in_a_row_;
}

void Upstream::overtaken(Instant now) {
  const std::lock_guard guard{lock_};
  ++figures_.overtaken;
  missed_locked(now);
}

void Upstream::timed_out(bool again, NetworkFault fault, Instant now) {
  const std::lock_guard guard{lock_};
  figures_.trouble = fault;
  ++figures_.timeouts;
  if (!again) missed_locked(now);
}

void Upstream::useless(UpstreamTrouble why) {
  const std::lock_guard guard{lock_};
  figures_.trouble = why;
  ++figures_.failures;
}

void Upstream::unwilling(UpstreamTrouble why, Instant now) {
  const std::lock_guard guard{lock_};
  figures_.trouble = why;
  ++figures_.failures;
  missed_locked(now);
}

std::optional<Instant> Upstream::reserve(std::uint32_t rate, std::uint32_t packets, Instant now, Instant latest,
                                         std::uint64_t most_waiting) {
  if (rate == 0) return now;
  const std::lock_guard guard{lock_};
  interval_ = Duration{seconds{1}} / rate;
  burst_ = interval_ * std::max(rate / burst_part, 1U);
  const Instant paid = std::max(free_at_, now) + interval_ * packets;
  const Instant departure = std::max(now, paid - burst_);
  if (departure > latest || (departure > now && waiting_locked(now) >= most_waiting)) return std::nullopt;
  free_at_ = paid;
  return departure;
}

std::uint64_t Upstream::waiting_locked(Instant now) const {
  if (interval_ == Duration::zero() || free_at_ - burst_ <= now) return 0;
  return static_cast<std::uint64_t>((free_at_ - burst_ - now) / interval_);
}

void Upstream::refused() {
  const std::lock_guard guard{lock_};
  ++figures_.refused;
}

UpstreamFigures Upstream::figures(Instant now) const {
  const std::lock_guard guard{lock_};
  UpstreamFigures figures = figures_;
  figures.waiting = waiting_locked(now);
  return figures;
}

}  // namespace redoubt::resolver
