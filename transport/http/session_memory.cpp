#include "transport/http/session_memory.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <limits>

#include "transport/http/session_pages.hpp"
#include "transport/net/block_pool.hpp"

namespace redoubt::transport {

namespace {

/// RFC 9113 §4.2: the payload of a frame, of which we send none that is larger; and room for its head.
constexpr std::size_t smallest_frame_buffer = 16 * 1024;
constexpr std::size_t frame_buffer_octets = smallest_frame_buffer + 1024;

alignas(16) thread_local constinit std::array<std::uint8_t, frame_buffer_octets> frame_buffer{};
thread_local constinit bool is_birth = false;
thread_local constinit void* born_page = nullptr;

void* take(std::size_t octets, void*) {
  if (is_birth && octets >= smallest_frame_buffer && octets <= frame_buffer_octets) return frame_buffer.data();
  return take_block(octets);
}

void give_back(void* block, void*) {
  if (block != frame_buffer.data() && !give_session_page_back(block)) give_block_back(block);
}

void* take_cleared(std::size_t count, std::size_t each, void*) {
  if (each != 0 && count > std::numeric_limits<std::size_t>::max() / each) return nullptr;
  if (is_birth && born_page == nullptr && count * each == session_page_octets) {
    born_page = take_session_page();
    if (born_page != nullptr) return born_page;
  }
  void* block = take_block(count * each);
  if (block != nullptr) std::memset(block, 0, count * each);
  return block;
}

/// Also how nghttp2 gets its frame buffer: from null.
void* resize(void* block, std::size_t octets, void* user) {
  if (block == nullptr) return take(octets, user);
  const bool is_page = is_session_page(block);
  if (block != frame_buffer.data() && !is_page) return resize_block(block, octets);
  void* own = take_block(octets);  // for that session alone, from here on
  if (own == nullptr) return nullptr;
  std::memcpy(own, block, std::min(octets, is_page ? session_page_octets : frame_buffer.size()));
  if (is_page) give_session_page_back(block);
  return own;
}

}  // namespace

nghttp2_mem* session_memory() {
  static nghttp2_mem memory{nullptr, take, give_back, take_cleared, resize};
  return &memory;
}

SessionBirth::SessionBirth() {
  is_birth = true;
  born_page = nullptr;
}
SessionBirth::~SessionBirth() { is_birth = false; }
void* SessionBirth::page() const { return born_page; }

}  // namespace redoubt::transport
