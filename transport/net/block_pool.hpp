#pragma once
// Memory for what libraries allocate and free with each message: OpenSSL's record buffers, which it gives back whenever
// they are empty, and nghttp2's streams and frames. The C library keeps seven of a size at hand and none of more than a
// kilobyte; what is freed beyond that it merges, splits and gives back to the system, over and over.
#include <cstddef>

namespace redoubt::transport {

/// Octets of the large blocks: a TLS record and what OpenSSL adds.
inline constexpr std::size_t large_block_octets = 17 * 1024;
/// Kept by each thread.
inline constexpr std::size_t large_blocks_kept = 16;
inline constexpr std::size_t small_blocks_kept = 64;  ///< of each size: 2 MiB in all

/// Up to a kilobyte, or a record buffer; all else is the C library's. Null when there is no memory. What is taken here
/// can be given to free(), and what malloc() gave can be given back here: the thread does not matter either.
void* take_block(std::size_t octets) noexcept;
void give_block_back(void* block) noexcept;
/// As realloc().
void* resize_block(void* block, std::size_t octets) noexcept;

/// The same for record buffers alone: many of the small ones live as long as their connection, and stay as small as
/// they are.
void* take_large_block(std::size_t octets) noexcept;
void give_large_block_back(void* block) noexcept;

}  // namespace redoubt::transport
