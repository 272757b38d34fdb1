#include "resolver/flights.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

namespace redoubt::resolver {

Flights::Joined Flights::join(const dns::Question& question, Bounds bounds, Owner owner, Waiter& waiter,
                              Holder client) {
  using enum Joined::As;
  const std::lock_guard guard{lock_};
  if (waiting_ >= bounds.waiters) return {full, nullptr, Limit::waiting_queries};
  auto at = index_.find(question);
  const bool leading = at == index_.end();
  if (leading) {
    if (index_.size() >= bounds.flights) return {full, nullptr, Limit::flights};
    auto place = client == Holder::nobody ? std::nullopt : clients_.take(client, bounds.flights_of_one_client);
    if (client != Holder::nobody && !place) return {full, nullptr, Limit::flights_of_one_client};
    at = index_.try_emplace(question).first;
    if (place) at->second.place.emplace(std::move(*place));
  } else if (at->second.meanwhile) {
    return {late, at->second.meanwhile};
  }
  try {
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

void Flights::tell(std::vector<Seat>& seats, const SharedOutcome& outcome) {
  waiting_ -= seats.size();
  for (Seat& seat : seats) seat.waiter(outcome);
}

void Flights::give_meanwhile(const dns::Question& question, const SharedOutcome& outcome) {
  std::vector<Seat> seats;  // destroyed after the lock is given back
  const std::lock_guard guard{lock_};
  const auto at = index_.find(question);
  if (at == index_.end()) return;
  at->second.meanwhile = outcome;
  seats = std::exchange(at->second.seats, {});
  tell(seats, outcome);
}

void Flights::land(const dns::Question& question, const SharedOutcome& outcome) {
  std::vector<Seat> seats;  // destroyed after the lock is given back
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
    std::vector<Seat>& seats = flight.seats;
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
