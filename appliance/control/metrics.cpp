#include "appliance/control/metrics.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

namespace redoubt::control {

namespace {

using channel::Metric;
using channel::MetricKind;

std::string_view text_of(MetricKind kind) {
  switch (kind) {
    case MetricKind::counter:
      return "counter";
    case MetricKind::gauge:
      return "gauge";
    case MetricKind::histogram:
      return "histogram";
  }
  return {};
}

class Page {
 public:
  /// Rows of one name follow each other and share one head.
  void head(std::string_view name, std::string_view help, MetricKind kind) {
    // The parts of a histogram share the name before their suffix.
    if (kind == MetricKind::histogram) name = name.substr(0, name.rfind('_'));
    if (name == last_) return;
    last_ = name;
    text_ += fmt::format("# HELP {} {}\n# TYPE {} {}\n", name, help, name, text_of(kind));
  }
  template <class Value>
  void row(std::string_view name, std::string_view labels, Value value) {
    if (labels.empty())
      text_ += fmt::format("{} {}\n", name, value);
    else
      text_ += fmt::format("{}{{{}}} {}\n", name, labels, value);
  }
  template <class Value>
  void one(std::string_view name, std::string_view help, MetricKind kind, Value value, std::string_view labels = {}) {
    head(name, help, kind);
    row(name, labels, value);
  }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
  std::string_view last_;
};

/// Both roles' tables may share names, and those must stand together: rows are put in the order of their names' first
/// appearance.
void statistics(Page& page, const MetricsSources& sources) {
  struct Row {
    const Metric* metric;
    std::uint64_t value;
    std::size_t place;
  };
  std::vector<Row> rows;
  const auto add = [&rows](std::span<const Metric> metrics, const std::optional<std::vector<std::uint64_t>>& values) {
    if (!values) return;
    // A role of another build may know fewer or more: what both know is shown.
    for (std::size_t i = 0; i < std::min(metrics.size(), values->size()); ++i)
      rows.push_back({&metrics[i], (*values)[i], rows.size()});
  };
  add(channel::resolver_metrics, sources.resolver);
  add(channel::transport_metrics, sources.transport);
  // By place where names are equal, for rows of one name keep their order. (stable_sort() of GCC 12 is deprecated to
  // clang.)
  std::ranges::sort(rows, {}, [](const Row& row) { return std::pair{row.metric->name, row.place}; });
  for (const Row& row : rows) {
    page.head(row.metric->name, row.metric->help, row.metric->kind);
    if (row.metric->parts == 1)
      page.row(row.metric->name, row.metric->labels, row.value);
    else
      page.row(row.metric->name, row.metric->labels, static_cast<double>(row.value) / row.metric->parts);
  }
}

/// A label's value: names may hold any octet, escaped as RFC 1035 has it, and that with backslashes.
std::string label(std::string_view name, const std::string& value) {
  std::string escaped;
  for (const char octet : value) {
    if (octet == '\\' || octet == '"') escaped += '\\';
    escaped += octet;
  }
  return fmt::format("{}=\"{}\"", name, escaped);
}

/// Labels are what the configuration names, never what clients ask for: their number is the operator's.
void upstreams(Page& page, const channel::Upstreams& shown) {
  using Upstream = channel::ConfiguredUpstreamRow;
  struct Column {
    std::string_view name;
    std::string_view help;
    MetricKind kind;
    std::uint64_t Upstream::*value;
    std::uint32_t parts = 1;
  };
  static constexpr std::array<Column, 9> columns{{
      {"redoubt_forward_queries_total", "Queries sent to an upstream.", MetricKind::counter, &Upstream::queries},
      {"redoubt_forward_answers_total", "Answers that came from it.", MetricKind::counter, &Upstream::answers},
      {"redoubt_forward_timeouts_total", "Queries that it never answered.", MetricKind::counter, &Upstream::timeouts},
      {"redoubt_forward_failures_total", "Its answers of no use, and errors on the way.", MetricKind::counter,
       &Upstream::failures},
      {"redoubt_forward_overtaken_total", "Queries that another upstream answered first.", MetricKind::counter,
       &Upstream::overtaken},
      {"redoubt_forward_refused_total", "Queries that found its queue full.", MetricKind::counter, &Upstream::refused},
      {"redoubt_forward_waiting", "Packets that wait for max-rate.", MetricKind::gauge, &Upstream::waiting},
      {"redoubt_forward_round_trip_seconds", "Smoothed; 0 where nothing is known.", MetricKind::gauge,
       &Upstream::round_trip, 1'000'000},
      {"redoubt_forward_aside_seconds", "For so long it is asked last.", MetricKind::gauge, &Upstream::aside_for,
       1'000'000},
  }};
  for (const Column& column : columns) {
    for (const Upstream& row : shown.configured)
      page.one(column.name, column.help, column.kind, static_cast<double>(row.*column.value) / column.parts,
               label("upstream", row.at.to_text()));
  }
  for (const auto& row : shown.zones)
    page.one("redoubt_forward_zone_questions_total", "Questions handed to the upstreams of a zone.",
             MetricKind::counter, row.questions, label("zone", row.zone.to_text()));
  for (const auto& row : shown.zones)
    page.one("redoubt_forward_zone_failures_total", "Of those, questions to which none had an answer of use.",
             MetricKind::counter, row.failures, label("zone", row.zone.to_text()));
}

void roles(Page& page, const MetricsSources& sources) {
  page.head("redoubt_role_up", "Whether the role's process runs and answers.", MetricKind::gauge);
  for (const RoleState& state : sources.roles)
    page.row("redoubt_role_up", fmt::format("role=\"{}\"", channel::to_text(state.role)), state.up ? 1 : 0);
  page.head("redoubt_role_restarts_total", "How often the role was started again after it died.", MetricKind::counter);
  for (const RoleState& state : sources.roles)
    page.row("redoubt_role_restarts_total", fmt::format("role=\"{}\"", channel::to_text(state.role)), state.restarts);
  page.head("redoubt_role_stuck_total", "How often the role was killed because it did not answer.",
            MetricKind::counter);
  for (const RoleState& state : sources.roles)
    page.row("redoubt_role_stuck_total", fmt::format("role=\"{}\"", channel::to_text(state.role)), state.stuck);
}

}  // namespace

std::string metrics_page(const MetricsSources& sources) {
  Page page;
  page.one("redoubt_build_info", "The version, as a label.", MetricKind::gauge, 1,
           fmt::format("version=\"{}\"", sources.version));
  roles(page, sources);
  page.one("redoubt_configuration_generation", "Number of the configuration in force.", MetricKind::gauge,
           sources.generation);
  page.one("redoubt_configuration_in_force_since_seconds", "When it came into force, in seconds since 1970.",
           MetricKind::gauge, sources.generation_since);
  page.head("redoubt_configuration_reloads_total", "Configurations read again.", MetricKind::counter);
  page.row("redoubt_configuration_reloads_total", "outcome=\"in force\"", sources.reloads_succeeded);
  page.row("redoubt_configuration_reloads_total", "outcome=\"failed\"", sources.reloads_failed);
  page.one("redoubt_configuration_last_reload_successful", "Whether the last configuration that was read is in force.",
           MetricKind::gauge, sources.last_reload_succeeded ? 1 : 0);
  page.one("redoubt_control_http_requests_total", "Requests that the API and this listener answered.",
           MetricKind::counter, sources.requests);
  page.one("redoubt_start_time_seconds", "When resolverd started, in seconds since 1970; roles may be younger.",
           MetricKind::gauge, sources.up_since);
  page.one("process_start_time_seconds", "When control started, in seconds since 1970.", MetricKind::gauge,
           sources.started_at);
  page.one("process_cpu_seconds_total", "CPU time that control used.", MetricKind::counter, sources.cpu_seconds);
  if (sources.certificate_expires_at)
    page.one("redoubt_tls_certificate_expiry_seconds",
             "When the certificate of the encrypted listeners expires, in seconds since 1970.", MetricKind::gauge,
             *sources.certificate_expires_at);
  if (sources.anchors_seen_at)
    page.one(
        "redoubt_trust_anchors_seen_seconds",
        "When keys of the zones whose rolls are followed were last seen and believed, in seconds since 1970; 0: never.",
        MetricKind::gauge, *sources.anchors_seen_at);
  page.one("redoubt_negative_trust_anchors", "Names that are not validated until a time that the operator set.",
           MetricKind::gauge, sources.negative_anchors);
  statistics(page, sources);
  if (sources.upstreams) upstreams(page, *sources.upstreams);
  return page.take();
}

}  // namespace redoubt::control
