#pragma once
// Where nghttp2 sessions have their tables of streams: each is a page that is empty while nobody asks anything. The
// system gets it back once its connection rests, and it reads as zeros from then on, as an empty table does.
#include <cstddef>

namespace redoubt::transport {

inline constexpr std::size_t session_page_octets = 4096;
/// Of each thread; of other free pages it keeps the addresses, without memory.
inline constexpr std::size_t session_pages_kept = 64;

/// Zeros. Null when there is no memory.
void* take_session_page() noexcept;
bool is_session_page(const void* block) noexcept;
/// False: it is none of those that this thread took.
bool give_session_page_back(void* page) noexcept;
/// If it holds nothing but zeros, it takes no memory until it is written again; who owns it notices nothing of that.
/// Null does nothing.
void rest_session_page(void* page) noexcept;

}  // namespace redoubt::transport
