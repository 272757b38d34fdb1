#include "appliance/channel/keykeeper_clients.hpp"

#include "appliance/channel/variant_codec.hpp"

namespace redoubt::channel {

template <>
struct Fields<Ping> : OnlyId<Ping> {};
template <>
struct Fields<Pong> : OnlyId<Pong> {};

std::vector<std::uint8_t> encode(const ToKeykeeper& message) { return encode_variant(message); }
std::vector<std::uint8_t> encode(const FromKeykeeper& message) { return encode_variant(message); }

std::expected<ToKeykeeper, DecodeFault> decode_to_keykeeper(std::span<const std::uint8_t> octets) {
  return decode_variant<ToKeykeeper>(octets);
}
std::expected<FromKeykeeper, DecodeFault> decode_from_keykeeper(std::span<const std::uint8_t> octets) {
  return decode_variant<FromKeykeeper>(octets);
}

std::size_t descriptors_of(const ToKeykeeper& message) { return descriptors_of_variant(message); }
std::size_t descriptors_of(const FromKeykeeper& message) { return descriptors_of_variant(message); }

}  // namespace redoubt::channel
