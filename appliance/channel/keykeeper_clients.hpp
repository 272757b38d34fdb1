#pragma once
// Everything that keykeeper and its two clients, control and transport, may say to each other: so far, whether it is
// there.
#include "appliance/channel/control_resolver.hpp"

namespace redoubt::channel {

struct Ping {
  RequestId id;
};
struct Pong {
  RequestId id;
};
using ToKeykeeper = std::variant<Ping>;
using FromKeykeeper = std::variant<Pong>;

std::vector<std::uint8_t> encode(const ToKeykeeper& message);
std::vector<std::uint8_t> encode(const FromKeykeeper& message);
std::expected<ToKeykeeper, DecodeFault> decode_to_keykeeper(std::span<const std::uint8_t> octets);
std::expected<FromKeykeeper, DecodeFault> decode_from_keykeeper(std::span<const std::uint8_t> octets);
std::size_t descriptors_of(const ToKeykeeper& message);
std::size_t descriptors_of(const FromKeykeeper& message);

}  // namespace redoubt::channel
