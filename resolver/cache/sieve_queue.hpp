#pragma once
// Entries in order of arrival, linked through themselves, and who goes when there is no room. SIEVE: a hand walks from
// the oldest on, spares and unmarks what was visited since it last came by, and takes the first that was not. A scan of
// names that nobody asks twice leaves the visited ones where they are. Of what has expired, only what was needed since
// is spared.
#include "resolver/cache/packed_entry.hpp"

namespace redoubt::resolver {

/// Owns nothing.
class SieveQueue {
 public:
  bool is_empty() const { return newest_ == nullptr; }
  /// From there on by older(); null: there is none.
  PackedEntry* newest() const { return newest_; }

  void push(PackedEntry* entry) {
    entry->newer_ = nullptr;
    entry->older_ = newest_;
    (newest_ != nullptr ? newest_->newer_ : oldest_) = entry;
    newest_ = entry;
  }

  void take_out(PackedEntry* entry) {
    if (hand_ == entry) hand_ = entry->newer_;
    (entry->newer_ != nullptr ? entry->newer_->older_ : newest_) = entry->older_;
    (entry->older_ != nullptr ? entry->older_->newer_ : oldest_) = entry->newer_;
  }

  /// There is one. It is left in its place.
  PackedEntry* next_to_go(Instant now, bool spares_visited) {
    for (;;) {
      if (hand_ == nullptr) hand_ = oldest_;
      if (!spares_visited || !hand_->is_spared(now)) return hand_;
      hand_->forget_visits();
      hand_ = hand_->newer_;
    }
  }

 private:
  EntryLink newest_ = nullptr;
  EntryLink oldest_ = nullptr;
  PackedEntry* hand_ = nullptr;  // null: begins at the oldest
};

}  // namespace redoubt::resolver
