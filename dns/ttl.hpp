#pragma once
// How long an RRset may be kept, in whole seconds (RFC 2181 §8, RFC 8767 §4).
#include <algorithm>
#include <chrono>
#include <compare>
#include <cstdint>

namespace redoubt::dns {

/// Signatures need the value from the wire untouched while caches keep capped(): two named operations rather than one
/// silent one.
class Ttl {
 public:
  constexpr Ttl() = default;
  static constexpr Ttl from_wire(std::uint32_t seconds) { return Ttl{seconds}; }
  constexpr std::uint32_t seconds() const { return seconds_; }
  /// A value with the top bit set counts as zero (RFC 2181 §8); then held between floor and ceiling.
  constexpr Ttl capped(Ttl floor, Ttl ceiling) const {
    const std::uint32_t value = seconds_ > 0x7fffffffU ? 0 : seconds_;
    return Ttl{std::min(std::max(value, floor.seconds_), ceiling.seconds_)};
  }
  /// What is left after `age`; zero, never negative.
  constexpr Ttl after(std::chrono::seconds age) const {
    if (age.count() <= 0) return *this;
    return Ttl{age.count() >= static_cast<std::int64_t>(seconds_) ? 0U
                                                                  : seconds_ - static_cast<std::uint32_t>(age.count())};
  }
  constexpr auto operator<=>(const Ttl&) const = default;

 private:
  explicit constexpr Ttl(std::uint32_t seconds) : seconds_{seconds} {}
  std::uint32_t seconds_ = 0;
};

}  // namespace redoubt::dns
