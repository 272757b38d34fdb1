#include "appliance/channel/control_resolver.hpp"

#include "appliance/channel/snapshot_fields.hpp"

namespace redoubt::channel {

namespace {

constexpr std::uint32_t cache_entry_kinds = 4;
constexpr std::uint32_t max_rdata_shown = 4096;  // of one entry

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
struct Fields<UseLocalRoot> {
  static void write(Encoder& to, const UseLocalRoot& message) { to.u32(message.seconds); }
  static UseLocalRoot read(Decoder& from) { return {.seconds = from.u32()}; }
  static std::size_t descriptors(const UseLocalRoot&) { return 1; }
};

template <>
struct Fields<DropLocalRoot> : NoFields<DropLocalRoot> {};

template <>
struct Fields<ResolveFor> {
  static void write(Encoder& to, const ResolveFor& message) {
    to.u64(message.id);
    to.bytes(message.query);
  }
  static ResolveFor read(Decoder& from) {
    return {.id = from.u64(), .query = copy(from.bytes(max_dns_message_octets))};
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
