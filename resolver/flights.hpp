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
  /// Called once, on the thread that ends the flight; brings the outcome to its own thread by itself.
  using Waiter = std::move_only_function<void(SharedOutcome)>;
  enum class Joined : std::uint8_t { leads, waits, full };

  explicit Flights(const dns::HashKey& key) : index_{0, Hash{key}} {}

  /// leads: the caller resolves the question and must call land(), whatever happens; the waiter is not kept. waits: the
  /// waiter is. full: more than `most` different questions are in flight.
  Joined join(const dns::Question& question, std::uint64_t most, Waiter& waiter);
  /// Ends the flight and tells all who wait.
  void land(const dns::Question& question, const SharedOutcome& outcome);
  std::size_t in_flight() const;

 private:
  struct Hash {
    dns::HashKey key;
    std::size_t operator()(const dns::Question& question) const {
      return question.name.hash(key) ^ question.type.value;
    }
  };
  mutable std::mutex lock_;
  std::unordered_map<dns::Question, std::vector<Waiter>, Hash> index_;
};

}  // namespace redoubt::resolver
