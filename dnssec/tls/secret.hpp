#pragma once
// What keykeeper's own keys are derived from: 32 random octets in a file of its own, made at the first start. In memory
// they are locked.
#include <array>
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <string_view>

namespace redoubt::keykeeper {

/// Memory that is never swapped out, in no core dump, and wiped when it is given back. Nothing when there is no more.
class LockedOctets {
 public:
  LockedOctets() = default;
  explicit LockedOctets(std::size_t count);
  LockedOctets(LockedOctets&& other) noexcept;
  LockedOctets& operator=(LockedOctets&& other) noexcept;
  LockedOctets(const LockedOctets&) = delete;
  LockedOctets& operator=(const LockedOctets&) = delete;
  ~LockedOctets();
  explicit operator bool() const { return at_ != nullptr; }
  std::span<std::uint8_t> octets() { return {at_, count_}; }
  std::span<const std::uint8_t> octets() const { return {at_, count_}; }

 private:
  std::uint8_t* at_ = nullptr;
  std::size_t count_ = 0;
};

/// Once, before the first LockedOctets and the first key. False: memory could not be locked.
bool prepare_locked_memory();

class Secret {
 public:
  /// From its file, which is written when it is empty; one with anything else in it is left as it is. errors   one line
  static std::expected<Secret, std::string> from_file(int descriptor);
  /// `count` octets for one purpose: 16 to 64. Others cannot be told from them.
  LockedOctets derive(std::string_view purpose, std::size_t count) const;

 private:
  explicit Secret(LockedOctets octets) : octets_{std::move(octets)} {}
  LockedOctets octets_;
};

}  // namespace redoubt::keykeeper
