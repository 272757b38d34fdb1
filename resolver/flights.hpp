#pragma once
// Questions in resolution. Whoever asks one that is in flight already waits for it, on whatever thread (attacks:
// birthday).
#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "dns/question.hpp"
#include "resolver/outcome.hpp"

namespace redoubt::resolver {

class Flights {
 public:
  /// Called once, on the thread that ends the flight and under the table's lock: it only carries the outcome to its own
  /// thread.
  using Waiter = std::move_only_function<void(SharedOutcome)>;
  /// Who waits; withdraw() goes by it.
  using Owner = const void*;
  enum class Joined : std::uint8_t { leads, waits, full };

  struct Bounds {
    std::uint64_t flights;  ///< different questions at once
    std::uint64_t waiters;  ///< of all of them together
  };

  explicit Flights(const dns::HashKey& key) : index_{0, Hash{key}} {}

  /// leads: the caller resolves the question and must call land(), whatever happens; the waiter is not kept. waits: the
  /// waiter is. full: a bound was reached.
  Joined join(const dns::Question& question, Bounds bounds, Owner owner, Waiter& waiter);
  /// Ends the flight and tells all who wait.
  void land(const dns::Question& question, const SharedOutcome& outcome);
  /// Drops the owner's waiters uncalled: their thread is about to end. None of them is called after this returns.
  void withdraw(Owner owner);
  std::size_t in_flight() const;
  std::size_t waiting() const;

 private:
  struct Seat {
    Owner owner;
    Waiter waiter;
  };
  struct Hash {
    dns::HashKey key;
    std::size_t operator()(const dns::Question& question) const {
      return question.name.hash(key) ^ question.type.value;
    }
  };

  mutable std::mutex lock_;  // guards the rest
  std::unordered_map<dns::Question, std::vector<Seat>, Hash> index_;
  std::size_t waiting_ = 0;
};

}  // namespace redoubt::resolver
