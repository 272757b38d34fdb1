#include "transport/http/session_pages.hpp"

#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <new>
#include <vector>

namespace redoubt::transport {

namespace {

constexpr std::size_t pages_at_a_time = 64;
constexpr std::array<std::uint8_t, session_page_octets> zeros{};

bool give_memory_back(void* page) { return ::madvise(page, session_page_octets, MADV_DONTNEED) == 0; }

/// A page that is used after its end is to be found, so sanitized builds have none.
#ifdef REDOUBT_SANITIZED
constexpr bool has_pages = false;
#else
constexpr bool has_pages = true;
#endif

/// What it took from the system it keeps: addresses of as many pages as there were sessions at a time.
class Pages {
 public:
  void* take() {
    if (!written_.empty()) {
      void* page = pop(written_);
      return std::memset(page, 0, session_page_octets);
    }
    return empty_.empty() && !take_more() ? nullptr : pop(empty_);
  }

  bool is_ours(const void* page) const {
    const auto* at = static_cast<const std::uint8_t*>(page);
    const auto behind = std::ranges::upper_bound(chunks_, at, {}, begin_of);
    return behind != chunks_.begin() && at < begin_of(*std::prev(behind)) + sizeof(Chunk);
  }

  bool give_back(void* page) {
    if (!is_ours(page)) return false;
    // There is room for all pages in both, so neither allocates here.
    if (written_.size() < session_pages_kept || !give_memory_back(page))
      written_.push_back(page);
    else
      empty_.push_back(page);
    return true;
  }

 private:
  using Chunk = std::array<std::array<std::uint8_t, session_page_octets>, pages_at_a_time>;

  static void* pop(std::vector<void*>& pages) {
    void* page = pages.back();
    pages.pop_back();
    return page;
  }

  static const std::uint8_t* begin_of(const Chunk* chunk) { return chunk->front().data(); }

  bool take_more() try {
    const std::size_t pages = (chunks_.size() + 1) * pages_at_a_time;
    written_.reserve(pages);
    empty_.reserve(pages);
    chunks_.reserve(chunks_.size() + 1);
    void* piece = ::mmap(nullptr, sizeof(Chunk), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (piece == MAP_FAILED) return false;
    ::madvise(piece, sizeof(Chunk), MADV_NOHUGEPAGE);  // a large page would not be given back in small ones
    auto* const chunk = static_cast<Chunk*>(piece);
    chunks_.insert(std::ranges::upper_bound(chunks_, begin_of(chunk), {}, begin_of), chunk);
    for (auto& page : *chunk) empty_.push_back(page.data());
    return true;
  } catch (const std::bad_alloc&) {
    return false;
  }

  std::vector<void*> written_;  ///< free, with what was written there
  std::vector<void*> empty_;    ///< free, zeros without memory
  std::vector<Chunk*> chunks_;  ///< by address
};

/// Nearly all that is asked for is none.
bool may_be_page(const void* block) {
  return has_pages && reinterpret_cast<std::uintptr_t>(block) % session_page_octets == 0;
}

/// Never freed: a session may end behind what its thread had for itself.
Pages& pages_of_thread() {
  static thread_local Pages& pages = *new Pages;  // NOLINT
  return pages;
}

}  // namespace

void* take_session_page() noexcept try {
  return has_pages ? pages_of_thread().take() : nullptr;
} catch (const std::bad_alloc&) {
  return nullptr;
}

bool is_session_page(const void* block) noexcept { return may_be_page(block) && pages_of_thread().is_ours(block); }

bool give_session_page_back(void* page) noexcept { return may_be_page(page) && pages_of_thread().give_back(page); }

void rest_session_page(void* page) noexcept {
  if (page != nullptr && std::memcmp(page, zeros.data(), zeros.size()) == 0) give_memory_back(page);
}

}  // namespace redoubt::transport
