#pragma once
// A bounded table that forgets what was touched longest ago.
#include <algorithm>
#include <cstddef>
#include <list>
#include <unordered_map>
#include <utility>

namespace redoubt::resolver {

/// Every operation takes the same time, however full it is. Not for use by several threads at once.
template <class Key, class Value, class Hash>
class RecentTable {
 public:
  /// most: 1 in the place of 0.
  RecentTable(std::size_t most, Hash hash) : most_{std::max<std::size_t>(most, 1)}, index_{0, std::move(hash)} {}
  // The index points into the queue: a move takes both along, a copy would not.
  RecentTable(RecentTable&&) = default;
  RecentTable& operator=(RecentTable&&) = default;

  const Value* find(const Key& key) const {
    if (queue_.empty()) return nullptr;  // many tables are, most of the time: not even a hash
    const auto at = index_.find(key);
    return at == index_.end() ? nullptr : &at->second->second;
  }
  /// Made if it is not there; the least recently touched makes room.
  Value& touch(const Key& key) {
    const auto [at, added] = index_.try_emplace(key, queue_.end());
    if (!added) {
      queue_.splice(queue_.begin(), queue_, at->second);
      return at->second->second;
    }
    try {
      queue_.emplace_front(key, Value{});
    } catch (...) {
      index_.erase(at);  // it leads nowhere
      throw;
    }
    at->second = queue_.begin();
    if (queue_.size() > most_) {
      index_.erase(queue_.back().first);
      queue_.pop_back();
    }
    return queue_.front().second;
  }
  void erase(const Key& key) {
    if (queue_.empty()) return;
    const auto at = index_.find(key);
    if (at == index_.end()) return;
    queue_.erase(at->second);
    index_.erase(at);
  }
  std::size_t size() const { return queue_.size(); }
  /// Most recently touched first, until take says false.
  template <class Take>
  void each(Take take) const {
    for (const auto& [key, value] : queue_) {
      if (!take(key, value)) return;
    }
  }

 private:
  using Queue = std::list<std::pair<Key, Value>>;  // most recently touched first
  std::size_t most_;
  Queue queue_;
  std::unordered_map<Key, typename Queue::iterator, Hash> index_;
};

}  // namespace redoubt::resolver
