#pragma once
// The failure recheck timer (RFC 8767 §5): questions whose servers failed lately and that are answered with stale
// records meanwhile, without trying again. Bounded; shared by workers.
#include <atomic>
#include <mutex>

#include "dns/question.hpp"
#include "resolver/clock.hpp"
#include "resolver/upstream/recent_table.hpp"

namespace redoubt::resolver {

/// RFC 8767 §5: no more often than every 30 seconds.
inline constexpr std::chrono::seconds failure_recheck{30};

class Rechecks {
 public:
  static constexpr std::size_t most = 20'000;

  /// key: secret, for the hashes of names that others choose.
  explicit Rechecks(const dns::HashKey& key) : key_{key}, table_{most, {}} {}

  /// The question's servers failed just now.
  void note(const dns::Question& question, Instant now);
  /// Whether it is too early to try again.
  bool is_too_early(const dns::Question& question, Instant now) const;

 private:
  struct Same {
    std::size_t operator()(std::uint64_t hash) const { return hash; }
  };
  /// Two questions that share the keyed hash by chance share their fate for half a minute.
  std::uint64_t hash_of(const dns::Question& question) const { return question.name.hash(key_) ^ question.type.value; }

  dns::HashKey key_;
  std::atomic<bool> any_ = false;  // spares the lock to all who ask in good times
  mutable std::mutex lock_;        // guards the table
  RecentTable<std::uint64_t, Instant, Same> table_;
};

}  // namespace redoubt::resolver
