#pragma once
// The ports that this process has towards servers at the moment, whichever worker: the kernel is not asked to give one
// of them to a kept socket, over which it takes as long as over fifty misses (docs/decisions/0102).
#include <array>
#include <atomic>
#include <cstdint>

namespace redoubt::resolver {

/// Shared by the threads. The kernel has the last word: this only spares asking it.
class HeldPorts {
 public:
  /// False where somebody has it.
  bool claim(std::uint16_t port) {
    return (words_[port / 64].fetch_or(bit(port), std::memory_order_acquire) & bit(port)) == 0;
  }
  /// Once the kernel has it back.
  void release(std::uint16_t port) noexcept { words_[port / 64].fetch_and(~bit(port), std::memory_order_release); }

 private:
  static constexpr std::uint64_t bit(std::uint16_t port) { return std::uint64_t{1} << port % 64; }

  std::array<std::atomic<std::uint64_t>, 65'536 / 64> words_{};
};

}  // namespace redoubt::resolver
