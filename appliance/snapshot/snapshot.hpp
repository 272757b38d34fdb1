#pragma once
// The immutable compilation of the configuration, in a sealed memfd (design: control → resolver, transport).
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "appliance/channel/channel.hpp"

namespace redoubt::snapshot {

namespace flat {
struct Snapshot;
}

inline constexpr std::size_t max_snapshot_octets = std::size_t{1} << 30;

/// A memfd holding `octets`, sealed against every change and growth.
std::expected<channel::Descriptor, std::string> seal(std::span<const std::uint8_t> octets);

/// Somebody's sealed memfd, mapped read-only for as long as this lives.
class SealedOctets {
 public:
  /// Refuses what is no memfd, not sealed, empty or too large: its sender may be hostile. trouble is one phrase.
  static std::expected<SealedOctets, std::string> map(const channel::Descriptor& memfd);
  SealedOctets(SealedOctets&& other) noexcept : octets_{std::exchange(other.octets_, {})} {}
  SealedOctets(const SealedOctets&) = delete;
  SealedOctets& operator=(const SealedOctets&) = delete;
  SealedOctets& operator=(SealedOctets&&) = delete;
  ~SealedOctets();
  /// Aligned as memory from mmap() is.
  std::span<const std::uint8_t> octets() const { return octets_; }

 private:
  explicit SealedOctets(std::span<const std::uint8_t> octets) : octets_{octets} {}
  std::span<const std::uint8_t> octets_;
};

/// The snapshot in `octets`, if every offset in it stays inside and every required part is there. octets: aligned as
/// memory from mmap(). Null: it does not verify.
const flat::Snapshot* verified(std::span<const std::uint8_t> octets);

/// A mapped snapshot: verified once, then read without copying. Lives as long as somebody holds it.
class Mapped {
 public:
  /// Refuses what is not sealed, too large, or fails verification: its sender may be hostile. trouble is one line.
  static std::expected<std::shared_ptr<const Mapped>, std::string> map(const channel::Descriptor& memfd);
  const flat::Snapshot& operator*() const { return *root_; }
  const flat::Snapshot* operator->() const { return root_; }

 private:
  Mapped(SealedOctets octets, const flat::Snapshot* root) : octets_{std::move(octets)}, root_{root} {}
  SealedOctets octets_;
  const flat::Snapshot* root_;
};

}  // namespace redoubt::snapshot
