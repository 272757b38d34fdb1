#include "resolver/flights.hpp"

namespace redoubt::resolver {

Flights::Joined Flights::join(const dns::Question& question, std::uint64_t most, Waiter& waiter) {
  const std::lock_guard guard{lock_};
  if (const auto at = index_.find(question); at != index_.end()) {
    at->second.push_back(std::move(waiter));
    return Joined::waits;
  }
  if (index_.size() >= most) return Joined::full;
  index_.try_emplace(question);
  return Joined::leads;
}

void Flights::land(const dns::Question& question, const SharedOutcome& outcome) {
  std::vector<Waiter> waiters;
  {
    const std::lock_guard guard{lock_};
    const auto at = index_.find(question);
    if (at == index_.end()) return;
    waiters = std::move(at->second);
    index_.erase(at);
  }
  for (Waiter& waiter : waiters) waiter(outcome);
}

std::size_t Flights::in_flight() const {
  const std::lock_guard guard{lock_};
  return index_.size();
}

}  // namespace redoubt::resolver
