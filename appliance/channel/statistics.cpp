#include "appliance/channel/statistics.hpp"

#include <vector>

namespace redoubt::channel {

namespace {
constexpr MetricKind counter = MetricKind::counter;
constexpr MetricKind gauge = MetricKind::gauge;
constexpr MetricKind histogram = MetricKind::histogram;
constexpr std::string_view limit_help = "Questions that a limit ended, or kept from being resolved.";
constexpr std::string_view near_help = "Of answers by streams, those with which no other process was troubled.";
constexpr std::string_view time_help = "How long questions took that the cache could not answer.";

struct Addend {
  TransportCounter from;
  ResolverCounter to;
};
}  // namespace

void add_near_answers(std::span<std::uint64_t> resolver, std::span<const std::uint64_t> transport) {
  using From = TransportCounter;
  using To = ResolverCounter;
  std::vector<Addend> addends{{From::near_noerror, To::answers_noerror},
                              {From::near_nxdomain, To::answers_nxdomain},
                              {From::near_other, To::answers_other},
                              {From::near_secure, To::answers_secure}};
  for (const From any : {From::near_noerror, From::near_nxdomain, From::near_other}) {
    for (const To all : {To::queries_stream, To::cache_hits, To::packet_cache_hits}) addends.push_back({any, all});
  }
  for (const Addend& addend : addends) {
    const auto from = static_cast<std::size_t>(addend.from);
    const auto to = static_cast<std::size_t>(addend.to);
    if (from < transport.size() && to < resolver.size()) resolver[to] += transport[from];
  }
}

// One row for each value of the enum, in its order. Rows of one name stand together and share their help.
const std::array<Metric, static_cast<std::size_t>(ResolverCounter::count)> resolver_metrics{{
    {"redoubt_queries_total", "transport=\"udp\"", "Queries received from clients.", counter},
    {"redoubt_queries_total", "transport=\"stream\"", "Queries received from clients.", counter},
    {"redoubt_queries_refused_total", "", "Queries answered REFUSED by the access list.", counter},
    {"redoubt_queries_faulty_total", "rcode=\"formerr\"", "Queries answered with an error of their form.", counter},
    {"redoubt_queries_faulty_total", "rcode=\"notimp\"", "Queries answered with an error of their form.", counter},
    {"redoubt_queries_faulty_total", "rcode=\"badvers\"", "Queries answered with an error of their form.", counter},
    {"redoubt_datagrams_ignored_total", "", "Datagrams that got no answer: too short, or responses.", counter},
    {"redoubt_datagram_send_failures_total", "", "Answers that the kernel did not take.", counter},
    {"redoubt_answers_total", "rcode=\"noerror\"", "Answers sent to clients.", counter},
    {"redoubt_answers_total", "rcode=\"nxdomain\"", "Answers sent to clients.", counter},
    {"redoubt_answers_total", "rcode=\"servfail\"", "Answers sent to clients.", counter},
    {"redoubt_answers_total", "rcode=\"other\"", "Answers sent to clients.", counter},
    {"redoubt_answers_truncated_total", "", "Answers sent with TC set.", counter},
    {"redoubt_answers_stale_total", "", "Answers sent from expired records.", counter},
    {"redoubt_answers_withheld_total", "", "Answers not sent, for they would have left in one pulse.", counter},
    {"redoubt_answers_validated_total", "verdict=\"secure\"", "Answers that DNSSEC has a verdict on.", counter},
    {"redoubt_answers_validated_total", "verdict=\"bogus\"", "Answers that DNSSEC has a verdict on.", counter},
    {"redoubt_cache_hits_total", "", "Questions answered from the cache.", counter},
    {"redoubt_cache_misses_total", "", "Questions that needed a resolution.", counter},
    {"redoubt_cache_entries", "", "Entries in the cache.", gauge},
    {"redoubt_cache_bytes", "", "Memory that the cache's entries take.", gauge},
    {"redoubt_cache_evictions_total", "", "Entries evicted to stay within the cache's size.", counter},
    {"redoubt_packet_cache_hits_total", "", "Questions answered with a copy of an earlier answer; cache hits too.",
     counter},
    {"redoubt_packet_cache_bytes", "", "Memory that copies of answers take, in all workers.", gauge},
    {"redoubt_resolutions_running", "", "Resolutions in flight.", gauge},
    {"redoubt_resolutions_refused_total", "", "Resolutions not begun because too many were in flight.", counter},
    {"redoubt_upstream_queries_total", "transport=\"udp\"", "Queries sent to servers.", counter},
    {"redoubt_upstream_queries_total", "transport=\"tcp\"", "Queries sent to servers.", counter},
    {"redoubt_upstream_queries_total", "transport=\"tls\"", "Queries sent to servers.", counter},
    {"redoubt_upstream_queries_total", "transport=\"https\"", "Queries sent to servers.", counter},
    {"redoubt_upstream_timeouts_total", "", "Queries to servers that got no answer in time.", counter},
    {"redoubt_upstream_mismatched_total", "", "Datagrams from servers that answered no question of ours.", counter},
    {"redoubt_upstream_sockets_made_total", "",
     "Sockets made for datagrams to servers: one for each query whose port the kernel gives to no kept socket.",
     counter},
    {"redoubt_upstream_no_resources_total", "", "Queries not sent to servers for want of a port or a descriptor.",
     counter},
    {"redoubt_upstream_tls_authorities", "", "Authorities found to speak TLS, and asked by it.", gauge},
    {"redoubt_upstream_tls_attempts_running", "", "Attempts under way to find out whether one does.", gauge},
    {"redoubt_work_lost_total", "", "Batches and steps given up because memory was not to be had.", counter},
    {"redoubt_clock_jumps_total", "", "Times that the wall clock was set, by a second or more, as each worker saw it.",
     counter},
    {"redoubt_limit_reached_total", "limit=\"upstream-queries\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"alias-steps\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"nested-depth\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"nested-questions\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"upstream-octets\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"records-per-rrset\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"question-time\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"waiting-queries\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"waiting-queries-per-client\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"resolutions\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"resolutions-per-client\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"resolutions-per-zone\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"exchanges-per-server\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"denials-per-zone\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"upstream-queue\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"amplified-answers\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"signature-checks\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"failed-signature-checks\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"nsec3-blocks\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"signatures-per-rrset\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"keys-per-tag\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"ds-per-zone\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"denial-records\"", limit_help, counter},
    {"redoubt_limit_reached_total", "limit=\"entropy-floor\"", limit_help, counter},
    {"redoubt_resolution_seconds_bucket", "le=\"0.001\"", time_help, histogram},
    {"redoubt_resolution_seconds_bucket", "le=\"0.01\"", time_help, histogram},
    {"redoubt_resolution_seconds_bucket", "le=\"0.03\"", time_help, histogram},
    {"redoubt_resolution_seconds_bucket", "le=\"0.1\"", time_help, histogram},
    {"redoubt_resolution_seconds_bucket", "le=\"0.3\"", time_help, histogram},
    {"redoubt_resolution_seconds_bucket", "le=\"1\"", time_help, histogram},
    {"redoubt_resolution_seconds_bucket", "le=\"3\"", time_help, histogram},
    {"redoubt_resolution_seconds_bucket", "le=\"+Inf\"", time_help, histogram},
    {"redoubt_resolution_seconds_count", "", time_help, histogram},
    {"redoubt_resolution_seconds_sum", "", time_help, histogram, 1'000'000},
    {"redoubt_query_log_lines_total", "", "Answers picked for the query log.", counter},
    {"redoubt_query_log_lost_total", "", "Of those, lines that could not be written.", counter},
    {"redoubt_kept_cache_taken_over_total", "", "Entries that the cache began with, from a former life.", counter},
    {"redoubt_kept_cache_refused_total", "", "Images of a former life's cache that could not be used.", counter},
    {"redoubt_kept_cache_images_total", "", "Images of the cache made for the next life.", counter},
    {"redoubt_kept_cache_entries", "", "Entries in the last of these images.", gauge},
    {"redoubt_snapshot_generation", "role=\"resolver\"", "Generation of the snapshot in force.", gauge},
}};

const std::array<Metric, static_cast<std::size_t>(TransportCounter::count)> transport_metrics{{
    {"redoubt_connections_accepted_total", "", "Client connections accepted.", counter},
    {"redoubt_connections_refused_total", "", "Client connections closed at once, over a limit.", counter},
    {"redoubt_connections_open", "", "Client connections open.", gauge},
    {"redoubt_stream_queries_total", "", "Queries read from client connections.", counter},
    {"redoubt_stream_answers_total", "", "Answers written to client connections.", counter},
    {"redoubt_stream_near_answers_total", "rcode=\"noerror\"", near_help, counter},
    {"redoubt_stream_near_answers_total", "rcode=\"nxdomain\"", near_help, counter},
    {"redoubt_stream_near_answers_total", "rcode=\"other\"", near_help, counter},
    {"redoubt_stream_near_secure_answers_total", "", "Of those, proven by DNSSEC.", counter},
    {"redoubt_connections_closed_total", "reason=\"idle\"", "Client connections that we closed.", counter},
    {"redoubt_connections_closed_total", "reason=\"malformed\"", "Client connections that we closed.", counter},
    {"redoubt_connections_closed_total", "reason=\"slow\"", "Client connections that we closed.", counter},
    {"redoubt_tls_handshakes_total", "", "TLS handshakes that came to their end.", counter},
    {"redoubt_tls_handshakes_resumed_total", "", "TLS handshakes by a ticket of an earlier one.", counter},
    {"redoubt_tls_handshakes_failed_total", "", "TLS handshakes that ended with an alert.", counter},
    {"redoubt_tls_handshakes_refused_total", "", "Connections closed before a TLS handshake, over a limit.", counter},
    {"redoubt_upstream_connections_total", "", "Connections opened to servers.", counter},
    {"redoubt_upstream_stream_exchanges_total", "", "Exchanges with servers over connections.", counter},
    {"redoubt_upstream_stream_failures_total", "", "Exchanges with servers over connections that failed.", counter},
    {"redoubt_upstream_connections_open", "", "Connections to servers open, in use or kept for the next query.", gauge},
    {"redoubt_upstream_stream_reused_total", "", "Exchanges over a connection that was open already.", counter},
    {"redoubt_upstream_stream_retries_total", "", "Exchanges begun again because a server closed a used connection.",
     counter},
    {"redoubt_upstream_stream_throttled_total", "", "Exchanges not begun because their server wastes connections.",
     counter},
    {"redoubt_snapshot_generation", "role=\"transport\"", "Generation of the snapshot in force.", gauge},
}};

}  // namespace redoubt::channel
