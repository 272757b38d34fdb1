#include "resolver/flights.hpp"

#include <algorithm>
#include <iterator>
#include <tuple>
#include <utility>
#include <vector>

namespace redoubt::resolver {

Flights::Joined Flights::join(const dns::Question& question, Bounds bounds, Owner owner, Waiter& waiter,
                              Holder client) {
  using enum Joined::As;
  const std::lock_guard guard{lock_};
  if (waiting_ >= bounds.waiters) return {full, nullptr, Limit::waiting_queries};
  auto at = index_.end();
  bool leading = false;
  if (index_.size() < bounds.flights) {
    std::tie(at, leading) = index_.try_emplace(question);
  } else if (at = index_.find(question); at == index_.end()) {
    return {full, nullptr, Limit::flights};
  }
  if (!leading && at->second.meanwhile) return {late, at->second.meanwhile};
  try {
    if (leading && client != Holder::nobody) {
      auto place = clients_.take(client, bounds.flights_of_one_client);
      if (!place) {
        index_.erase(at);
        return {full, nullptr, Limit::flights_of_one_client};
      }
      at->second.place.emplace(std::move(*place));
    }
    at->second.seats.emplace_back(owner);
  } catch (...) {
    if (leading) index_.erase(at);
    throw;
  }
  at->second.seats.back().waiter = std::move(waiter);  // not before: who throws leaves the waiter to its owner
  ++waiting_;
  return {leading ? leads : waits};
}

bool Flights::lead_unasked(const dns::Question& question, Bounds bounds, std::uint64_t most) {
  const std::lock_guard guard{lock_};
  if (unasked_ >= most || index_.size() >= bounds.flights / 2 || waiting_ >= bounds.waiters / 2) return false;
  const auto [at, added] = index_.try_emplace(question);
  if (!added) return false;
  at->second.unasked = true;
  ++unasked_;
  return true;
}

void Flights::tell(Seats& seats, const SharedOutcome& outcome) {
  waiting_ -= seats.size();
  for (Seat& seat : seats) seat.waiter(outcome);
}

void Flights::give_meanwhile(const dns::Question& question, const SharedOutcome& outcome) {
  Seats seats;  // destroyed after the lock is given back
  const std::lock_guard guard{lock_};
  const auto at = index_.find(question);
  if (at == index_.end()) return;
  at->second.meanwhile = outcome;
  seats = std::exchange(at->second.seats, {});
  tell(seats, outcome);
}

void Flights::land(const dns::Question& question, const SharedOutcome& outcome) {
  Seats seats;  // destroyed after the lock is given back
  const std::lock_guard guard{lock_};
  const auto at = index_.find(question);
  if (at == index_.end()) return;
  seats = std::move(at->second.seats);
  if (at->second.unasked) --unasked_;
  index_.erase(at);
  tell(seats, outcome);
}

void Flights::withdraw(Owner owner) {
  std::vector<Seat> leaving;  // destroyed after the lock is given back: their coroutines end with them
  const std::lock_guard guard{lock_};
  for (auto& [question, flight] : index_) {
    Seats& seats = flight.seats;
    const auto first =
        std::partition(seats.begin(), seats.end(), [owner](const Seat& seat) { return seat.owner != owner; });
    waiting_ -= static_cast<std::size_t>(seats.end() - first);
    leaving.insert(leaving.end(), std::make_move_iterator(first), std::make_move_iterator(seats.end()));
    seats.erase(first, seats.end());
  }
}

std::size_t Flights::in_flight() const {
  const std::lock_guard guard{lock_};
  return index_.size();
}

std::size_t Flights::waiting() const {
  const std::lock_guard guard{lock_};
  return waiting_;
}

}  // namespace redoubt::resolver
