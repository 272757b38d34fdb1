#pragma once
// Counters that the roles keep and control shows. One table: its index is the number on the channel, its name the
// metric's name. Names of domains never become labels (unbounded series).
#include <array>
#include <cstdint>
#include <span>
#include <string_view>

namespace redoubt::channel {

/// histogram: rows of a Prometheus histogram, with _bucket (cumulative), _sum and _count at the end of their names.
enum class MetricKind : std::uint8_t { counter, gauge, histogram };
struct Metric {
  std::string_view name;    ///< Prometheus name, with _total where it counts
  std::string_view labels;  ///< e.g. transport="udp"; may be empty
  std::string_view help;
  MetricKind kind;
  std::uint32_t parts = 1;  ///< of what the name says: 1,000,000 where microseconds are counted and seconds shown
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
  answers_secure,
  answers_bogus,
  cache_hits,
  cache_misses,
  cache_entries,
  cache_octets,
  cache_evictions,
  packet_cache_hits,
  packet_cache_octets,
  resolutions_running,
  resolutions_refused,
  upstream_udp_queries,
  upstream_tcp_queries,
  upstream_tls_queries,
  upstream_https_queries,
  upstream_timeouts,
  upstream_mismatched,
  upstream_sockets_made,
  upstream_no_resources,
  tls_authorities,
  tls_attempts_running,
  work_lost,
  clock_jumps,
  limit_upstream_queries,
  limit_alias_steps,
  limit_nested_depth,
  limit_nested_questions,
  limit_upstream_octets,
  limit_records_per_rrset,
  limit_question_time,
  limit_waiting_queries,
  limit_waiting_of_one_client,
  limit_resolutions,
  limit_resolutions_of_one_client,
  limit_resolutions_of_one_zone,
  limit_exchanges_of_one_server,
  limit_denials_of_one_zone,
  limit_upstream_queue,
  limit_amplified_answers,
  limit_signature_checks,
  limit_failed_signature_checks,
  limit_nsec3_blocks,
  limit_signatures_of_rrset,
  limit_keys_of_tag,
  limit_ds_of_zone,
  limit_denial_records,
  limit_entropy_floor,
  resolution_time_1ms,
  resolution_time_10ms,
  resolution_time_30ms,
  resolution_time_100ms,
  resolution_time_300ms,
  resolution_time_1s,
  resolution_time_3s,
  resolution_time_any,
  resolution_time_count,
  resolution_time_sum,
  query_log_lines,
  query_log_lost,
  kept_cache_taken_over,
  kept_cache_refused,
  kept_cache_written,
  kept_cache_entries,
  snapshot_generation,
  count
};
enum class TransportCounter : std::uint8_t {
  connections_accepted,
  connections_refused,
  connections_open,
  queries,
  answers,
  near_noerror,
  near_nxdomain,
  near_other,
  near_secure,
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
/// Answers that transport gave in the resolver's place count as the resolver's too: theirs are the series that say how
/// many clients got what. Both as they came; short ones are left as they are.
void add_near_answers(std::span<std::uint64_t> resolver, std::span<const std::uint64_t> transport);

extern const std::array<Metric, static_cast<std::size_t>(ResolverCounter::count)> resolver_metrics;
extern const std::array<Metric, static_cast<std::size_t>(TransportCounter::count)> transport_metrics;

inline constexpr std::uint32_t max_statistics = 1024;

}  // namespace redoubt::channel
