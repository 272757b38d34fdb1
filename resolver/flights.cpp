#include "resolver/flights.hpp"

#include <algorithm>
#include <exception>
#include <iterator>

namespace redoubt::resolver {

Flights::Joined Flights::join(const dns::Question& question, Bounds bounds, Owner owner, Waiter& waiter) {
  const std::lock_guard guard{lock_};
  if (const auto at = index_.find(question); at != index_.end()) {
    if (waiting_ >= bounds.waiters) return Joined::full;
    at->second.push_back({owner, std::move(waiter)});
    ++waiting_;
    return Joined::waits;
  }
  if (index_.size() >= bounds.flights) return Joined::full;
  index_.try_emplace(question);
  return Joined::leads;
}

void Flights::land(const dns::Question& question, const SharedOutcome& outcome) {
  std::vector<Seat> seats;  // destroyed after the lock is given back
  const std::lock_guard guard{lock_};
  const auto at = index_.find(question);
  if (at == index_.end()) return;
  seats = std::move(at->second);
  index_.erase(at);
  waiting_ -= seats.size();
  for (Seat& seat : seats) {
    try {
      seat.waiter(outcome);
    } catch (const std::exception&) {  // no memory to carry it over: that one client asks again, as if the answer were
                                       // lost on the way
    }
  }
}

void Flights::withdraw(Owner owner) {
  std::vector<Seat> leaving;  // destroyed after the lock is given back: their coroutines end with them
  const std::lock_guard guard{lock_};
  for (auto& [question, seats] : index_) {
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
