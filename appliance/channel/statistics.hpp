#pragma once
// Counters that the roles keep and control shows. One table: its index is the number on the channel, its name the
// metric's name. Names of domains never become labels (unbounded series).
#include <array>
#include <cstdint>
#include <string_view>

namespace redoubt::channel {

enum class MetricKind : std::uint8_t { counter, gauge };
struct Metric {
  std::string_view name;    ///< Prometheus name, with _total where it counts
  std::string_view labels;  ///< e.g. transport="udp"; may be empty
  std::string_view help;
  MetricKind kind;
};

enum class ResolverCounter : std::uint8_t {
  queries_udp,
  queries_stream,
  refused,
  formerr_sent,
  notimp_sent,
  badvers_sent,
  ignored_datagrams,
  send_failures,
  answers_noerror,
  answers_nxdomain,
  answers_servfail,
  answers_other,
  answers_truncated,
  answers_stale,
  answers_withheld,
  cache_hits,
  cache_misses,
  cache_entries,
  cache_octets,
  cache_evictions,
  joined_resolutions,
  resolutions_running,
  resolutions_refused,
  upstream_udp_queries,
  upstream_tcp_queries,
  upstream_timeouts,
  upstream_mismatched,
  upstream_refused_by_policy,
  budget_exhausted,
  snapshot_generation,
  count
};
enum class TransportCounter : std::uint8_t {
  connections_accepted,
  connections_refused,
  connections_open,
  queries,
  answers,
  closed_idle,
  closed_malformed,
  closed_slow,
  handshakes,
  handshakes_resumed,
  handshakes_failed,
  handshakes_refused,
  upstream_connections,
  upstream_exchanges,
  upstream_failures,
  upstream_connections_open,
  upstream_reused,
  upstream_retries,
  upstream_throttled,
  snapshot_generation,
  count
};
extern const std::array<Metric, static_cast<std::size_t>(ResolverCounter::count)> resolver_metrics;
extern const std::array<Metric, static_cast<std::size_t>(TransportCounter::count)> transport_metrics;

inline constexpr std::uint32_t max_statistics = 1024;

}  // namespace redoubt::channel
