#pragma once
// Reads untrusted octets front to back. The first fault sticks and later reads yield zeros, so a parser lists its
// fields in order and asks once, at finish(). Loops over a count also look at ok(). Copies nothing but names.
#include <cstdint>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "dns/name.hpp"
#include "dns/wire_error.hpp"

namespace redoubt::dns {

/// Label visits that names of one message may cost together: this many for each octet of it. A chain of pointers that
/// thousands of names refer to would otherwise cost the square of the message (attacks: aggregate decompression).
inline constexpr std::size_t label_visits_per_octet = 4;

/// What all readers of one message have spent; windows share it with the reader they came from.
class NameWork {
 public:
  explicit constexpr NameWork(std::size_t message_octets) : left_{label_visits_per_octet * message_octets + 16} {}
  constexpr bool spend() { return left_ != 0 && left_-- != 0; }
  constexpr std::size_t left() const { return left_; }

 private:
  std::size_t left_;
};

class WireReader {
 public:
  /// `work` outlives the reader. At most 65,535 octets are looked at, for no message is longer.
  WireReader(std::span<const std::uint8_t> message, NameWork& work)
      : message_{message.first(message.size() < 65535 ? message.size() : 65535)}, end_{message_.size()}, work_{&work} {}

  std::uint8_t u8() {
    const std::uint8_t* const in = take(1);
    return in == nullptr ? std::uint8_t{0} : in[0];
  }
  std::uint16_t u16() {
    const std::uint8_t* const in = take(2);
    return in == nullptr ? std::uint16_t{0} : static_cast<std::uint16_t>(in[0] << 8 | in[1]);
  }
  std::uint32_t u32() {
    const std::uint8_t* const in = take(4);
    if (in == nullptr) return 0;
    return std::uint32_t{in[0]} << 24 | std::uint32_t{in[1]} << 16 | std::uint32_t{in[2]} << 8 | in[3];
  }
  std::uint64_t u48() {
    const std::uint64_t high = u16();
    return high << 32 | u32();
  }
  /// A view into the message.
  std::span<const std::uint8_t> octets(std::size_t count) {
    const std::uint8_t* const in = take(count);
    if (in == nullptr) return {};
    return {in, count};
  }
  std::span<const std::uint8_t> rest() { return octets(left()); }
  /// With pointers, each strictly backwards (RFC 1035 §4.1.4); 255 octets are counted across the hops. On a fault the
  /// root.
  Name name();
  /// A name in which a pointer is a fault (RFC 3597 §4).
  Name uncompressed_name();
  /// Goes behind a name as it stands here; what a pointer at its end leads to is not looked at.
  void skip_name();
  /// RDATA: names may point out of it, reads stay inside it. This reader goes on behind it.
  WireReader window(std::size_t count);

  std::size_t at() const { return at_; }
  std::size_t left() const { return fault_ ? 0 : end_ - at_; }
  bool ok() const { return !fault_; }
  /// The first fault, if there was one.
  std::optional<WireError> error() const { return fault_; }
  /// Notes a fault of the caller's own finding, at the current offset, unless one stands already.
  void fail(Fault fault);
  /// Takes over the fault of a window, if it has one.
  void adopt(const WireReader& window);

  /// The value, if nothing failed and nothing is left over.
  template <class T>
  Parsed<std::remove_cvref_t<T>> finish(T&& value) const {
    if (fault_) return std::unexpected{*fault_};
    if (at_ != end_) return std::unexpected{WireError{Fault::left_over, static_cast<std::uint16_t>(at_)}};
    return std::forward<T>(value);
  }

 private:
  /// So many octets and past them; null on a fault.
  const std::uint8_t* take(std::size_t count) {
    if (fault_) return nullptr;
    if (count > end_ - at_) {  // compared with what is left: adding could wrap
      fail(Fault::short_read);
      return nullptr;
    }
    return message_.data() + std::exchange(at_, at_ + count);
  }
  Name read_name(bool pointers_allowed);

  std::span<const std::uint8_t> message_;
  std::size_t at_ = 0;
  std::size_t end_;
  NameWork* work_;
  std::optional<WireError> fault_;
};

}  // namespace redoubt::dns
