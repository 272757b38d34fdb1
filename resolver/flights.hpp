#pragma once
// Questions in resolution. Whoever asks one that is in flight already waits for it, on whatever thread (attacks:
// birthday).
#include <boost/container/small_vector.hpp>
#include <cstdint>
#include <functional>
#include <mutex>
#include <unordered_map>

#include "dns/question.hpp"
#include "resolver/budget.hpp"
#include "resolver/fairness/places.hpp"
#include "resolver/frame_pool.hpp"
#include "resolver/outcome.hpp"

namespace redoubt::resolver {

class Flights {
 public:
  /// Called once, on the thread that ends the flight and under the table's lock: it only carries the outcome to its own
  /// thread. It does not fail: who waits would end on a thread that is not his.
  using Waiter = std::move_only_function<void(SharedOutcome) noexcept>;
  /// Who waits; withdraw() goes by it.
  using Owner = const void*;

  struct Bounds {
    std::uint64_t flights;  ///< different questions at once
    std::uint64_t waiters;  ///< of all of them together
    std::uint64_t flights_of_one_client = ~std::uint64_t{0};
  };

  /// What came of join().
  struct Joined {
    enum class As : std::uint8_t {
      leads,  ///< the caller sees to it that the question is resolved and land() is called, whatever happens
      waits,  ///< others do
      late,   ///< others do, but have been at it for so long that `outcome` is given meanwhile; the waiter is not kept
      full,   ///< a bound was reached; the waiter is not kept
    };
    As as;
    SharedOutcome outcome = {};
    Limit bound = Limit::flights;  ///< when full: which
  };

  explicit Flights(const dns::HashKey& key) : index_{0, Hash{key}} {}

  /// client: whose flight it is if it is a new one.
  Joined join(const dns::Question& question, Bounds bounds, Owner owner, Waiter& waiter,
              Holder client = Holder::nobody);
  /// A flight that nobody waits for yet: true when the caller leads it, false when there is one already or there are
  /// `most` flights of this kind, or half of a bound is taken.
  bool lead_unasked(const dns::Question& question, Bounds bounds, std::uint64_t most);
  /// Tells all who wait so far, and those who come while the flight goes on, this outcome.
  void give_meanwhile(const dns::Question& question, const SharedOutcome& outcome);
  /// Ends the flight and tells all who wait.
  void land(const dns::Question& question, const SharedOutcome& outcome);
  /// Drops the owner's waiters uncalled: their thread is about to end. None of them is called after this returns.
  void withdraw(Owner owner);
  std::size_t in_flight() const;
  std::size_t waiting() const;

 private:
  using ClientPlaces = BasicPlaces<NoLock>;  // taken and given back under the table's lock
  struct Seat {
    Owner owner;
    Waiter waiter = {};
  };
  using Seats = boost::container::small_vector<Seat, 1>;  // most are asked for by one
  struct Flight {
    Seats seats = {};
    SharedOutcome meanwhile = {};
    bool unasked = false;
    std::optional<ClientPlaces::Place> place = {};  // of the client
  };
  struct Hash {
    dns::HashKey key;
    std::size_t operator()(const dns::Question& question) const {
      return question.name.hash(key) ^ question.type.value;
    }
  };

  void tell(Seats& seats, const SharedOutcome& outcome);

  mutable std::mutex lock_;  // guards all
  ClientPlaces clients_;     // before the flights, which give back to it
  using Row = std::pair<const dns::Question, Flight>;
  std::unordered_map<dns::Question, Flight, Hash, std::equal_to<>, FrameAllocator<Row>> index_;
  std::size_t waiting_ = 0;
  std::size_t unasked_ = 0;
};

}  // namespace redoubt::resolver
