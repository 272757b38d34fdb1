#include "resolver/cache/entry_index.hpp"

#include <new>
#include <utility>

namespace redoubt::resolver {

namespace {

constexpr std::size_t fetched_ahead = 16;  // cells

}  // namespace

void EntryIndex::put(PackedEntry* entry, std::uint8_t tag) {
  std::size_t at = home_of(entry->hash());
  while (tags_[at] != free_cell) at = behind(at);
  cells_[at] = entry;
  tags_[at] = tag;
}

void EntryIndex::resize(std::size_t cells) {
  auto new_cells = std::make_unique_for_overwrite<EntryLink[]>(cells);
  auto new_tags = std::make_unique<std::uint8_t[]>(cells);
  const auto old_cells = std::exchange(cells_, std::move(new_cells));
  const auto old_tags = std::exchange(tags_, std::move(new_tags));
  const std::size_t old = std::exchange(cell_count_, cells);
  for (std::size_t at = 0; at < old; ++at) {
    // Each entry's hash stands in a line of memory of its own: asked for early, they come many at a time.
    if (const std::size_t soon = at + fetched_ahead; soon < old && old_tags[soon] != free_cell)
      __builtin_prefetch(static_cast<const PackedEntry*>(old_cells[soon]));
    if (old_tags[at] != free_cell) put(old_cells[at], old_tags[at]);
  }
}

void EntryIndex::insert(PackedEntry* entry, std::uint64_t hash) {
  if ((count_ + 1) * 8 > cell_count_ * 7) resize(cell_count_ + cell_count_ / 4);
  put(entry, tag_of(hash));
  ++count_;
}

/// The hole is filled with what stands behind it and may stand nearer, so no cell ever has to say that something was
/// there.
void EntryIndex::erase(const PackedEntry* entry) {
  std::size_t hole = home_of(entry->hash());
  while (tags_[hole] == free_cell || cells_[hole] != entry) hole = behind(hole);
  for (std::size_t at = behind(hole); tags_[at] != free_cell; at = behind(at)) {
    if (way(home_of(cells_[at]->hash()), at) < way(hole, at)) continue;  // it may not stand before its home
    cells_[hole] = cells_[at];
    tags_[hole] = tags_[at];
    hole = at;
  }
  tags_[hole] = free_cell;
  --count_;
  const std::size_t fewer = cell_count_ - cell_count_ / 5;
  if (fewer < least_cells || count_ * 10 >= cell_count_ * 6) return;
  try {
    resize(fewer);
  } catch (const std::bad_alloc&) {  // then it stays as large as it is, until the next one goes
  }
}

}  // namespace redoubt::resolver
