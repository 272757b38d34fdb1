#pragma once
// Where the packet cache's answers are, by their questions' hashes: lines of the processor's cache, each with room for
// twelve, of which one octet of the hash stands beside the place. Lines stand in pairs: what finds its own full goes
// into the other one. The index grows with what is kept, by a fourth, and never all at once: each answer that comes in
// brings one pair's to where they belong now. Memory beyond the lines is not touched.
#include <algorithm>
#include <array>
#include <cstdint>
#include <span>

#include "dns/packet/kept_answer.hpp"

namespace redoubt::dns {

class PacketIndex {
 public:
  static constexpr std::size_t slots = 12;
  static constexpr std::uint8_t free_slot = 0;

  struct alignas(64) Line {
    std::array<std::uint8_t, slots> tag;
    std::uint8_t gone_over;  ///< of those that belong here, so many stand in the other line of the pair
    std::array<RingPlace, slots> place;

    /// slots: none.
    std::size_t slot_of(RingPlace wanted) const {
      for (std::size_t slot = 0; slot < slots; ++slot) {
        if (place[slot] == wanted && tag[slot] != free_slot) return slot;
      }
      return slots;
    }
  };
  static_assert(sizeof(Line) == 64);
  using Pair = std::array<Line, 2>;

  /// memory: zeros, and the index's own; room for `most` pairs, at least one.
  PacketIndex(Pair* memory, std::size_t most) : memory_{memory}, most_{most} { clear(); }

  void fetch(std::uint64_t hash) const { __builtin_prefetch(&pair_of(hash)[hash & 1]); }
  /// The first answer of that hash of which is_it(place) is true; of an answer with another hash it may be asked, too.
  /// False: there is none, and what stands in `found` says nothing.
  template <class IsIt>
  bool find(std::uint64_t hash, RingPlace& found, const IsIt& is_it) const {
    const Pair& pair = pair_of(hash);
    const Line& own = pair[hash & 1];
    return find_in(own, hash, found, is_it) || (own.gone_over != 0 && find_in(pair[~hash & 1], hash, found, is_it));
  }

  // Answers: what is known of an answer by its place. hash_of(place), at least the lower half of it. is_visited(place):
  // somebody has asked for it again.

  /// The answer at that place has this hash. It takes a free slot, else that of an answer which nobody has asked for
  /// again, as far as there is one. Then growth has its share.
  template <class Answers>
  void put(std::uint64_t hash, RingPlace place, const Answers& answers) {
    put_in(hash, tag_of(hash), place, answers);
    grow_some(answers);
  }
  /// False: it is not there, for another has its slot.
  bool take_out(std::uint32_t hash, RingPlace place) {
    const Spot spot = spot_of(hash, place);
    if (spot.line == nullptr) return false;
    spot.line->tag[spot.slot] = free_slot;
    --count_;
    Line& own = pair_of(hash)[hash & 1];
    if (spot.line != &own) --own.gone_over;
    return true;
  }
  /// It is there.
  void move(std::uint32_t hash, RingPlace from, RingPlace to) {
    const Spot spot = spot_of(hash, from);
    spot.line->place[spot.slot] = to;
  }
  bool has(std::uint32_t hash, RingPlace place) const { return spot_of(hash, place).line != nullptr; }

  /// Its pairs must be zeros again.
  void clear() {
    pairs_ = next_ = frontier_ = std::min(least_pairs, most_);
    count_ = 0;
  }
  std::size_t count() const { return count_; }
  /// Those that it has touched, or may from now on.
  std::size_t pairs() const { return next_; }

 private:
  static constexpr std::size_t least_pairs = 32;  // a page

  struct Spot {
    Line* line;  // null: nowhere
    std::size_t slot;
  };

  /// The hash's upper half, so that it tells something new in a line that the lower one has found.
  static std::uint8_t tag_of(std::uint64_t hash) {
    const auto tag = static_cast<std::uint8_t>(hash >> 32);
    return tag == free_slot ? std::uint8_t{1} : tag;
  }
  /// In the order of the hashes: nothing has its home before the one that it had among fewer.
  static std::size_t home_among(std::size_t pairs, std::uint64_t hash) {
    return static_cast<std::uint32_t>(hash) * std::uint64_t{pairs} >> 32;
  }
  /// Those from frontier_ on have been moved to where they belong among `next_` pairs.
  Pair& pair_of(std::uint64_t hash) const {
    const std::size_t home = home_among(pairs_, hash);
    return memory_[home < frontier_ ? home : home_among(next_, hash)];
  }

  template <class IsIt>
  static bool find_in(const Line& line, std::uint64_t hash, RingPlace& found, const IsIt& is_it) {
    const std::uint8_t tag = tag_of(hash);
    for (std::size_t slot = 0; slot < slots; ++slot) {
      if (line.tag[slot] != tag || !is_it(line.place[slot])) continue;
      found = line.place[slot];
      return true;
    }
    return false;
  }

  Spot spot_of(std::uint32_t hash, RingPlace place) const {
    Pair& pair = pair_of(hash);
    for (Line* const line : {&pair[hash & 1], &pair[~hash & 1]}) {
      if (const std::size_t slot = line->slot_of(place); slot != slots) return {line, slot};
    }
    return {nullptr, 0};
  }

  template <class Answers>
  void put_in(std::uint64_t hash, std::uint8_t tag, RingPlace place, const Answers& answers) {
    Pair& pair = pair_of(hash);
    Line& own = pair[hash & 1];
    Line& other = pair[~hash & 1];
    const auto free_in = [](const Line& line) { return std::ranges::find(line.tag, free_slot) - line.tag.begin(); };
    Line* line = &own;
    auto slot = static_cast<std::size_t>(free_in(own));
    if (slot == slots) {
      slot = static_cast<std::size_t>(free_in(other));
      if (slot != slots) {
        line = &other;
        ++own.gone_over;
      } else {
        slot = 0;
        while (slot + 1 < slots && answers.is_visited(own.place[slot])) ++slot;
        if ((answers.hash_of(own.place[slot]) & 1) != (hash & 1)) --other.gone_over;
        --count_;
      }
    }
    line->tag[slot] = tag;
    line->place[slot] = place;
    ++count_;
  }

  template <class Answers>
  void grow_some(const Answers& answers) {
    if (next_ == pairs_) {
      if (pairs_ == most_ || count_ * 5 <= pairs_ * 2 * slots * 3) return;
      next_ = std::min(most_, pairs_ + pairs_ / 4 + 1);
    }
    // Where they belong now nothing of before stands: that is never behind where it stood.
    const Pair before = memory_[--frontier_];
    memory_[frontier_] = {};
    for (const Line& line : before) {
      for (std::size_t slot = 0; slot < slots; ++slot) {
        if (line.tag[slot] == free_slot) continue;
        --count_;
        put_in(answers.hash_of(line.place[slot]), line.tag[slot], line.place[slot], answers);
      }
    }
    if (frontier_ == 0) frontier_ = pairs_ = next_;
  }

  Pair* memory_;
  std::size_t most_;
  std::size_t pairs_ = 0;
  std::size_t next_ = 0;  // as many as there will be; pairs_: it does not grow now
  std::size_t frontier_ = 0;
  std::size_t count_ = 0;
};

}  // namespace redoubt::dns
