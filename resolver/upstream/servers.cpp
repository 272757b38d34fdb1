#include "resolver/upstream/servers.hpp"

#include <algorithm>
#include <vector>

#include "dns/keyed_hash.hpp"

namespace redoubt::resolver {

namespace {

using std::chrono::milliseconds;

constexpr milliseconds band{50};           // servers this close to the fastest share the queries
constexpr std::uint32_t exploration = 20;  // one choice in so many looks at all that are willing
constexpr milliseconds unknown_patience{400};
constexpr milliseconds least_patience{200};
constexpr milliseconds most_patience{1600};
constexpr std::chrono::seconds first_rest{5};
constexpr std::chrono::seconds longest_rest{60};
constexpr std::uint32_t failures_before_rest = 3;

}  // namespace

std::size_t Servers::AddressHash::operator()(const dns::IpAddress& address) const {
  return dns::keyed_hash(address.octets(), key);
}

Duration Servers::round_trip(const dns::IpAddress& address) const {
  const std::lock_guard guard{lock_};
  const Duration* known = round_trips_.find(address);
  return known == nullptr ? Duration::zero() : *known;
}

bool Servers::is_aside_locked(const Pair& pair, Instant now) const {
  const Trouble* trouble = troubles_.find(pair);
  return trouble != nullptr && trouble->aside_until > now;
}

bool Servers::is_aside(const dns::IpAddress& address, const dns::Name& zone, Instant now) const {
  const Pair pair{address, zone.hash(key_)};
  const std::lock_guard guard{lock_};
  return is_aside_locked(pair, now);
}

std::string Servers::to_text(const Why& why) {
  if (const auto* rcode = std::get_if<dns::Rcode>(&why)) return dns::to_text(*rcode);
  return std::string{std::get<std::string_view>(why)};
}

std::optional<Servers::Aside> Servers::aside(const dns::IpAddress& address, const dns::Name& zone, Instant now) const {
  const Pair pair{address, zone.hash(key_)};
  const std::lock_guard guard{lock_};
  const Trouble* trouble = troubles_.find(pair);
  if (trouble == nullptr || trouble->aside_until <= now) return std::nullopt;
  return Aside{.left = trouble->aside_until - now, .failures = trouble->failures, .why = trouble->why};
}

void Servers::succeeded(const dns::IpAddress& address, const dns::Name& zone) {
  if (troubled_.load(std::memory_order_relaxed) == 0) return;  // as a rule
  const Pair pair{address, zone.hash(key_)};
  const std::lock_guard guard{lock_};
  troubles_.erase(pair);
  troubled_.store(troubles_.size(), std::memory_order_relaxed);
}

void Servers::answered(const dns::IpAddress& address, Duration round_trip) {
  const std::lock_guard guard{lock_};
  const Duration measured = std::max<Duration>(round_trip, std::chrono::microseconds{1});
  Duration& smoothed = round_trips_.touch(address);
  smoothed = smoothed == Duration::zero() ? measured : (smoothed * 7 + measured) / 8;
}

void Servers::failed(const dns::IpAddress& address, const dns::Name& zone, Instant now, Why why) {
  const Pair pair{address, zone.hash(key_)};
  const std::lock_guard guard{lock_};
  Trouble& trouble = troubles_.touch(pair);
  troubled_.store(troubles_.size(), std::memory_order_relaxed);
  ++trouble.failures;
  trouble.why = why;
  if (trouble.failures < failures_before_rest) return;
  const unsigned doublings = std::min(trouble.failures - failures_before_rest, 4U);
  trouble.aside_until =
      std::max(trouble.aside_until, now + std::min<Duration>(first_rest * (1U << doublings), longest_rest));
}

void Servers::put_aside(const dns::IpAddress& address, const dns::Name& zone, Instant until, Why why) {
  const Pair pair{address, zone.hash(key_)};
  const std::lock_guard guard{lock_};
  Trouble& trouble = troubles_.touch(pair);
  troubled_.store(troubles_.size(), std::memory_order_relaxed);
  trouble.aside_until = std::max(trouble.aside_until, until);
  trouble.why = why;
}

std::size_t Servers::choose(std::span<const dns::IpAddress> candidates, const dns::Name& zone, Instant now,
                            Random& random) const {
  if (candidates.size() == 1) return 0;
  struct Known {
    Duration round_trip = Duration::zero();
    bool aside = false;
  };
  const std::uint64_t zone_hash = zone.hash(key_);
  std::vector<Known> known(candidates.size());
  Duration fastest = Duration::max();
  bool any_willing = false;
  {
    const std::lock_guard guard{lock_};
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      if (const Duration* measured = round_trips_.find(candidates[i]); measured != nullptr)
        known[i].round_trip = *measured;
      known[i].aside = is_aside_locked({candidates[i], zone_hash}, now);
      if (known[i].aside) continue;
      any_willing = true;
      if (known[i].round_trip != Duration::zero()) fastest = std::min(fastest, known[i].round_trip);
    }
  }
  const bool explore = random.below(exploration) == 0;
  std::size_t chosen = 0;
  std::uint32_t seen = 0;
  for (std::size_t i = 0; i < candidates.size(); ++i) {
    if (any_willing && known[i].aside) continue;
    const bool in_band = known[i].round_trip <= fastest || known[i].round_trip - fastest <= band;
    if (any_willing && !in_band && !explore) continue;
    if (random.below(++seen) == 0) chosen = i;  // each of those seen so far with the same chance
  }
  return chosen;
}

Duration Servers::patience(Duration round_trip, unsigned tries) {
  const Duration once =
      round_trip == Duration::zero() ? Duration{unknown_patience} : std::max<Duration>(round_trip * 4, least_patience);
  return std::min<Duration>(once * (1U << std::min(tries, 3U)), most_patience);
}

std::vector<Servers::Row> Servers::recent(std::size_t limit, Instant now) const {
  std::vector<Row> rows;
  const auto row_of = [&](const dns::IpAddress& address) -> Row* {
    const auto at = std::ranges::find(rows, address, &Row::address);
    if (at != rows.end()) return &*at;
    if (rows.size() == limit) return nullptr;
    return &rows.emplace_back(Row{.address = address});
  };
  const std::lock_guard guard{lock_};
  round_trips_.each([&](const dns::IpAddress& address, const Duration& measured) {
    if (rows.size() < limit) rows.push_back({.address = address, .round_trip = measured});
    return rows.size() < limit;
  });
  std::size_t seen = 0;
  troubles_.each([&](const Pair& pair, const Trouble& trouble) {
    if (Row* row = row_of(pair.address)) {
      row->failures = std::max(row->failures, trouble.failures);
      row->aside_for = std::max(row->aside_for, trouble.aside_until - now);
    }
    return ++seen < limit;  // the lock is everybody's
  });
  for (Row& row : rows) row.aside_for = std::max(row.aside_for, Duration::zero());
  return rows;
}

std::size_t Servers::measured() const {
  const std::lock_guard guard{lock_};
  return round_trips_.size();
}

std::size_t Servers::troubled() const {
  const std::lock_guard guard{lock_};
  return troubles_.size();
}

}  // namespace redoubt::resolver
