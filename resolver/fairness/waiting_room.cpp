#include "resolver/fairness/waiting_room.hpp"

#include <algorithm>

namespace redoubt::resolver {

WaitingRoom::Entry WaitingRoom::enter(const dns::IpAddress& client, AddressProof proof, Bounds bounds, Instant now) {
  const Holder holder = holder_of(network_of(client), proof, key_);
  const std::lock_guard guard{lock_};
  const auto known = networks_.find(holder);
  if (known != networks_.end() && known->second.waiting >= bounds.of_one) {
    Network& network = known->second;
    if (network.crowded && network.next_answer > now + pace) return {std::nullopt, Turned::silently};
    network.next_answer = std::max(network.next_answer, now) + pace;
    return {std::nullopt, Turned::away_alone};
  }
  if (count_ >= bounds.in_all) return {std::nullopt, Turned::away};
  Network& network = known != networks_.end() ? known->second : networks_[holder];
  ++network.waiting;
  ++count_;
  network.crowded = network.crowded || (guards_.steady_answers && network.waiting >= crowd);
  return {Place{*this, holder, now}};
}

void WaitingRoom::leave(Networks::iterator network) {
  --count_;
  if (network != networks_.end() && --network->second.waiting == 0) networks_.erase(network);
}

void WaitingRoom::leave(Holder network) {
  const std::lock_guard guard{lock_};
  leave(networks_.find(network));
}

std::optional<Instant> WaitingRoom::leave_at(Holder network, Instant came, Instant now) {
  const std::lock_guard guard{lock_};
  const auto at = networks_.find(network);
  if (at == networks_.end() || !at->second.crowded) {
    leave(at);
    return now;
  }
  const Instant turn = std::max(at->second.next_answer, now);
  if (turn - came > too_late) {
    leave(at);
    return std::nullopt;
  }
  at->second.next_answer = turn + pace;
  if (turn == now) leave(at);
  return turn;
}

std::size_t WaitingRoom::count() const {
  const std::lock_guard guard{lock_};
  return count_;
}

std::size_t WaitingRoom::networks() const {
  const std::lock_guard guard{lock_};
  return networks_.size();
}

}  // namespace redoubt::resolver
