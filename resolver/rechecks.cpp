#include "resolver/rechecks.hpp"

namespace redoubt::resolver {

void Rechecks::note(const dns::Question& question, Instant now) {
  const std::uint64_t hash = hash_of(question);
  const std::lock_guard guard{lock_};
  table_.touch(hash) = now + failure_recheck;
  any_.store(true, std::memory_order_relaxed);
}

bool Rechecks::is_too_early(const dns::Question& question, Instant now) const {
  if (!any_.load(std::memory_order_relaxed)) return false;
  const std::uint64_t hash = hash_of(question);
  const std::lock_guard guard{lock_};
  const Instant* until = table_.find(hash);
  return until != nullptr && now < *until;
}

}  // namespace redoubt::resolver
