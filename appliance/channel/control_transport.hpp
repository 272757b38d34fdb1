#pragma once
// Everything that control and transport may say to each other.
#include "appliance/channel/control_resolver.hpp"

namespace redoubt::channel {

using ControlToTransport = std::variant<UseSnapshot, AskStatistics>;
using TransportToControl = std::variant<SnapshotTaken, Statistics>;

std::vector<std::uint8_t> encode(const ControlToTransport& message);
std::vector<std::uint8_t> encode(const TransportToControl& message);
std::expected<ControlToTransport, DecodeFault> decode_control_to_transport(std::span<const std::uint8_t> octets);
std::expected<TransportToControl, DecodeFault> decode_transport_to_control(std::span<const std::uint8_t> octets);
std::size_t descriptors_of(const ControlToTransport& message);
std::size_t descriptors_of(const TransportToControl& message);

}  // namespace redoubt::channel
