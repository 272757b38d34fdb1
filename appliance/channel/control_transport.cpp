#include "appliance/channel/control_transport.hpp"

#include "appliance/channel/certificate_fields.hpp"
#include "appliance/channel/snapshot_fields.hpp"

namespace redoubt::channel {

template <>
struct Fields<OpenTransfer> {
  static void write(Encoder& to, const OpenTransfer& message) {
    to.u64(message.id);
    to.endpoint(message.server);
    to.u32(message.patience);
    to.bytes(message.query);
  }
  static OpenTransfer read(Decoder& from) {
    return {.id = from.u64(),
            .server = from.endpoint(),
            .patience = from.u32(),
            .query = copy(from.bytes(max_dns_message_octets))};
  }
};

template <>
struct Fields<ContinueTransfer> : OnlyId<ContinueTransfer> {};

template <>
struct Fields<CloseTransfer> : OnlyId<CloseTransfer> {};

template <>
struct Fields<TransferMessage> {
  static void write(Encoder& to, const TransferMessage& message) {
    to.u64(message.id);
    to.bytes(message.message);
  }
  static TransferMessage read(Decoder& from) {
    return {.id = from.u64(), .message = copy(from.bytes(max_dns_message_octets))};
  }
};

template <>
struct Fields<TransferEnded> {
  static void write(Encoder& to, const TransferEnded& message) {
    to.u64(message.id);
    to.below(static_cast<std::uint32_t>(message.fault), fetch_faults);
  }
  static TransferEnded read(Decoder& from) {
    return {.id = from.u64(), .fault = static_cast<FetchFault>(from.below(fetch_faults))};
  }
};

template <>
struct Fields<UseCertificate> {
  static void write(Encoder& to, const UseCertificate& message) {
    to.below(message.place, max_certificates);
    to.below(message.count, max_certificates + 1);
    write_chain(to, message.chain);
  }
  static UseCertificate read(Decoder& from) {
    UseCertificate message{
        .place = from.below(max_certificates), .count = from.below(max_certificates + 1), .chain = read_chain(from)};
    if (message.place >= message.count) from.fail(DecodeFault::bad_value);
    return message;
  }
};

template <>
struct Fields<CertificateTaken> {
  static void write(Encoder& to, const CertificateTaken& message) {
    to.below(message.place, max_certificates);
    to.text(message.trouble);
  }
  static CertificateTaken read(Decoder& from) {
    return {.place = from.below(max_certificates), .trouble = from.text()};
  }
};

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
