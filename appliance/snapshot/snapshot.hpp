#pragma once
// The immutable compilation of the configuration, in a sealed memfd (design: control → resolver, transport).
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>

#include "appliance/channel/channel.hpp"

namespace redoubt::snapshot {

namespace flat {
struct Snapshot;
}

inline constexpr std::size_t max_snapshot_octets = std::size_t{1} << 30;

/// A memfd holding `octets`, sealed against every change and growth.
std::expected<channel::Descriptor, std::string> seal(std::span<const std::uint8_t> octets);

/// The snapshot in `octets`, if every offset in it stays inside and every required part is there. octets: aligned as
/// memory from mmap(). Null: it does not verify.
const flat::Snapshot* verified(std::span<const std::uint8_t> octets);

/// A mapped snapshot: verified once, then read without copying. Lives as long as somebody holds it.
class Mapped {
 public:
  /// Refuses what is not sealed, too large, or fails verification: its sender may be hostile. trouble is one line.
  static std::expected<std::shared_ptr<const Mapped>, std::string> map(const channel::Descriptor& memfd);
  ~Mapped();
  Mapped(const Mapped&) = delete;
  Mapped& operator=(const Mapped&) = delete;
  const flat::Snapshot& operator*() const { return *root_; }
  const flat::Snapshot* operator->() const { return root_; }

 private:
  Mapped(const void* address, std::size_t octets, const flat::Snapshot* root)
      : address_{address}, octets_{octets}, root_{root} {}
  const void* address_;
  std::size_t octets_;
  const flat::Snapshot* root_;
};

}  // namespace redoubt::snapshot
