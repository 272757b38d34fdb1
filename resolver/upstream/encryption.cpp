#include "resolver/upstream/encryption.hpp"

#include <algorithm>
#include <utility>

namespace redoubt::resolver {

namespace {

/// Those whose servers share places for attempts.
dns::Prefix network_of_server(const dns::IpAddress& server) {
  constexpr std::uint8_t v4_bits = 24;
  constexpr std::uint8_t v6_bits = 48;
  return dns::Prefix::around(server, server.is_v6() ? v6_bits : v4_bits);
}

}  // namespace

bool Encryption::speaks(const dns::IpAddress& server, Instant now) const {
  const std::lock_guard guard{lock_};
  const Known* known = servers_.find(server);
  return known != nullptr && now < known->good_until;
}

void Encryption::answered_in_clear(const dns::IpAddress& server, const dns::Question& question, Instant now) {
  const std::lock_guard guard{lock_};
  const Known* known = servers_.find(server);
  if ((known != nullptr && now < known->not_before) || waiting_.size() >= most_waiting) return;
  const auto of_network = std::ranges::count(waiting_, network_of_server(server),
                                             [](const Probe& probe) { return network_of_server(probe.server); });
  if (static_cast<std::size_t>(of_network) >= most_of_network) return;  // its turn comes with a later answer
  servers_.touch(server).not_before = now + damping;
  waiting_.push_back({server, question});
}

std::optional<Encryption::Probe> Encryption::take() {
  const std::lock_guard guard{lock_};
  if (under_way_.size() >= most_probes) return std::nullopt;
  const auto next = std::ranges::find_if(waiting_, [this](const Probe& probe) {
    const auto of_network = std::ranges::count(under_way_, network_of_server(probe.server));
    return static_cast<std::size_t>(of_network) < most_of_network;
  });
  if (next == waiting_.end()) return std::nullopt;
  under_way_.push_back(network_of_server(next->server));
  Probe probe = std::move(*next);
  waiting_.erase(next);
  return probe;
}

void Encryption::ended(const dns::IpAddress& server) {
  const std::lock_guard guard{lock_};
  const auto at = std::ranges::find(under_way_, network_of_server(server));
  if (at != under_way_.end()) under_way_.erase(at);
}

Encryption::Counts Encryption::counts(Instant now) const {
  const std::lock_guard guard{lock_};
  Counts counts{.speaking = 0, .under_way = under_way_.size()};
  servers_.each([&](const dns::IpAddress&, const Known& known) {
    counts.speaking += now < known.good_until ? 1 : 0;
    return true;
  });
  return counts;
}

void Encryption::succeeded(const dns::IpAddress& server, Instant now) {
  const std::lock_guard guard{lock_};
  servers_.touch(server).good_until = now + persistence;
}

void Encryption::failed(const dns::IpAddress& server, Instant now) {
  const std::lock_guard guard{lock_};
  servers_.touch(server) = {.good_until = Instant::min(), .not_before = now + damping};
}

}  // namespace redoubt::resolver
