#pragma once
// Octets that must not be left behind: locked against swapping where the system lets us, and wiped when given back.
#include <sodium.h>

#include <cstdint>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

namespace redoubt::dnssec {

/// mlock can fail for want of the right to it (RLIMIT_MEMLOCK); the octets are wiped all the same.
template <class T>
struct WipingAllocator {
  using value_type = T;
  WipingAllocator() = default;
  template <class U>
  WipingAllocator(const WipingAllocator<U>&) {}  // NOLINT: allocators convert
  T* allocate(std::size_t count) {
    T* memory = std::allocator<T>{}.allocate(count);
    static_cast<void>(sodium_mlock(memory, count * sizeof(T)));
    return memory;
  }
  void deallocate(T* memory, std::size_t count) {
    sodium_memzero(memory, count * sizeof(T));
    static_cast<void>(sodium_munlock(memory, count * sizeof(T)));
    std::allocator<T>{}.deallocate(memory, count);
  }
  bool operator==(const WipingAllocator&) const { return true; }
};

/// Not a string: its short form would lie inside the object and never be wiped.
using Secret = std::vector<std::uint8_t, WipingAllocator<std::uint8_t>>;

inline void append_text(Secret& out, std::string_view text) { out.insert(out.end(), text.begin(), text.end()); }
inline std::string_view as_text(std::span<const std::uint8_t> octets) {
  return {reinterpret_cast<const char*>(octets.data()), octets.size()};  // characters are octets
}

}  // namespace redoubt::dnssec
