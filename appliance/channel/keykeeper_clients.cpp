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

namespace {

using OctetStrings = std::vector<std::vector<std::uint8_t>>;

void write_strings(Encoder& to, const OctetStrings& strings, std::uint32_t most) {
  to.below(static_cast<std::uint32_t>(strings.size()), most + 1);
  for (const auto& one : strings) to.bytes(one);
}

OctetStrings read_strings(Decoder& from, std::uint32_t most, std::size_t most_octets) {
  OctetStrings strings;
  const std::uint32_t count = from.below(most + 1);
  for (std::uint32_t i = 0; i < count && from.ok(); ++i) strings.push_back(copy(from.bytes(most_octets)));
  return strings;
}

}  // namespace

template <>
struct Fields<ListZoneKeys> {
  static void write(Encoder& to, const ListZoneKeys& message) {
    to.u64(message.id);
    to.name(message.zone);
  }
  static ListZoneKeys read(Decoder& from) { return {.id = from.u64(), .zone = from.name()}; }
};

template <>
struct Fields<MakeZoneKey> {
  static void write(Encoder& to, const MakeZoneKey& message) {
    to.u64(message.id);
    to.name(message.zone);
    to.u8(message.algorithm);
    to.below(static_cast<std::uint32_t>(message.role), zone_key_roles);
    to.u16(message.rsa_bits);
    to.below(static_cast<std::uint32_t>(message.taken.size()), max_taken_tags + 1);
    for (const std::uint16_t tag : message.taken) to.u16(tag);
  }
  static MakeZoneKey read(Decoder& from) {
    MakeZoneKey message{.id = from.u64(),
                        .zone = from.name(),
                        .algorithm = from.u8(),
                        .role = static_cast<ZoneKeyRole>(from.below(zone_key_roles)),
                        .rsa_bits = from.u16(),
                        .taken = {}};
    const std::uint32_t taken = from.below(max_taken_tags + 1);
    for (std::uint32_t i = 0; i < taken && from.ok(); ++i) message.taken.push_back(from.u16());
    return message;
  }
};

template <>
struct Fields<SignSets> {
  static void write(Encoder& to, const SignSets& message) {
    to.u64(message.id);
    to.name(message.zone);
    to.u8(message.algorithm);
    to.u16(message.tag);
    write_strings(to, message.sets, max_sets_signed);
  }
  static SignSets read(Decoder& from) {
    return {.id = from.u64(),
            .zone = from.name(),
            .algorithm = from.u8(),
            .tag = from.u16(),
            .sets = read_strings(from, max_sets_signed, max_batch_octets)};
  }
};

template <>
struct Fields<ZoneKeysListed> {
  static void write(Encoder& to, const ZoneKeysListed& message) {
    to.u64(message.id);
    write_strings(to, message.keys, max_zone_keys);
    to.text(message.trouble);
  }
  static ZoneKeysListed read(Decoder& from) {
    return {.id = from.u64(), .keys = read_strings(from, max_zone_keys, max_dnskey_octets), .trouble = from.text()};
  }
};

template <>
struct Fields<ZoneKeyMade> {
  static void write(Encoder& to, const ZoneKeyMade& message) {
    to.u64(message.id);
    to.bytes(message.dnskey);
    to.text(message.trouble);
  }
  static ZoneKeyMade read(Decoder& from) {
    return {.id = from.u64(), .dnskey = copy(from.bytes(max_dnskey_octets)), .trouble = from.text()};
  }
};

template <>
struct Fields<SetsSigned> {
  static void write(Encoder& to, const SetsSigned& message) {
    to.u64(message.id);
    write_strings(to, message.signatures, max_sets_signed);
    to.text(message.trouble);
  }
  static SetsSigned read(Decoder& from) {
    return {.id = from.u64(),
            .signatures = read_strings(from, max_sets_signed, max_zone_signature_octets),
            .trouble = from.text()};
  }
};

template <>
struct Fields<DeleteZoneKey> {
  static void write(Encoder& to, const DeleteZoneKey& message) {
    to.u64(message.id);
    to.name(message.zone);
    to.u8(message.algorithm);
    to.u16(message.tag);
  }
  static DeleteZoneKey read(Decoder& from) {
    return {.id = from.u64(), .zone = from.name(), .algorithm = from.u8(), .tag = from.u16()};
  }
};

template <>
struct Fields<ZoneKeyDeleted> {
  static void write(Encoder& to, const ZoneKeyDeleted& message) {
    to.u64(message.id);
    to.text(message.trouble);
  }
  static ZoneKeyDeleted read(Decoder& from) { return {.id = from.u64(), .trouble = from.text()}; }
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
