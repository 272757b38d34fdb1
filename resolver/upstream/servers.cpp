#include "resolver/upstream/servers.hpp"

#include <algorithm>
#include <string_view>

namespace redoubt::resolver {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds band{50};  // servers this close to the fastest share the queries
constexpr milliseconds unknown_patience{400};
constexpr milliseconds least_patience{200};
constexpr milliseconds most_patience{1600};
constexpr std::chrono::seconds first_rest{5};
constexpr std::chrono::seconds longest_rest{60};
constexpr std::uint32_t failures_before_rest = 3;

}  // namespace

std::size_t Servers::Hash::operator()(const dns::IpAddress& address) const {
  const auto octets = address.octets();
  return std::hash<std::string_view>{}(
      {reinterpret_cast<const char*>(octets.data()), octets.size()});  // octets as characters
}

Servers::Knowledge& Servers::touch(const dns::IpAddress& address) {
  if (const auto at = index_.find(address); at != index_.end()) {
    queue_.splice(queue_.begin(), queue_, at->second);
    return at->second->second;
  }
  if (queue_.size() == max_known) {
    index_.erase(queue_.back().first);
    queue_.pop_back();
  }
  queue_.emplace_front(address, Knowledge{});
  index_.emplace(address, queue_.begin());
  return queue_.front().second;
}

Servers::Knowledge Servers::know(const dns::IpAddress& address) const {
  const std::lock_guard guard{lock_};
  const auto at = index_.find(address);
  return at == index_.end() ? Knowledge{} : at->second->second;
}

void Servers::answered(const dns::IpAddress& address, Duration round_trip) {
  const std::lock_guard guard{lock_};
  Knowledge& knowledge = touch(address);
  knowledge.failures = 0;
  const Duration measured = std::max<Duration>(round_trip, std::chrono::microseconds{1});
  knowledge.round_trip =
      knowledge.round_trip == Duration::zero() ? measured : (knowledge.round_trip * 7 + measured) / 8;
}

void Servers::failed(const dns::IpAddress& address, Instant now) {
  const std::lock_guard guard{lock_};
  Knowledge& knowledge = touch(address);
  ++knowledge.failures;
  if (knowledge.failures < failures_before_rest) return;
  const unsigned doublings = std::min(knowledge.failures - failures_before_rest, 4U);
  knowledge.aside_until = now + std::min<Duration>(first_rest * (1U << doublings), longest_rest);
}

void Servers::put_aside(const dns::IpAddress& address, Instant until) {
  const std::lock_guard guard{lock_};
  Knowledge& knowledge = touch(address);
  knowledge.aside_until = std::max(knowledge.aside_until, until);
}

std::size_t Servers::choose(const std::vector<dns::IpAddress>& candidates, Instant now, Random& random) const {
  const std::lock_guard guard{lock_};
  std::vector<Knowledge> known(candidates.size());
  Duration fastest = Duration::max();
  bool any_willing = false;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (const auto at = index_.find(candidates[i]); at != index_.end()) known[i] = at->second->second;
    if (known[i].aside_until > now) continue;
    any_willing = true;
    if (known[i].round_trip != Duration::zero()) fastest = std::min(fastest, known[i].round_trip);
  }
  std::size_t chosen = 0;
  std::uint32_t seen = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (any_willing && known[i].aside_until > now) continue;
    const bool in_band = known[i].round_trip == Duration::zero() || known[i].round_trip <= fastest ||
                         known[i].round_trip - fastest <= band;
    if (any_willing && !in_band) continue;
    if (random.below(++seen) == 0) chosen = i;
  }
  return chosen;
}

Duration Servers::patience(const Knowledge& knowledge, unsigned tries) {
  const Duration once =
      knowledge.round_trip == Duration::zero() ? Duration{unknown_patience} : knowledge.round_trip * 4;
  return std::clamp<Duration>(once * (1U << std::min(tries, 3U)), least_patience, most_patience);
}

}  // namespace redoubt::resolver
