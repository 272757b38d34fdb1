#include "appliance/channel/resolver_transport.hpp"

#include "appliance/channel/variant_codec.hpp"

namespace redoubt::channel {

namespace {

constexpr std::uint32_t stream_protocols = 3;

void write_protocol(Encoder& to, StreamProtocol protocol) {
  to.below(static_cast<std::uint32_t>(protocol), stream_protocols);
}
StreamProtocol read_protocol(Decoder& from) { return static_cast<StreamProtocol>(from.below(stream_protocols)); }

}  // namespace

template <>
struct Fields<Ask> {
  static void write(Encoder& to, const Ask& message) {
    to.u64(message.id);
    to.u32(message.listener);
    write_protocol(to, message.protocol);
    to.endpoint(message.client);
    to.bytes(message.query);
    to.name(message.client_name);
  }
  static Ask read(Decoder& from) {
    return {.id = from.u64(),
            .listener = from.u32(),
            .protocol = read_protocol(from),
            .client = from.endpoint(),
            .query = copy(from.bytes(max_dns_message_octets)),
            .client_name = from.name()};
  }
};

template <>
struct Fields<Withdraw> : OnlyId<Withdraw> {};

template <>
struct Fields<Fetched> {
  static void write(Encoder& to, const Fetched& message) {
    to.u64(message.id);
    to.bytes(message.answer);
  }
  static Fetched read(Decoder& from) { return {.id = from.u64(), .answer = copy(from.bytes(max_dns_message_octets))}; }
};

template <>
struct Fields<FetchFailed> {
  static void write(Encoder& to, const FetchFailed& message) {
    to.u64(message.id);
    to.below(static_cast<std::uint32_t>(message.fault), fetch_faults);
  }
  static FetchFailed read(Decoder& from) {
    return {.id = from.u64(), .fault = static_cast<FetchFault>(from.below(fetch_faults))};
  }
};

template <>
struct Fields<Basis> {
  static void write(Encoder& to, const Basis& basis) {
    to.u64(basis.settings);
    to.u64(basis.flushes);
  }
  static Basis read(Decoder& from) { return {.settings = from.u64(), .flushes = from.u64()}; }
};

template <>
struct Fields<UseBasis> {
  static void write(Encoder& to, const UseBasis& message) { Fields<Basis>::write(to, message.basis); }
  static UseBasis read(Decoder& from) { return {Fields<Basis>::read(from)}; }
};

template <>
struct Fields<Leave> {
  static void write(Encoder& to, const Leave& leave) {
    Fields<Basis>::write(to, leave.basis);
    to.u32(leave.keep_for);
    to.boolean(leave.secure);
  }
  static Leave read(Decoder& from) {
    return {.basis = Fields<Basis>::read(from), .keep_for = from.u32(), .secure = from.boolean()};
  }
};

template <>
struct Fields<Give> {
  static void write(Encoder& to, const Give& message) {
    to.u64(message.id);
    to.bytes(message.answer);
    to.boolean(message.leave.has_value());
    if (message.leave) Fields<Leave>::write(to, *message.leave);
  }
  static Give read(Decoder& from) {
    Give message{.id = from.u64(), .answer = copy(from.bytes(max_dns_message_octets))};
    if (from.boolean()) message.leave = Fields<Leave>::read(from);
    return message;
  }
};

template <>
struct Fields<Asks> {
  static void write(Encoder& to, const Asks& message) {
    to.below(static_cast<std::uint32_t>(message.asks.size()), max_together + 1);
    for (const Ask& ask : message.asks) Fields<Ask>::write(to, ask);
  }
  static Asks read(Decoder& from) {
    Asks message;
    const std::uint32_t count = from.below(max_together + 1);
    for (std::uint32_t i = 0; i < count && from.ok(); ++i) message.asks.push_back(Fields<Ask>::read(from));
    return message;
  }
};

template <>
struct Fields<Gives> {
  static void write(Encoder& to, const Gives& message) {
    to.below(static_cast<std::uint32_t>(message.gives.size()), max_together + 1);
    for (const Give& give : message.gives) Fields<Give>::write(to, give);
  }
  static Gives read(Decoder& from) {
    Gives message;
    const std::uint32_t count = from.below(max_together + 1);
    for (std::uint32_t i = 0; i < count && from.ok(); ++i) message.gives.push_back(Fields<Give>::read(from));
    return message;
  }
};

template <>
struct Fields<Fetch> {
  static void write(Encoder& to, const Fetch& message) {
    to.u64(message.id);
    write_protocol(to, message.protocol);
    to.endpoint(message.server);
    to.u32(message.patience);
    to.bytes(message.query);
    to.boolean(message.to_anybody);
  }
  static Fetch read(Decoder& from) {
    return {.id = from.u64(),
            .protocol = read_protocol(from),
            .server = from.endpoint(),
            .patience = from.u32(),
            .query = copy(from.bytes(max_dns_message_octets)),
            .to_anybody = from.boolean()};
  }
};

template <>
struct Fields<Abandon> : OnlyId<Abandon> {};

std::vector<std::uint8_t> encode(const TransportToResolver& message) { return encode_variant(message); }
std::vector<std::uint8_t> encode(const ResolverToTransport& message) { return encode_variant(message); }

std::expected<TransportToResolver, DecodeFault> decode_transport_to_resolver(std::span<const std::uint8_t> octets) {
  return decode_variant<TransportToResolver>(octets);
}
std::expected<ResolverToTransport, DecodeFault> decode_resolver_to_transport(std::span<const std::uint8_t> octets) {
  return decode_variant<ResolverToTransport>(octets);
}

std::size_t descriptors_of(const TransportToResolver& message) { return descriptors_of_variant(message); }
std::size_t descriptors_of(const ResolverToTransport& message) { return descriptors_of_variant(message); }

}  // namespace redoubt::channel
