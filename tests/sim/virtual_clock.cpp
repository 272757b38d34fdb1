#include "tests/sim/virtual_clock.hpp"

namespace redoubt::sim {

Task<void> VirtualClock::sleep_until(Instant instant) {
  if (instant <= now_) co_return;
  co_await resolver::Suspension{[this, instant](resolver::Suspended suspended) {
    sleepers_.emplace(std::pair{instant, sleepers_ever_++},
                      [suspended = std::move(suspended)]() mutable { suspended.resume(); });
  }};
}

void VirtualClock::drop_sleepers() {
  while (!sleepers_.empty()) sleepers_.extract(sleepers_.begin());
}

bool VirtualClock::wake_next() {
  if (sleepers_.empty()) return false;
  auto sleeper = sleepers_.extract(sleepers_.begin());
  now_ = std::max(now_, sleeper.key().first);
  sleeper.mapped()();
  return true;
}

}  // namespace redoubt::sim
