#pragma once
// Places that one holder may have only so many of at once. Nothing is kept of who holds none, so the table is no larger
// than what is held. Shared by workers.
#include <cstdint>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <utility>

#include "resolver/fairness/holder.hpp"

namespace redoubt::resolver {

/// For a table that is its owner's business: who calls holds a lock already.
struct NoLock {
  void lock() {}
  void unlock() {}
};

template <class Lock>
class BasicPlaces {
 public:
  /// Given back when it goes; lives at most as long as its table.
  class Place {
   public:
    Place(Place&& other) noexcept : table_{std::exchange(other.table_, nullptr)}, holder_{other.holder_} {}
    ~Place() {
      if (table_ != nullptr) table_->give_back(holder_);
    }
    Place(const Place&) = delete;
    Place& operator=(const Place&) = delete;
    Place& operator=(Place&&) = delete;

   private:
    friend class BasicPlaces;
    Place(BasicPlaces& table, Holder holder) : table_{&table}, holder_{holder} {}
    BasicPlaces* table_;
    Holder holder_;
  };

  /// Nothing when the holder has `most` already.
  std::optional<Place> take(Holder holder, std::uint64_t most) {
    const std::lock_guard guard{lock_};
    std::uint32_t& held = held_[holder];
    if (held >= most) {
      if (held == 0) held_.erase(holder);
      return std::nullopt;
    }
    ++held;
    return Place{*this, holder};
  }
  /// Who holds anything; for tests.
  std::size_t holders() const {
    const std::lock_guard guard{lock_};
    return held_.size();
  }

 private:
  void give_back(Holder holder) {
    const std::lock_guard guard{lock_};
    const auto at = held_.find(holder);
    if (at != held_.end() && --at->second == 0) held_.erase(at);
  }

  mutable Lock lock_;  // guards the table
  std::unordered_map<Holder, std::uint32_t, HolderHash> held_;
};

using Places = BasicPlaces<std::mutex>;

}  // namespace redoubt::resolver
