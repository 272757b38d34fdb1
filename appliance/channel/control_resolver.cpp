#include "appliance/channel/control_resolver.hpp"

#include <algorithm>

#include "appliance/channel/snapshot_fields.hpp"

namespace redoubt::channel {

namespace {

constexpr std::uint32_t cache_entry_kinds = 4;
constexpr std::uint32_t max_rdata_shown = 4096;  // of one entry

constexpr std::uint32_t trace_step_kinds = 7;
constexpr std::uint32_t trace_transports = 4;

void write_address(Encoder& to, const std::optional<dns::IpAddress>& address) {
  to.bytes(address ? address->octets() : std::span<const std::uint8_t>{});
}

/// No octets: none.
std::optional<dns::IpAddress> read_address(Decoder& from) {
  const auto octets = from.bytes(16);
  if (octets.empty()) return std::nullopt;
  const auto address = dns::IpAddress::from_octets(octets);
  if (!address) from.fail(DecodeFault::bad_value);
  return address;
}

void write_entry(Encoder& to, const CacheEntry& entry) {
  to.name(entry.owner);
  to.u16(entry.type.value);
  to.below(static_cast<std::uint32_t>(entry.kind), cache_entry_kinds);
  to.u8(entry.rank);
  to.u32(entry.ttl_left);
  to.below(static_cast<std::uint32_t>(entry.rdata.size()), max_rdata_shown + 1);
  for (const auto& rdata : entry.rdata) to.bytes(rdata);
}

/// What write_entry() will add.
std::size_t octets_of(const CacheEntry& entry) {
  std::size_t octets = 1 + entry.owner.wire().size() + 2 + 1 + 1 + 4 + 4;
  for (const auto& rdata : entry.rdata) octets += 4 + rdata.size();
  return octets;
}

CacheEntry read_entry(Decoder& from) {
  CacheEntry entry{.owner = from.name(),
                   .type = dns::RrType{from.u16()},
                   .kind = static_cast<CacheEntryKind>(from.below(cache_entry_kinds)),
                   .rank = from.u8(),
                   .ttl_left = from.u32(),
                   .rdata = {}};
  const std::uint32_t count = from.below(max_rdata_shown + 1);
  for (std::uint32_t i = 0; i < count && from.ok(); ++i) {
    entry.rdata.push_back(copy(from.bytes(max_dns_message_octets)));
  }
  return entry;
}

}  // namespace

template <>
struct Fields<ShowCache> {
  static void write(Encoder& to, const ShowCache& message) {
    to.u64(message.id);
    to.name(message.name);
    to.boolean(message.below);
    to.below(message.limit, max_cache_entries_shown + 1);
  }
  static ShowCache read(Decoder& from) {
    return {.id = from.u64(),
            .name = from.name(),
            .below = from.boolean(),
            .limit = from.below(max_cache_entries_shown + 1)};
  }
};

template <>
struct Fields<FlushCache> {
  static void write(Encoder& to, const FlushCache& message) {
    to.u64(message.id);
    to.name(message.name);
    to.boolean(message.below);
  }
  static FlushCache read(Decoder& from) { return {.id = from.u64(), .name = from.name(), .below = from.boolean()}; }
};

template <>
struct Fields<TraceFor> {
  static void write(Encoder& to, const TraceFor& message) {
    to.u64(message.id);
    to.bytes(message.query);
    write_address(to, message.client);
    to.boolean(message.fresh);
  }
  static TraceFor read(Decoder& from) {
    return {.id = from.u64(),
            .query = copy(from.bytes(max_dns_message_octets)),
            .client = read_address(from),
            .fresh = from.boolean()};
  }
};

template <>
struct Fields<AskUpstreams> {
  static void write(Encoder& to, const AskUpstreams& message) {
    to.u64(message.id);
    to.below(message.limit, max_upstreams_shown + 1);
  }
  static AskUpstreams read(Decoder& from) { return {.id = from.u64(), .limit = from.below(max_upstreams_shown + 1)}; }
};

template <>
struct Fields<TraceStep> {
  static void write(Encoder& to, const TraceStep& message) {
    to.u64(message.id);
    to.below(static_cast<std::uint32_t>(message.kind), trace_step_kinds);
    to.u64(message.at);
    to.u64(message.took);
    to.u32(message.depth);
    to.name(message.name);
    to.u16(message.type.value);
    to.name(message.zone);
    to.name(message.server_name);
    write_address(to, message.server);
    to.below(static_cast<std::uint32_t>(message.transport), trace_transports);
    to.text(message.verdict);
  }
  static TraceStep read(Decoder& from) {
    return {.id = from.u64(),
            .kind = static_cast<TraceStepKind>(from.below(trace_step_kinds)),
            .at = from.u64(),
            .took = from.u64(),
            .depth = from.u32(),
            .name = from.name(),
            .type = dns::RrType{from.u16()},
            .zone = from.name(),
            .server_name = from.name(),
            .server = read_address(from),
            .transport = static_cast<TraceTransport>(from.below(trace_transports)),
            .verdict = from.text()};
  }
};

template <>
struct Fields<Traced> {
  static void write(Encoder& to, const Traced& message) {
    to.u64(message.id);
    to.boolean(message.allowed);
    to.bytes(message.answer);
    to.below(static_cast<std::uint32_t>(message.spent.size()), max_spent_limits + 1);
    for (const SpentLimit& one : message.spent) {
      to.text(one.name);
      to.u64(one.spent);
      to.u64(one.limit);
    }
    to.u32(message.left_out);
  }
  static Traced read(Decoder& from) {
    Traced message{.id = from.u64(),
                   .allowed = from.boolean(),
                   .answer = copy(from.bytes(max_dns_message_octets)),
                   .spent = {},
                   .left_out = 0};
    const std::uint32_t count = from.below(max_spent_limits + 1);
    for (std::uint32_t i = 0; i < count && from.ok(); ++i)
      message.spent.push_back({.name = from.text(), .spent = from.u64(), .limit = from.u64()});
    message.left_out = from.u32();
    return message;
  }
};

void write_row(Encoder& to, const ConfiguredUpstreamRow& row) {
  write_address(to, row.at.address);
  to.u16(row.at.port);
  for (const std::uint64_t value : {row.queries, row.answers, row.timeouts, row.failures, row.overtaken, row.refused,
                                    row.waiting, row.round_trip, row.aside_for})
    to.u64(value);
  to.below(static_cast<std::uint32_t>(row.trouble), upstream_troubles);
  to.u16(static_cast<std::uint16_t>(row.rcode));
}
ConfiguredUpstreamRow read_configured(Decoder& from) {
  const auto address = read_address(from);
  if (!address) from.fail(DecodeFault::bad_value);
  return {.at = {address.value_or(dns::IpAddress{}), from.u16()},
          .queries = from.u64(),
          .answers = from.u64(),
          .timeouts = from.u64(),
          .failures = from.u64(),
          .overtaken = from.u64(),
          .refused = from.u64(),
          .waiting = from.u64(),
          .round_trip = from.u64(),
          .aside_for = from.u64(),
          .trouble = static_cast<UpstreamTrouble>(from.below(upstream_troubles)),
          .rcode = static_cast<dns::Rcode>(from.u16())};
}

template <>
struct Fields<Upstreams> {
  static void write(Encoder& to, const Upstreams& message) {
    to.u64(message.id);
    to.u64(message.known);
    to.below(static_cast<std::uint32_t>(message.rows.size()), max_upstreams_shown + 1);
    for (const UpstreamRow& row : message.rows) {
      write_address(to, row.address);
      to.u64(row.round_trip);
      to.u32(row.failures);
      to.u64(row.aside_for);
      to.boolean(row.cookie);
    }
    to.below(static_cast<std::uint32_t>(message.configured.size()), max_configured_shown + 1);
    for (const ConfiguredUpstreamRow& row : message.configured) write_row(to, row);
    to.below(static_cast<std::uint32_t>(message.zones.size()), max_zones_shown + 1);
    for (const ConfiguredZoneRow& row : message.zones) {
      to.name(row.zone);
      to.u64(row.questions);
      to.u64(row.failures);
    }
  }
  static Upstreams read(Decoder& from) {
    Upstreams message{.id = from.u64(), .known = from.u64(), .rows = {}, .configured = {}, .zones = {}};
    const std::uint32_t count = from.below(max_upstreams_shown + 1);
    for (std::uint32_t i = 0; i < count && from.ok(); ++i) {
      const auto address = read_address(from);
      if (!address) from.fail(DecodeFault::bad_value);
      message.rows.push_back({.address = address.value_or(dns::IpAddress{}),
                              .round_trip = from.u64(),
                              .failures = from.u32(),
                              .aside_for = from.u64(),
                              .cookie = from.boolean()});
    }
    const std::uint32_t configured = from.below(max_configured_shown + 1);
    for (std::uint32_t i = 0; i < configured && from.ok(); ++i) message.configured.push_back(read_configured(from));
    const std::uint32_t zones = from.below(max_zones_shown + 1);
    for (std::uint32_t i = 0; i < zones && from.ok(); ++i)
      message.zones.push_back({.zone = from.name(), .questions = from.u64(), .failures = from.u64()});
    return message;
  }
};

template <>
struct Fields<UseLocalRoot> {
  static void write(Encoder& to, const UseLocalRoot& message) { to.u32(message.seconds); }
  static UseLocalRoot read(Decoder& from) { return {.seconds = from.u32()}; }
  static std::size_t descriptors(const UseLocalRoot&) { return 1; }
};

template <>
struct Fields<DropLocalRoot> : NoFields<DropLocalRoot> {};

CacheKey read_key(Decoder& from) {
  CacheKey key{};
  const auto octets = from.bytes(key.size());
  if (octets.size() != key.size()) {
    from.fail(DecodeFault::bad_value);
  } else {
    std::ranges::copy(octets, key.begin());
  }
  return key;
}

template <>
struct Fields<UseKeptCache> {
  static void write(Encoder& to, const UseKeptCache& message) { to.bytes(message.key); }
  static UseKeptCache read(Decoder& from) { return {.key = read_key(from)}; }
  static std::size_t descriptors(const UseKeptCache&) { return 1; }
};

template <>
struct Fields<WriteKeptCache> {
  static void write(Encoder& to, const WriteKeptCache& message) {
    to.u64(message.number);
    to.u64(message.octets);
    to.boolean(message.at_end);
    to.bytes(message.key);
  }
  static WriteKeptCache read(Decoder& from) {
    return {.number = from.u64(), .octets = from.u64(), .at_end = from.boolean(), .key = read_key(from)};
  }
  static std::size_t descriptors(const WriteKeptCache&) { return 1; }
};

template <>
struct Fields<KeptCacheWritten> {
  static void write(Encoder& to, const KeptCacheWritten& message) {
    to.u64(message.number);
    to.u64(message.octets);
  }
  static KeptCacheWritten read(Decoder& from) { return {.number = from.u64(), .octets = from.u64()}; }
};

template <>
struct Fields<ResolveFor> {
  static void write(Encoder& to, const ResolveFor& message) {
    to.u64(message.id);
    to.bytes(message.query);
    to.boolean(message.fresh);
  }
  static ResolveFor read(Decoder& from) {
    return {.id = from.u64(), .query = copy(from.bytes(max_dns_message_octets)), .fresh = from.boolean()};
  }
};

template <>
struct Fields<CacheShown> {
  /// Entries behind the first that does not fit are left out, and `more` says so.
  static void write(Encoder& to, const CacheShown& message) {
    constexpr std::size_t head = 1 + 4;  // `more` and the count, both written below
    std::size_t octets = to.size() + 8 + head;
    std::uint32_t fitting = 0;
    for (const CacheEntry& entry : message.entries) {
      octets += octets_of(entry);
      if (octets > max_message_octets || entry.rdata.size() > max_rdata_shown || fitting == max_cache_entries_shown)
        break;
      ++fitting;
    }
    to.u64(message.id);
    to.boolean(message.more || fitting < message.entries.size());
    to.below(fitting, max_cache_entries_shown + 1);
    for (std::uint32_t i = 0; i < fitting; ++i) write_entry(to, message.entries[i]);
  }
  static CacheShown read(Decoder& from) {
    CacheShown message{.id = from.u64(), .more = from.boolean(), .entries = {}};
    const std::uint32_t count = from.below(max_cache_entries_shown + 1);
    for (std::uint32_t i = 0; i < count && from.ok(); ++i) message.entries.push_back(read_entry(from));
    return message;
  }
};

template <>
struct Fields<CacheFlushed> {
  static void write(Encoder& to, const CacheFlushed& message) {
    to.u64(message.id);
    to.u64(message.entries);
  }
  static CacheFlushed read(Decoder& from) { return {.id = from.u64(), .entries = from.u64()}; }
};

template <>
struct Fields<ResolvedFor> {
  static void write(Encoder& to, const ResolvedFor& message) {
    to.u64(message.id);
    to.bytes(message.answer);
  }
  static ResolvedFor read(Decoder& from) {
    return {.id = from.u64(), .answer = copy(from.bytes(max_dns_message_octets))};
  }
};

std::vector<std::uint8_t> encode(const ControlToResolver& message) { return encode_variant(message); }
std::vector<std::uint8_t> encode(const ResolverToControl& message) { return encode_variant(message); }

std::expected<ControlToResolver, DecodeFault> decode_control_to_resolver(std::span<const std::uint8_t> octets) {
  return decode_variant<ControlToResolver>(octets);
}
std::expected<ResolverToControl, DecodeFault> decode_resolver_to_control(std::span<const std::uint8_t> octets) {
  return decode_variant<ResolverToControl>(octets);
}

std::size_t descriptors_of(const ControlToResolver& message) { return descriptors_of_variant(message); }
std::size_t descriptors_of(const ResolverToControl& message) { return descriptors_of_variant(message); }

}  // namespace redoubt::channel
