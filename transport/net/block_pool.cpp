#include "transport/net/block_pool.hpp"

#include <malloc.h>

#include <array>
#include <cstdlib>
#include <cstring>

namespace redoubt::transport {

namespace {

// The C library's blocks have 16 n + 8 octets of room; these are asked for with just that.
constexpr std::size_t step = 16;
constexpr std::size_t room_of_first = 8;
constexpr std::size_t largest_small = 1024 + room_of_first;
constexpr std::size_t small_sizes = (largest_small - room_of_first) / step + 1;
constexpr std::size_t smallest_large = 16 * 1024 + 1;

/// A block that is used after its end is to be found, so sanitized builds keep none.
#ifdef REDOUBT_SANITIZED
constexpr bool pools = false;
#else
constexpr bool pools = true;
#endif

template <std::size_t most>
class Shelf {
 public:
  void* take() { return count_ == 0 ? nullptr : blocks_[--count_]; }
  bool put(void* block) {
    if (count_ == most) return false;
    blocks_[count_++] = block;
    return true;
  }

 private:
  std::array<void*, most> blocks_{};
  std::size_t count_ = 0;
};

/// Blocks may outlive what their thread had for itself: OpenSSL frees some at the program's end.
thread_local constinit bool is_closed = false;

class Pool {
 public:
  Pool() = default;
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;
  ~Pool() {
    is_closed = true;
    while (void* block = large.take()) std::free(block);
    for (auto& shelf : small) {
      while (void* block = shelf.take()) std::free(block);
    }
  }
  Shelf<large_blocks_kept> large;
  std::array<Shelf<small_blocks_kept>, small_sizes> small{};
};
thread_local Pool pool;

constexpr std::size_t shelf_of(std::size_t octets) {
  return octets <= room_of_first ? 0 : (octets - room_of_first + step - 1) / step;
}

}  // namespace

void* take_large_block(std::size_t octets) noexcept {
  if (!pools || is_closed || octets < smallest_large || octets > large_block_octets) return std::malloc(octets);
  void* block = pool.large.take();
  return block != nullptr ? block : std::malloc(large_block_octets);
}

void give_large_block_back(void* block) noexcept {
  if (pools && !is_closed && block != nullptr) {
    const std::size_t room = ::malloc_usable_size(block);
    if (room >= large_block_octets && room < large_block_octets + 2 * step && pool.large.put(block)) return;
  }
  std::free(block);
}

void* take_block(std::size_t octets) noexcept {
  if (octets > largest_small) return take_large_block(octets);
  if (!pools || is_closed) return std::malloc(octets);
  const std::size_t shelf = shelf_of(octets);
  void* block = pool.small[shelf].take();
  return block != nullptr ? block : std::malloc(shelf * step + room_of_first);
}

void give_block_back(void* block) noexcept {
  if (!pools || is_closed || block == nullptr) return std::free(block);
  const std::size_t room = ::malloc_usable_size(block);
  if (room > largest_small) return give_large_block_back(block);
  // By what it has room for, not by what was asked for: rounded down, if some library counts otherwise.
  if (room < room_of_first || !pool.small[(room - room_of_first) / step].put(block)) std::free(block);
}

void* resize_block(void* block, std::size_t octets) noexcept {
  if (block == nullptr) return take_block(octets);
  if (octets == 0) {
    give_block_back(block);
    return nullptr;
  }
  const std::size_t room = ::malloc_usable_size(block);
  if (pools && octets <= room) return block;
  return std::realloc(block, octets);
}

}  // namespace redoubt::transport
