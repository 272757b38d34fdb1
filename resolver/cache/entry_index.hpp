#pragma once
// Where entries are, by their names' hashes: open addressing, so that an entry costs 7 octets for each cell and no
// block of its own. Six tenths of the cells are full, or more, up to seven eighths, for it grows and shrinks by a
// fourth or a fifth: an entry's share is 12 octets at most. One byte of the hash stands beside each pointer: looking
// for a name touches its own entries and hardly any others.
#include <cstdint>
#include <memory>

#include "resolver/cache/packed_entry.hpp"

namespace redoubt::resolver {

class EntryIndex {
 public:
  EntryIndex() { resize(least_cells); }

  /// hash: the whole one, of which the entry keeps the lower half.
  void insert(PackedEntry* entry, std::uint64_t hash);
  /// It is there.
  void erase(const PackedEntry* entry);
  /// Those with that hash; take says false to end it. Nothing may be inserted or erased meanwhile.
  template <class Take>
  void each(std::uint64_t hash, Take take) const {
    const std::uint8_t wanted = tag_of(hash);
    for (std::size_t at = home_of(static_cast<std::uint32_t>(hash)); tags_[at] != free_cell; at = behind(at)) {
      if (tags_[at] != wanted || cells_[at]->hash() != static_cast<std::uint32_t>(hash)) continue;
      if (!take(*cells_[at])) return;
    }
  }
  std::size_t size() const { return count_; }
  std::size_t cells() const { return cell_count_; }
  /// Null: nothing stands there. cell is below cells().
  const PackedEntry* in_cell(std::size_t cell) const {
    return tags_[cell] == free_cell ? nullptr : static_cast<PackedEntry*>(cells_[cell]);
  }
  /// For tests.
  std::size_t octets() const { return cell_count_ * (sizeof(EntryLink) + sizeof(std::uint8_t)); }

 private:
  static constexpr std::size_t least_cells = 16;
  static constexpr std::uint8_t free_cell = 0;
  static std::uint8_t tag_of(std::uint64_t hash) {
    return static_cast<std::uint8_t>(static_cast<std::uint8_t>(hash >> 32U) | 1U);
  }
  /// Spread over the cells in the order of the hashes: a walk through the cells misses nothing when they become more.
  std::size_t home_of(std::uint32_t hash) const { return hash * cell_count_ >> 32U; }
  std::size_t behind(std::size_t cell) const { return cell + 1 == cell_count_ ? 0 : cell + 1; }
  /// From one cell on to another, around the end.
  std::size_t way(std::size_t from, std::size_t to) const { return to >= from ? to - from : to + cell_count_ - from; }
  void put(PackedEntry* entry, std::uint8_t tag);
  void resize(std::size_t cells);

  std::unique_ptr<EntryLink[]> cells_;
  std::unique_ptr<std::uint8_t[]> tags_;
  std::size_t cell_count_ = 0;
  std::size_t count_ = 0;
};

}  // namespace redoubt::resolver
