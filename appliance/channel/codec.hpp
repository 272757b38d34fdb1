#pragma once
// Fields of channel messages, one by one, in network order. The decoder trusts nobody: its first fault sticks, later
// reads yield zeros, and finish() says whether the message was read to its end exactly.
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dns/address.hpp"
#include "dns/name.hpp"

namespace redoubt::channel {

/// No channel message is longer: a DNS message of 65,535 octets and its envelope.
inline constexpr std::size_t max_message_octets = 72 * 1024;
inline constexpr std::size_t max_text_octets = 4096;

enum class DecodeFault : std::uint8_t { short_message, unknown_kind, bad_value, too_large, left_over };
std::string_view describe(DecodeFault fault);

class Encoder {
 public:
  /// kind tells the alternatives of one direction's variant apart.
  explicit Encoder(std::uint8_t kind) { octets_.push_back(kind); }
  void u8(std::uint8_t value);
  void u16(std::uint16_t value);
  void u32(std::uint32_t value);
  void u64(std::uint64_t value);
  /// Four length octets, then the octets.
  void bytes(std::span<const std::uint8_t> value);
  /// Cut at max_text_octets.
  void text(std::string_view value);
  void name(const dns::Name& value);
  void endpoint(const dns::Endpoint& value);
  /// A number that the reader takes with below(limit): one octet up to a limit of 256, four above.
  void below(std::uint32_t value, std::uint32_t limit) {
    limit <= 256 ? u8(static_cast<std::uint8_t>(value)) : u32(value);
  }
  void boolean(bool value) { below(value ? 1 : 0, 2); }
  /// Octets so far. A message longer than max_message_octets can be built, but no channel sends it.
  std::size_t size() const { return octets_.size(); }
  std::vector<std::uint8_t> take() { return std::move(octets_); }

 private:
  std::vector<std::uint8_t> octets_;
};

class Decoder {
 public:
  explicit Decoder(std::span<const std::uint8_t> message) : left_{message} {}
  std::uint8_t u8();
  std::uint16_t u16();
  std::uint32_t u32();
  std::uint64_t u64();
  /// A number that must be below `limit`: for enums and counts. One octet up to a limit of 256, four above.
  std::uint32_t below(std::uint32_t limit);
  std::span<const std::uint8_t> bytes(std::size_t limit = max_message_octets);
  std::string text();
  dns::Name name();
  dns::Endpoint endpoint();
  bool boolean() { return below(2) != 0; }
  bool ok() const { return !fault_; }
  void fail(DecodeFault fault);
  std::size_t left() const { return left_.size(); }

  template <class T>
  std::expected<T, DecodeFault> finish(T value) const {
    if (fault_) return std::unexpected{*fault_};
    if (!left_.empty()) return std::unexpected{DecodeFault::left_over};
    return value;
  }

 private:
  std::span<const std::uint8_t> take(std::size_t count);
  std::span<const std::uint8_t> left_;
  std::optional<DecodeFault> fault_;
};

}  // namespace redoubt::channel
