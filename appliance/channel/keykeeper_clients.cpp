#include "appliance/channel/keykeeper_clients.hpp"

#include <algorithm>

#include "appliance/channel/certificate_fields.hpp"
#include "appliance/channel/variant_codec.hpp"

namespace redoubt::channel {

template <>
struct Fields<Ping> : OnlyId<Ping> {};
template <>
struct Fields<Pong> : OnlyId<Pong> {};

template <>
struct Fields<MakeCertificate> {
  static void write(Encoder& to, const MakeCertificate& message) {
    to.u64(message.id);
    to.below(static_cast<std::uint32_t>(message.names.size()), max_certificate_names);
    for (const std::string& name : message.names) to.text(name);
    to.below(static_cast<std::uint32_t>(message.addresses.size()), max_certificate_names);
    for (const dns::IpAddress& address : message.addresses) to.endpoint({.address = address, .port = 0});
    to.bytes(message.former);
  }
  static MakeCertificate read(Decoder& from) {
    MakeCertificate message{.id = from.u64(), .names = {}, .addresses = {}, .former = {}};
    const std::uint32_t names = from.below(max_certificate_names);
    for (std::uint32_t i = 0; i < names && from.ok(); ++i) message.names.push_back(from.text());
    const std::uint32_t addresses = from.below(max_certificate_names);
    for (std::uint32_t i = 0; i < addresses && from.ok(); ++i) message.addresses.push_back(address_from(from));
    message.former = copy(from.bytes(max_certificate_octets));
    return message;
  }

 private:
  static dns::IpAddress address_from(Decoder& from) {
    const dns::Endpoint endpoint = from.endpoint();
    if (endpoint.port != 0) from.fail(DecodeFault::bad_value);  // one message, one way to write it
    return endpoint.address;
  }
};

template <>
struct Fields<CertificateMade> {
  static void write(Encoder& to, const CertificateMade& message) {
    to.u64(message.id);
    to.bytes(message.certificate);
    to.text(message.trouble);
  }
  static CertificateMade read(Decoder& from) {
    return {.id = from.u64(), .certificate = copy(from.bytes(max_certificate_octets)), .trouble = from.text()};
  }
};

template <>
struct Fields<TlsFilesRead> {
  static void write(Encoder& to, const TlsFilesRead& message) {
    to.u64(message.id);
    write_chain(to, message.chain);
    to.text(message.trouble);
    to.boolean(message.key_exposed);
  }
  static TlsFilesRead read(Decoder& from) {
    return {.id = from.u64(), .chain = read_chain(from), .trouble = from.text(), .key_exposed = from.boolean()};
  }
};

template <>
struct Fields<SignHandshake> {
  static void write(Encoder& to, const SignHandshake& message) {
    to.u64(message.id);
    to.bytes(message.key);
    to.u16(message.scheme);
    to.bytes(message.message);
  }
  static SignHandshake read(Decoder& from) {
    SignHandshake message{.id = from.u64(), .key = {}, .scheme = 0, .message = {}};
    const auto key = from.bytes(message.key.size());
    if (key.size() != message.key.size()) from.fail(DecodeFault::bad_value);
    std::ranges::copy(key, message.key.begin());
    message.scheme = from.u16();
    message.message = copy(from.bytes(max_handshake_message));
    return message;
  }
};

template <>
struct Fields<HandshakeSigned> {
  static void write(Encoder& to, const HandshakeSigned& message) {
    to.u64(message.id);
    to.bytes(message.signature);
  }
  static HandshakeSigned read(Decoder& from) {
    return {.id = from.u64(), .signature = copy(from.bytes(max_signature_octets))};
  }
};

std::vector<std::uint8_t> encode(const ControlToKeykeeper& message) { return encode_variant(message); }
std::vector<std::uint8_t> encode(const KeykeeperToControl& message) { return encode_variant(message); }
std::vector<std::uint8_t> encode(const TransportToKeykeeper& message) { return encode_variant(message); }
std::vector<std::uint8_t> encode(const KeykeeperToTransport& message) { return encode_variant(message); }

std::expected<ControlToKeykeeper, DecodeFault> decode_control_to_keykeeper(std::span<const std::uint8_t> octets) {
  return decode_variant<ControlToKeykeeper>(octets);
}
std::expected<KeykeeperToControl, DecodeFault> decode_keykeeper_to_control(std::span<const std::uint8_t> octets) {
  return decode_variant<KeykeeperToControl>(octets);
}
std::expected<TransportToKeykeeper, DecodeFault> decode_transport_to_keykeeper(std::span<const std::uint8_t> octets) {
  return decode_variant<TransportToKeykeeper>(octets);
}
std::expected<KeykeeperToTransport, DecodeFault> decode_keykeeper_to_transport(std::span<const std::uint8_t> octets) {
  return decode_variant<KeykeeperToTransport>(octets);
}

std::size_t descriptors_of(const ControlToKeykeeper& message) { return descriptors_of_variant(message); }
std::size_t descriptors_of(const KeykeeperToControl& message) { return descriptors_of_variant(message); }
std::size_t descriptors_of(const TransportToKeykeeper& message) { return descriptors_of_variant(message); }
std::size_t descriptors_of(const KeykeeperToTransport& message) { return descriptors_of_variant(message); }

}  // namespace redoubt::channel
