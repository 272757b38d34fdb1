#include "resolver/role/trace_view.hpp"

#include <algorithm>
#include <array>

namespace redoubt::resolver {

namespace {

std::uint64_t microseconds(Duration duration) {
  return static_cast<std::uint64_t>(
      std::max<std::int64_t>(std::chrono::duration_cast<std::chrono::microseconds>(duration).count(), 0));
}

channel::UpstreamTrouble to_channel(NetworkFault fault) {
  switch (fault) {
    case NetworkFault::timed_out:
      return channel::UpstreamTrouble::silent;
    case NetworkFault::refused:
      return channel::UpstreamTrouble::refused;
    case NetworkFault::unreachable:
      return channel::UpstreamTrouble::unreachable;
    case NetworkFault::closed_early:
      return channel::UpstreamTrouble::closed_early;
    case NetworkFault::malformed:
      return channel::UpstreamTrouble::malformed;
    case NetworkFault::spoofed:
      return channel::UpstreamTrouble::mismatched;
    case NetworkFault::no_resources:
    case NetworkFault::interrupted:
      return channel::UpstreamTrouble::no_resources;
    case NetworkFault::untrusted:
      return channel::UpstreamTrouble::untrusted;
    case NetworkFault::stalled:
      return channel::UpstreamTrouble::stalled;
    case NetworkFault::expired:
      return channel::UpstreamTrouble::expired;
    case NetworkFault::wrong_name:
      return channel::UpstreamTrouble::wrong_name;
    case NetworkFault::wrong_key:
      return channel::UpstreamTrouble::wrong_key;
    case NetworkFault::http_refused:
      return channel::UpstreamTrouble::http_refused;
    case NetworkFault::http_failed:
      return channel::UpstreamTrouble::http_failed;
    case NetworkFault::http_strange:
      return channel::UpstreamTrouble::http_strange;
  }
  return channel::UpstreamTrouble::none;
}

void tell_trouble(const UpstreamTrouble& trouble, channel::ConfiguredUpstreamRow& row) {
  if (const auto* fault = std::get_if<NetworkFault>(&trouble)) row.trouble = to_channel(*fault);
  if (const auto* rcode = std::get_if<dns::Rcode>(&trouble)) {
    row.trouble = channel::UpstreamTrouble::rcode;
    row.rcode = *rcode;
  }
}

}  // namespace

static_assert(static_cast<int>(TraceKind::aside) == static_cast<int>(channel::TraceStepKind::aside));
static_assert(static_cast<int>(TraceKind::end) == static_cast<int>(channel::TraceStepKind::end));

void TraceView::note(TraceEvent event) {
  if (told_ == max_trace_steps) {
    ++left_out_;
    return;
  }
  ++told_;
  tell_({.id = id_,
         .kind = static_cast<channel::TraceStepKind>(event.kind),
         .at = microseconds(event.at - begun_),
         .took = microseconds(event.took),
         .depth = event.depth,
         .name = event.question.name,
         .type = event.question.type,
         .zone = event.zone,
         .server_name = event.server_name,
         .server = event.server,
         .transport = static_cast<channel::TraceTransport>(event.transport),
         .verdict = std::move(event.verdict)});
}

std::vector<channel::SpentLimit> spent_of(const Budget& budget) {
  static constexpr std::array counted{Limit::upstream_queries, Limit::nested_questions, Limit::alias_steps,
                                      Limit::upstream_octets,  Limit::signature_checks, Limit::failed_signature_checks,
                                      Limit::nsec3_blocks};
  std::vector<channel::SpentLimit> spent;
  for (const Limit limit : counted)
    spent.push_back({std::string{name_of(limit)}, budget.spent(limit), budget.limits()[limit]});
  return spent;
}

channel::Upstreams show_upstreams(const Shared& shared, const Routes& routes, const channel::AskUpstreams& request,
                                  Instant now) {
  channel::Upstreams shown{
      .id = request.id, .known = shared.servers.measured(), .rows = {}, .configured = {}, .zones = {}};
  for (const Servers::Row& row : shared.servers.recent(request.limit, now)) {
    shown.rows.push_back({.address = row.address,
                          .round_trip = microseconds(row.round_trip),
                          .failures = row.failures,
                          .aside_for = microseconds(row.aside_for),
                          .cookie = shared.cookies.is_expected_of(row.address)});
  }
  for (const UpstreamFigures& row : shared.upstreams.figures(routes, now)) {
    if (shown.configured.size() == channel::max_configured_shown) break;
    shown.configured.push_back({.at = row.at,
                                .queries = row.queries,
                                .answers = row.answers,
                                .timeouts = row.timeouts,
                                .failures = row.failures,
                                .overtaken = row.overtaken,
                                .refused = row.refused,
                                .waiting = row.waiting,
                                .round_trip = microseconds(row.round_trip),
                                .aside_for = microseconds(std::max(row.aside_until - now, Duration::zero()))});
    tell_trouble(row.trouble, shown.configured.back());
  }
  for (const RouteFigures& row : shared.upstreams.zone_figures(routes)) {
    if (shown.zones.size() == channel::max_zones_shown) break;
    shown.zones.push_back({.zone = row.zone, .questions = row.questions, .failures = row.failures});
  }
  return shown;
}

}  // namespace redoubt::resolver
