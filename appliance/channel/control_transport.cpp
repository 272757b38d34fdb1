#include "appliance/channel/control_transport.hpp"

#include "appliance/channel/snapshot_fields.hpp"

namespace redoubt::channel {

std::vector<std::uint8_t> encode(const ControlToTransport& message) { return encode_variant(message); }
std::vector<std::uint8_t> encode(const TransportToControl& message) { return encode_variant(message); }

std::expected<ControlToTransport, DecodeFault> decode_control_to_transport(std::span<const std::uint8_t> octets) {
  return decode_variant<ControlToTransport>(octets);
}
std::expected<TransportToControl, DecodeFault> decode_transport_to_control(std::span<const std::uint8_t> octets) {
  return decode_variant<TransportToControl>(octets);
}

std::size_t descriptors_of(const ControlToTransport& message) { return descriptors_of_variant(message); }
std::size_t descriptors_of(const TransportToControl& message) { return descriptors_of_variant(message); }

}  // namespace redoubt::channel
