#pragma once
// Everything that control and resolver may say to each other.
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "appliance/channel/codec.hpp"
#include "dns/rr_types.hpp"

namespace redoubt::channel {

using RequestId = std::uint64_t;
inline constexpr std::uint32_t max_cache_entries_shown = 256;

// --- to resolver
/// One descriptor: the sealed snapshot.
struct UseSnapshot {
  std::uint64_t generation;
};
struct AskStatistics {
  RequestId id;
};
/// Entries of that name, or of the names at and below it.
struct ShowCache {
  RequestId id;
  dns::Name name;
  bool below;
  std::uint32_t limit;
};
struct FlushCache {
  RequestId id;
  dns::Name name;
  bool below;
};
/// Resolve this query message for the operator: no access list, the same cache.
struct ResolveFor {
  RequestId id;
  std::vector<std::uint8_t> query;
};
/// One descriptor: the root zone's records (dns/record_stream.hpp), sealed. It holds for so many seconds from now.
struct UseLocalRoot {
  std::uint32_t seconds;
};
struct DropLocalRoot {};
using ControlToResolver =
    std::variant<UseSnapshot, AskStatistics, ShowCache, FlushCache, ResolveFor, UseLocalRoot, DropLocalRoot>;

// --- from resolver
/// trouble is empty when the snapshot is in force.
struct SnapshotTaken {
  std::uint64_t generation;
  std::string trouble;
};
/// In the order of the role's table in statistics.hpp.
struct Statistics {
  RequestId id;
  std::vector<std::uint64_t> values;
};
enum class CacheEntryKind : std::uint8_t { data, no_data, no_name, failure };
struct CacheEntry {
  dns::Name owner;
  dns::RrType type;
  CacheEntryKind kind;
  std::uint8_t rank;       ///< of trust, as the resolver orders it
  std::uint32_t ttl_left;  ///< seconds
  std::vector<std::vector<std::uint8_t>> rdata;
};
/// more: the limit or the message's size cut the list.
struct CacheShown {
  RequestId id;
  bool more;
  std::vector<CacheEntry> entries;
};
struct CacheFlushed {
  RequestId id;
  std::uint64_t entries;
};
struct ResolvedFor {
  RequestId id;
  std::vector<std::uint8_t> answer;
};
using ResolverToControl = std::variant<SnapshotTaken, Statistics, CacheShown, CacheFlushed, ResolvedFor>;

std::vector<std::uint8_t> encode(const ControlToResolver& message);
std::vector<std::uint8_t> encode(const ResolverToControl& message);
std::expected<ControlToResolver, DecodeFault> decode_control_to_resolver(std::span<const std::uint8_t> octets);
std::expected<ResolverToControl, DecodeFault> decode_resolver_to_control(std::span<const std::uint8_t> octets);
std::size_t descriptors_of(const ControlToResolver& message);
std::size_t descriptors_of(const ResolverToControl& message);

}  // namespace redoubt::channel
