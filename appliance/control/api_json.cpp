#include "appliance/control/api_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "dns/message.hpp"
#include "dns/text.hpp"

namespace redoubt::control {

namespace {

std::string_view to_text(channel::CacheEntryKind kind) {
  switch (kind) {
    case channel::CacheEntryKind::data:
      return "data";
    case channel::CacheEntryKind::no_data:
      return "no data";
    case channel::CacheEntryKind::no_name:
      return "no such name";
    case channel::CacheEntryKind::failure:
      return "failure";
  }
  return {};
}

std::string hex_of(std::span<const std::uint8_t> octets) {
  std::string text;
  text.reserve(octets.size() * 2);
  for (const std::uint8_t octet : octets) text += fmt::format("{:02x}", octet);
  return text;
}

Json as_json(const std::vector<dns::Record>& records) {
  auto list = Json::array();
  for (const dns::Record& record : records) {
    list.push_back({{"name", record.owner.to_text()},
                    {"type", dns::to_text(record.type)},
                    {"class", dns::to_text(record.rr_class)},
                    {"ttl", record.ttl.seconds()},
                    {"data", dns::rdata_to_text(record.type, record.rr_class, record.rdata)}});
  }
  return list;
}

}  // namespace

std::optional<Json> message_as_json(std::span<const std::uint8_t> wire) {
  const auto message = dns::Message::parse(wire);
  if (!message) return std::nullopt;
  auto errors = Json::array();
  if (message->edns) {
    for (const dns::ExtendedError& extended : message->edns->extended_errors) {
      errors.push_back({{"code", static_cast<unsigned>(extended.code)},
                        {"meaning", dns::describe(extended.code)},
                        {"text", extended.text}});
    }
  }
  return Json{{"rcode", dns::to_text(message->rcode())},
              {"authentic", message->header.authentic},
              {"truncated", message->header.truncated},
              {"answer", as_json(message->answer)},
              {"authority", as_json(message->authority)},
              {"additional", as_json(message->additional)},
              {"extended_errors", errors},
              {"wire", hex_of(wire)}};
}

Json cache_as_json(const channel::CacheShown& shown) {
  auto entries = Json::array();
  for (const channel::CacheEntry& entry : shown.entries) {
    auto data = Json::array();
    for (const auto& rdata : entry.rdata) data.push_back(dns::rdata_to_text(entry.type, dns::rr_class::in, rdata));
    entries.push_back({{"name", entry.owner.to_text()},
                       {"type", dns::to_text(entry.type)},
                       {"kind", to_text(entry.kind)},
                       {"rank", entry.rank},
                       {"ttl", entry.ttl_left},
                       {"data", data}});
  }
  return {{"entries", entries}, {"more", shown.more}};
}

namespace {

std::string_view to_text(channel::TraceStepKind kind) {
  switch (kind) {
    case channel::TraceStepKind::cache:
      return "cache";
    case channel::TraceStepKind::local:
      return "local";
    case channel::TraceStepKind::exchange:
      return "exchange";
    case channel::TraceStepKind::look_up:
      return "look up";
    case channel::TraceStepKind::aside:
      return "aside";
    case channel::TraceStepKind::check:
      return "check";
    case channel::TraceStepKind::end:
      return "end";
  }
  return {};
}

std::string_view to_text(channel::TraceTransport transport) {
  switch (transport) {
    case channel::TraceTransport::udp:
      return "udp";
    case channel::TraceTransport::tcp:
      return "tcp";
    case channel::TraceTransport::tls:
      return "tls";
    case channel::TraceTransport::https:
      return "https";
  }
  return {};
}

std::string trouble_of(const channel::ConfiguredUpstreamRow& row) {
  switch (row.trouble) {
    case channel::UpstreamTrouble::none:
      return "";
    case channel::UpstreamTrouble::silent:
      return "no answer in time";
    case channel::UpstreamTrouble::refused:
      return "port closed";
    case channel::UpstreamTrouble::unreachable:
      return "unreachable";
    case channel::UpstreamTrouble::closed_early:
      return "connection closed early";
    case channel::UpstreamTrouble::malformed:
      return "malformed answer";
    case channel::UpstreamTrouble::mismatched:
      return "answers that do not match the query";
    case channel::UpstreamTrouble::no_resources:
      return "no local port or descriptor left";
    case channel::UpstreamTrouble::untrusted:
      return "its certificate is not to be trusted";
    case channel::UpstreamTrouble::stalled:
      return "connected, no answer in time";
    case channel::UpstreamTrouble::expired:
      return "its certificate has expired";
    case channel::UpstreamTrouble::wrong_name:
      return "its certificate is for another name";
    case channel::UpstreamTrouble::wrong_key:
      return "its key is not the pinned one";
    case channel::UpstreamTrouble::http_refused:
      return "HTTP status 4xx for the query";
    case channel::UpstreamTrouble::http_failed:
      return "HTTP status 5xx, or a reset, for the query";
    case channel::UpstreamTrouble::http_strange:
      return "an HTTP answer that is no DNS message";
    case channel::UpstreamTrouble::rcode:
      return dns::to_text(row.rcode);
  }
  return {};
}

}  // namespace

Json trace_step_as_json(const channel::TraceStep& step) {
  Json object{{"at", step.at},
              {"kind", to_text(step.kind)},
              {"depth", step.depth},
              {"name", step.name.to_text()},
              {"type", dns::to_text(step.type)}};
  if (step.kind == channel::TraceStepKind::check) object["zone"] = step.zone.to_text();
  if (step.server) {
    object["zone"] = step.zone.to_text();
    object["server_name"] = step.server_name.is_root() ? Json(nullptr) : Json(step.server_name.to_text());
    object["server"] = step.server->to_text();
  }
  if (step.kind == channel::TraceStepKind::exchange) {
    object["transport"] = to_text(step.transport);
    object["took"] = step.took;
  }
  object["verdict"] = step.verdict;
  return object;
}

std::optional<Json> trace_result_as_json(const channel::Traced& traced) {
  auto answer = message_as_json(traced.answer);
  if (!answer) return std::nullopt;
  auto budget = Json::array();
  for (const channel::SpentLimit& limit : traced.spent)
    budget.push_back({{"limit", limit.name}, {"spent", limit.spent}, {"of", limit.limit}});
  return Json{
      {"allowed", traced.allowed}, {"budget", budget}, {"left_out", traced.left_out}, {"answer", std::move(*answer)}};
}

std::optional<Json> trace_as_json(const std::vector<channel::TraceStep>& steps, const channel::Traced& traced) {
  auto result = trace_result_as_json(traced);
  if (!result) return std::nullopt;
  auto told = Json::array();
  for (const channel::TraceStep& step : steps) told.push_back(trace_step_as_json(step));
  (*result)["steps"] = std::move(told);
  return result;
}

Json upstreams_as_json(const channel::Upstreams& upstreams) {
  auto rows = Json::array();
  for (const channel::UpstreamRow& row : upstreams.rows) {
    rows.push_back({{"address", row.address.to_text()},
                    {"round_trip", row.round_trip == 0 ? Json(nullptr) : Json(row.round_trip)},
                    {"failures", row.failures},
                    {"aside_for", row.aside_for},
                    {"cookie", row.cookie}});
  }
  auto configured = Json::array();
  for (const channel::ConfiguredUpstreamRow& row : upstreams.configured) {
    configured.push_back(
        {{"upstream", row.at.to_text()},
         {"queries", row.queries},
         {"answers", row.answers},
         {"timeouts", row.timeouts},
         {"failures", row.failures},
         {"overtaken", row.overtaken},
         {"refused", row.refused},
         {"waiting", row.waiting},
         {"round_trip", row.round_trip == 0 ? Json(nullptr) : Json(row.round_trip)},
         {"aside_for", row.aside_for},
         {"trouble", row.trouble == channel::UpstreamTrouble::none ? Json(nullptr) : Json(trouble_of(row))}});
  }
  auto zones = Json::array();
  for (const channel::ConfiguredZoneRow& row : upstreams.zones)
    zones.push_back({{"zone", row.zone.to_text()}, {"questions", row.questions}, {"failures", row.failures}});
  return {{"known", upstreams.known}, {"upstreams", rows}, {"configured", configured}, {"zones", zones}};
}

Json statistics_as_json(const MetricsSources& sources) {
  auto rows = Json::array();
  const auto add = [&rows](std::span<const channel::Metric> metrics,
                           const std::optional<std::vector<std::uint64_t>>& values) {
    if (!values) return;
    for (std::size_t i = 0; i < std::min(metrics.size(), values->size()); ++i) {
      rows.push_back({{"name", metrics[i].name},
                      {"labels", metrics[i].labels},
                      {"help", metrics[i].help},
                      {"counts", metrics[i].kind != channel::MetricKind::gauge},
                      {"value", metrics[i].parts == 1 ? Json((*values)[i])
                                                      : Json(static_cast<double>((*values)[i]) / metrics[i].parts)}});
    }
  };
  add(channel::resolver_metrics, sources.resolver);
  add(channel::transport_metrics, sources.transport);
  return {{"statistics", rows}};
}

}  // namespace redoubt::control
