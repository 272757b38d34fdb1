#pragma once
// A pointer and an instant in six octets each, where millions of them are kept.
#include <algorithm>
#include <array>
#include <cstdint>

#include "resolver/clock.hpp"

namespace redoubt::resolver {

class PackedEntry;

/// Six octets as a number, the lowest first.
class SixOctets {
 public:
  static constexpr std::uint64_t most = (std::uint64_t{1} << 48) - 1;

  SixOctets() = default;  // whatever was there
  explicit constexpr SixOctets(std::uint64_t value)
      : parts_{static_cast<std::uint16_t>(value), static_cast<std::uint16_t>(value >> 16),
               static_cast<std::uint16_t>(value >> 32)} {}
  constexpr std::uint64_t value() const {
    return parts_[0] | std::uint64_t{parts_[1]} << 16 | std::uint64_t{parts_[2]} << 32;
  }

 private:
  std::array<std::uint16_t, 3> parts_;
};

/// A pointer to an entry; owns nothing. A process has no addresses of more than 48 bits, unless it asks for them.
class EntryLink {
 public:
  EntryLink() = default;         // leads anywhere
  EntryLink(PackedEntry* entry)  // NOLINT(google-explicit-constructor): it is a pointer
      : address_{reinterpret_cast<std::uintptr_t>(entry)} {}
  operator PackedEntry*() const {  // NOLINT(google-explicit-constructor)
    // NOLINTNEXTLINE(performance-no-int-to-ptr): a number is what six octets can hold
    return reinterpret_cast<PackedEntry*>(static_cast<std::uintptr_t>(address_.value()));
  }
  PackedEntry* operator->() const { return *this; }

  static bool can_hold(const void* address) { return reinterpret_cast<std::uintptr_t>(address) <= SixOctets::most; }

 private:
  SixOctets address_;
};
static_assert(sizeof(EntryLink) == 6);

/// In hundredths of a millisecond since the clock's epoch, rounded down: nothing is kept for longer. What was before
/// the epoch was always.
class PackedInstant {
 public:
  explicit PackedInstant(Instant instant)
      : ticks_{static_cast<std::uint64_t>(
            std::clamp(std::chrono::floor<Tick>(instant.time_since_epoch()).count(), Tick::rep{0}, latest))} {}
  Instant instant() const {
    const auto ticks = static_cast<Tick::rep>(ticks_.value());
    return ticks == 0 ? Instant::min() : Instant{Tick{ticks}};
  }

 private:
  using Tick = std::chrono::duration<std::int64_t, std::ratio<1, 100'000>>;
  static constexpr Tick::rep latest = SixOctets::most;
  SixOctets ticks_;
};
static_assert(sizeof(PackedInstant) == 6);

}  // namespace redoubt::resolver
