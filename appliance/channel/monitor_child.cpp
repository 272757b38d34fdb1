#include "appliance/channel/monitor_child.hpp"

#include "appliance/channel/variant_codec.hpp"

namespace redoubt::channel {

namespace {

constexpr std::uint32_t role_count = 5;
constexpr std::uint32_t socket_kinds = 2;
constexpr std::uint32_t log_levels = 5;  // log::Level; this folder does not include the log

void write_role(Encoder& to, Role role) { to.below(static_cast<std::uint32_t>(role), role_count); }
Role read_role(Decoder& from) { return static_cast<Role>(from.below(role_count)); }

}  // namespace

template <>
struct Fields<Attach> {
  static void write(Encoder& to, const Attach& message) { write_role(to, message.peer); }
  static Attach read(Decoder& from) { return {.peer = read_role(from)}; }
  static std::size_t descriptors(const Attach&) { return 1; }
};

template <>
struct Fields<TakeSocket> {
  static void write(Encoder& to, const TakeSocket& message) {
    to.u32(message.listener);
    to.below(static_cast<std::uint32_t>(message.kind), socket_kinds);
    to.below(message.worker, max_workers);
    to.endpoint(message.bound);
  }
  static TakeSocket read(Decoder& from) {
    return {.listener = from.u32(),
            .kind = static_cast<SocketKind>(from.below(socket_kinds)),
            .worker = from.below(max_workers),
            .bound = from.endpoint()};
  }
  static std::size_t descriptors(const TakeSocket&) { return 1; }
};

template <>
struct Fields<DropListener> {
  static void write(Encoder& to, const DropListener& message) { to.u32(message.listener); }
  static DropListener read(Decoder& from) { return {.listener = from.u32()}; }
};

template <>
struct Fields<Stop> : NoFields<Stop> {};

template <>
struct Fields<ReadConfiguration> {
  static void write(Encoder& to, const ReadConfiguration& message) {
    to.boolean(message.opened);
    to.boolean(message.initial);
    to.text(message.path);
    to.text(message.trouble);
    to.u64(message.since);
  }
  static ReadConfiguration read(Decoder& from) {
    return {.opened = from.boolean(),
            .initial = from.boolean(),
            .path = from.text(),
            .trouble = from.text(),
            .since = from.u64()};
  }
  static std::size_t descriptors(const ReadConfiguration& message) { return message.opened ? 1 : 0; }
};

template <>
struct Fields<BindResult> {
  static void write(Encoder& to, const BindResult& message) {
    to.u32(message.id);
    to.text(message.trouble);
  }
  static BindResult read(Decoder& from) { return {.id = from.u32(), .trouble = from.text()}; }
};

template <>
struct Fields<Kept> {
  static void write(Encoder& to, const Kept& message) { to.below(message.slot, keep_slots); }
  static Kept read(Decoder& from) { return {.slot = static_cast<std::uint8_t>(from.below(keep_slots))}; }
  static std::size_t descriptors(const Kept&) { return 1; }
};

template <>
struct Fields<ChildState> {
  static void write(Encoder& to, const ChildState& message) {
    write_role(to, message.role);
    to.u32(message.pid);
    to.u32(message.restarts);
    to.u32(message.stuck);
    to.boolean(message.up);
  }
  static ChildState read(Decoder& from) {
    return {
        .role = read_role(from), .pid = from.u32(), .restarts = from.u32(), .stuck = from.u32(), .up = from.boolean()};
  }
};

template <>
struct Fields<AllReady> : NoFields<AllReady> {};

template <>
struct Fields<AreYouThere> : NoFields<AreYouThere> {};

template <>
struct Fields<StillHere> : NoFields<StillHere> {};

template <>
struct Fields<LogAs> {
  static void write(Encoder& to, const LogAs& message) {
    to.below(message.level, log_levels);
    to.boolean(message.json);
  }
  static LogAs read(Decoder& from) {
    return {.level = static_cast<std::uint8_t>(from.below(log_levels)), .json = from.boolean()};
  }
};

template <>
struct Fields<Entered> {
  static void write(Encoder& to, const Entered& message) { to.text(message.trouble); }
  static Entered read(Decoder& from) { return {.trouble = from.text()}; }
};

template <>
struct Fields<Ready> : NoFields<Ready> {};

template <>
struct Fields<AcceptBestEffort> {
  static void write(Encoder& to, const AcceptBestEffort& message) { to.boolean(message.accepted); }
  static AcceptBestEffort read(Decoder& from) { return {.accepted = from.boolean()}; }
};

template <>
struct Fields<Bind> {
  static void write(Encoder& to, const Bind& message) {
    to.u32(message.id);
    to.u32(message.listener);
    to.endpoint(message.at);
    to.boolean(message.datagrams);
    to.boolean(message.streams);
    to.below(message.workers, max_workers + 1);
  }
  static Bind read(Decoder& from) {
    return {.id = from.u32(),
            .listener = from.u32(),
            .at = from.endpoint(),
            .datagrams = from.boolean(),
            .streams = from.boolean(),
            .workers = from.below(max_workers + 1)};
  }
};

template <>
struct Fields<Unbind> {
  static void write(Encoder& to, const Unbind& message) { to.u32(message.listener); }
  static Unbind read(Decoder& from) { return {.listener = from.u32()}; }
};

template <>
struct Fields<RequestReload> : NoFields<RequestReload> {};

template <>
struct Fields<Keep> {
  static void write(Encoder& to, const Keep& message) { to.below(message.slot, keep_slots); }
  static Keep read(Decoder& from) { return {.slot = static_cast<std::uint8_t>(from.below(keep_slots))}; }
  static std::size_t descriptors(const Keep&) { return 1; }
};

template <>
struct Fields<TlsFile> {
  static void write(Encoder& to, const TlsFile& message) {
    to.u64(message.id);
    to.boolean(message.key);
  }
  static TlsFile read(Decoder& from) { return {.id = from.u64(), .key = from.boolean()}; }
  static std::size_t descriptors(const TlsFile&) { return 1; }
};

template <>
struct Fields<TlsFilesMissing> {
  static void write(Encoder& to, const TlsFilesMissing& message) {
    to.u64(message.id);
    to.boolean(message.key);
    to.text(message.trouble);
  }
  static TlsFilesMissing read(Decoder& from) {
    return {.id = from.u64(), .key = from.boolean(), .trouble = from.text()};
  }
};

template <>
struct Fields<OpenTlsFiles> {
  static void write(Encoder& to, const OpenTlsFiles& message) {
    to.u64(message.id);
    to.text(message.certificate);
    to.text(message.key);
  }
  static OpenTlsFiles read(Decoder& from) { return {.id = from.u64(), .certificate = from.text(), .key = from.text()}; }
};

std::vector<std::uint8_t> encode(const MonitorToChild& message) { return encode_variant(message); }
std::vector<std::uint8_t> encode(const ChildToMonitor& message) { return encode_variant(message); }

std::expected<MonitorToChild, DecodeFault> decode_monitor_to_child(std::span<const std::uint8_t> octets) {
  return decode_variant<MonitorToChild>(octets);
}
std::expected<ChildToMonitor, DecodeFault> decode_child_to_monitor(std::span<const std::uint8_t> octets) {
  return decode_variant<ChildToMonitor>(octets);
}

std::size_t descriptors_of(const MonitorToChild& message) { return descriptors_of_variant(message); }
std::size_t descriptors_of(const ChildToMonitor& message) { return descriptors_of_variant(message); }

}  // namespace redoubt::channel
