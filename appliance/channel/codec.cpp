#include "appliance/channel/codec.hpp"

#include <algorithm>
#include <array>

namespace redoubt::channel {

std::string_view describe(DecodeFault fault) {
  switch (fault) {
    case DecodeFault::short_message:
      return "message ends too early";
    case DecodeFault::unknown_kind:
      return "unknown kind of message";
    case DecodeFault::bad_value:
      return "a value that may not stand there";
    case DecodeFault::too_large:
      return "larger than allowed";
    case DecodeFault::left_over:
      return "octets left over";
  }
  return "unknown fault";
}

void Encoder::u8(std::uint8_t value) { octets_.push_back(value); }

void Encoder::u16(std::uint16_t value) {
  u8(static_cast<std::uint8_t>(value >> 8));
  u8(static_cast<std::uint8_t>(value));
}

void Encoder::u32(std::uint32_t value) {
  u16(static_cast<std::uint16_t>(value >> 16));
  u16(static_cast<std::uint16_t>(value));
}

void Encoder::u64(std::uint64_t value) {
  u32(static_cast<std::uint32_t>(value >> 32));
  u32(static_cast<std::uint32_t>(value));
}

void Encoder::bytes(std::span<const std::uint8_t> value) {
  u32(static_cast<std::uint32_t>(value.size()));
  octets_.insert(octets_.end(), value.begin(), value.end());
}

void Encoder::text(std::string_view value) {
  const std::string_view cut = value.substr(0, max_text_octets);
  u32(static_cast<std::uint32_t>(cut.size()));
  octets_.insert(octets_.end(), cut.begin(), cut.end());
}

void Encoder::name(const dns::Name& value) {
  const auto wire = value.wire();  // at most 255 octets: one length octet will do
  u8(static_cast<std::uint8_t>(wire.size()));
  octets_.insert(octets_.end(), wire.begin(), wire.end());
}

void Encoder::endpoint(const dns::Endpoint& value) {
  const auto address = value.address.octets();
  u8(static_cast<std::uint8_t>(address.size()));
  octets_.insert(octets_.end(), address.begin(), address.end());
  u16(value.port);
}

std::span<const std::uint8_t> Decoder::take(std::size_t count) {
  if (fault_) return {};
  if (count > left_.size()) {
    fail(DecodeFault::short_message);
    return {};
  }
  const auto taken = left_.first(count);
  left_ = left_.subspan(count);
  return taken;
}

void Decoder::fail(DecodeFault fault) {
  if (!fault_) fault_ = fault;
}

std::uint8_t Decoder::u8() {
  const auto octets = take(1);
  return octets.empty() ? std::uint8_t{0} : octets[0];
}

std::uint16_t Decoder::u16() {
  const auto octets = take(2);
  if (octets.empty()) return 0;
  return static_cast<std::uint16_t>((octets[0] << 8) | octets[1]);
}

std::uint32_t Decoder::u32() {
  std::uint32_t value = 0;
  for (const std::uint8_t octet : take(4)) value = (value << 8) | octet;
  return value;
}

std::uint64_t Decoder::u64() {
  std::uint64_t value = 0;
  for (const std::uint8_t octet : take(8)) value = (value << 8) | octet;
  return value;
}

std::uint32_t Decoder::below(std::uint32_t limit) {
  const std::uint32_t value = limit <= 256 ? u8() : u32();
  if (value < limit) return value;
  fail(DecodeFault::bad_value);
  return 0;
}

std::span<const std::uint8_t> Decoder::bytes(std::size_t limit) {
  const std::size_t count = u32();
  if (count > limit) {
    fail(DecodeFault::too_large);
    return {};
  }
  return take(count);
}

std::string Decoder::text() {
  const auto octets = bytes(max_text_octets);
  return {octets.begin(), octets.end()};
}

dns::Name Decoder::name() {
  const auto name = dns::Name::from_wire(take(u8()));
  if (name) return *name;
  fail(DecodeFault::bad_value);
  return {};
}

dns::Endpoint Decoder::endpoint() {
  const auto address = dns::IpAddress::from_octets(take(u8()));
  const std::uint16_t port = u16();
  if (address) return {.address = *address, .port = port};
  fail(DecodeFault::bad_value);
  return {};
}

}  // namespace redoubt::channel
