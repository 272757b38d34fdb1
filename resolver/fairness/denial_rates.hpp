#pragma once
// How often a second the servers of one zone are asked to no purpose: for names that do not exist, or without getting
// an answer. Names that exist never come to a bound, random ones soon do (attacks: water torture). One client's network
// may spend half of what the zone has, all that have spent of it within the last second together three quarters: a
// quarter is left to whoever has asked for nothing but what exists. Bounded; shared by workers.
#include <cstdint>
#include <mutex>
#include <optional>

#include "resolver/clock.hpp"
#include "resolver/fairness/holder.hpp"
#include "resolver/guards.hpp"
#include "resolver/upstream/recent_table.hpp"

namespace redoubt::resolver {

class DenialRates {
 public:
  static constexpr std::size_t most = 20'000;

  explicit DenialRates(const Guards& guards = {}) : guards_{guards} {}

  /// One more question to the zone's servers, for which `client` stands (nobody: none of them). False when there were
  /// `a_second` to no purpose in the last second, those included that are under way and will be, if all goes on as it
  /// does. After true comes end().
  bool begin(Holder zone, Holder client, std::uint64_t a_second, Instant now);
  void end(Holder zone, Holder client, std::uint64_t a_second, Instant now, bool of_use);
  std::size_t size() const;

 private:
  struct Account {
    Instant spent_until{};  ///< when what was spent is paid off; a second ahead of now nothing is left
    std::optional<Instant> spent_last = {};
    std::uint32_t under_way = 0;
    float useless = 0;  ///< share of the last ones, smoothed

    bool has_left(Duration price, Instant now, Duration room) const;
    void end(Duration price, Instant now, bool of_use);
  };
  static Duration price(std::uint64_t a_second) {
    return std::chrono::duration_cast<Duration>(std::chrono::seconds{1}) / static_cast<std::int64_t>(a_second);
  }

  Guards guards_;
  mutable std::mutex lock_;  // guards the table
  RecentTable<Holder, Account, HolderHash> accounts_{most, {}};
};

}  // namespace redoubt::resolver
