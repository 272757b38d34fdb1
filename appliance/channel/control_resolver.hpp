#pragma once
// Everything that control and resolver may say to each other.
#include <array>
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "appliance/channel/codec.hpp"
#include "dns/address.hpp"
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
  bool fresh = false;  ///< although the cache has it, as a resolution of its own
};
/// Resolve it for the operator as a resolution of its own, and tell each step. client: whose access is to be judged.
struct TraceFor {
  RequestId id;
  std::vector<std::uint8_t> query;
  std::optional<dns::IpAddress> client;
  bool fresh;  ///< although the cache has it
};
/// What is known of the servers that were heard of most lately.
struct AskUpstreams {
  RequestId id;
  std::uint32_t limit;
};
/// One descriptor: the root zone's records (dns/record_stream.hpp), sealed. It holds for so many seconds from now.
struct UseLocalRoot {
  std::uint32_t seconds;
};
struct DropLocalRoot {};
/// Of the checksums in an image of the cache.
using CacheKey = std::array<std::uint8_t, 32>;
/// One descriptor: the image of the cache that a former life of the resolver wrote, sealed.
struct UseKeptCache {
  CacheKey key;
};
/// One descriptor: a memfd of so many octets for the next image, in place of one that was given before.
struct WriteKeptCache {
  std::uint64_t number;
  std::uint64_t octets;
  bool at_end;  ///< whether the image of the process's end is wanted, too
  CacheKey key;
};
using ControlToResolver = std::variant<UseSnapshot, AskStatistics, ShowCache, FlushCache, ResolveFor, UseLocalRoot,
                                       DropLocalRoot, TraceFor, AskUpstreams, UseKeptCache, WriteKeptCache>;

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
enum class TraceStepKind : std::uint8_t { cache, local, exchange, look_up, aside, check, end };
enum class TraceTransport : std::uint8_t { udp, tcp, tls, https };
/// One step on the way to what TraceFor asked; times in microseconds since it began.
struct TraceStep {
  RequestId id;
  TraceStepKind kind;
  std::uint64_t at;
  std::uint64_t took;
  std::uint32_t depth;
  dns::Name name;
  dns::RrType type;
  dns::Name zone;
  dns::Name server_name;                 ///< the root when it is not known
  std::optional<dns::IpAddress> server;  ///< of an exchange, or that is put aside
  TraceTransport transport;
  std::string verdict;
};
/// What was spent of one limit of the work budget.
struct SpentLimit {
  std::string name;
  std::uint64_t spent;
  std::uint64_t limit;
};
inline constexpr std::uint32_t max_spent_limits = 16;
/// The end of a trace. answer: what the client would get.
struct Traced {
  RequestId id;
  bool allowed;  ///< by the access list, for the client that was named
  std::vector<std::uint8_t> answer;
  std::vector<SpentLimit> spent;
  std::uint32_t left_out = 0;  ///< steps beyond those that are told of one trace
};
/// A server's address; times in microseconds.
struct UpstreamRow {
  dns::IpAddress address;
  std::uint64_t round_trip;  ///< smoothed; zero when it never answered
  std::uint32_t failures;    ///< in a row, of the zone with most of them
  std::uint64_t aside_for;   ///< zero when it is not put aside for any zone
  bool cookie;               ///< it speaks DNS cookies
};
inline constexpr std::uint32_t max_upstreams_shown = 512;
/// Why its last exchange with us was of no use; rcode: the code of its answer, which stands beside.
enum class UpstreamTrouble : std::uint8_t {
  none,
  silent,
  refused,
  unreachable,
  closed_early,
  malformed,
  mismatched,
  no_resources,
  untrusted,
  stalled,
  expired,
  wrong_name,
  wrong_key,
  http_refused,
  http_failed,
  http_strange,
  rcode
};
inline constexpr std::uint32_t upstream_troubles = 17;
/// A server that a forward or stub zone names. Counts since the resolver began; times in microseconds.
struct ConfiguredUpstreamRow {
  dns::Endpoint at;
  std::uint64_t queries;     ///< sent, those raced against others included
  std::uint64_t answers;     ///< that came, late ones included
  std::uint64_t timeouts;    ///< queries without any answer
  std::uint64_t failures;    ///< answers of no use, and errors of the network
  std::uint64_t overtaken;   ///< queries that another upstream answered first
  std::uint64_t refused;     ///< queries that found its queue full
  std::uint64_t waiting;     ///< packets in its queue now
  std::uint64_t round_trip;  ///< smoothed; zero: not known
  std::uint64_t aside_for;   ///< zero when it is not put aside
  UpstreamTrouble trouble = UpstreamTrouble::none;
  dns::Rcode rcode = dns::Rcode::noerror;
};
/// A forward or stub zone.
struct ConfiguredZoneRow {
  dns::Name zone;
  std::uint64_t questions;
  std::uint64_t failures;
};
/// Those of a configuration that names more are not shown whole.
inline constexpr std::uint32_t max_configured_shown = 200;
inline constexpr std::uint32_t max_zones_shown = 100;
struct Upstreams {
  RequestId id;
  std::uint64_t known;
  std::vector<UpstreamRow> rows;
  std::vector<ConfiguredUpstreamRow> configured;
  std::vector<ConfiguredZoneRow> zones;
};
/// The image is whole, in the memfd with that number; so many of its octets count.
struct KeptCacheWritten {
  std::uint64_t number;
  std::uint64_t octets;
};
using ResolverToControl = std::variant<SnapshotTaken, Statistics, CacheShown, CacheFlushed, ResolvedFor, TraceStep,
                                       Traced, Upstreams, KeptCacheWritten>;

std::vector<std::uint8_t> encode(const ControlToResolver& message);
std::vector<std::uint8_t> encode(const ResolverToControl& message);
std::expected<ControlToResolver, DecodeFault> decode_control_to_resolver(std::span<const std::uint8_t> octets);
std::expected<ResolverToControl, DecodeFault> decode_resolver_to_control(std::span<const std::uint8_t> octets);
std::size_t descriptors_of(const ControlToResolver& message);
std::size_t descriptors_of(const ResolverToControl& message);

}  // namespace redoubt::channel
