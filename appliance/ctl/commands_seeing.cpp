#include <fmt/format.h>

#include <chrono>
#include <map>
#include <nlohmann/json.hpp>
#include <thread>

#include "appliance/ctl/answer.hpp"
#include "appliance/ctl/commands.hpp"
#include "dns/text.hpp"

namespace redoubt::ctl {

namespace {

using nlohmann::json;

std::string milliseconds(const json& object, const char* key) {
  const auto at = object.find(key);
  if (at == object.end() || !at->is_number_unsigned()) return "-";
  return fmt::format("{:.1f} ms", static_cast<double>(at->get<std::uint64_t>()) / 1000.0);
}

/// "   12.3 ms  exchange  www.example. A  ns1.example. 192.0.2.1 udp, zone example., 10.2 ms: answer of 1 record"
/// "   12.3 ms  aside     www.example. A  ns2.example. 192.0.2.2, zone example.: put aside for 42 s more: lame"
void print_step(const json& step, std::ostream& out) {
  const std::string indent(2 * std::min(step.value("depth", 0U), 16U), ' ');
  out << fmt::format("{:>10}  {}{:<10}{} {}", milliseconds(step, "at"), indent, text_of(step, "kind"),
                     text_of(step, "name"), text_of(step, "type"));
  if (step.contains("server")) {
    const std::string name = text_of(step, "server_name");
    const bool was_asked = step.contains("transport");
    out << fmt::format("  {}{}{}{}, zone {}", name == "-" ? "" : name + " ", text_of(step, "server"),
                       was_asked ? " " : "", was_asked ? text_of(step, "transport") : "", text_of(step, "zone"));
    if (was_asked) out << ", " << milliseconds(step, "took");
  }
  if (text_of(step, "kind") == "check") out << "  zone " << text_of(step, "zone");
  out << ": " << text_of(step, "verdict") << "\n";
}

void print_result(const json& body, std::ostream& out) {
  if (const auto left_out = body.value("left_out", std::uint64_t{0}); left_out != 0)
    out << fmt::format("{} more steps are left out\n", left_out);
  // Of a question that was not let in nothing was spent.
  const json budget = body.value("budget", json::array());
  out << (budget.empty() ? "" : "\nbudget:");
  for (std::size_t i = 0; i < budget.size(); ++i) {
    out << fmt::format("{} {} {} of {}", i == 0 ? "" : ",", text_of(budget[i], "limit"), text_of(budget[i], "spent"),
                       text_of(budget[i], "of"));
  }
  const json answer = body.value("answer", json::object());
  out << fmt::format("\nanswer: {}\n", text_of(answer, "rcode"));
  for (const json& error : answer.value("extended_errors", json::array())) {
    const std::string text = text_of(error, "text");
    out << fmt::format("  {}{}{}\n", text_of(error, "meaning"), text.empty() ? "" : ": ", text);
  }
  for (const json& record : answer.value("answer", json::array())) {
    out << fmt::format("  {} {} {} {}\n", text_of(record, "name"), text_of(record, "ttl"), text_of(record, "type"),
                       text_of(record, "data"));
  }
}

using Values = std::map<std::string, std::uint64_t>;

std::string label_of(const json& row) {
  const std::string labels = text_of(row, "labels");
  return labels.empty() || labels == "-" ? text_of(row, "name") : fmt::format("{}{{{}}}", text_of(row, "name"), labels);
}

/// since: null for the first look.
void print_statistics(const json& rows, const Values* since, const StatsOptions& options, std::ostream& out) {
  bool any = false;
  for (const json& row : rows) {
    const std::string label = label_of(row);
    const std::uint64_t value = row.value("value", std::uint64_t{0});
    if (since == nullptr) {
      if (value == 0 && !options.all) continue;
      out << fmt::format("{:>14}  {}\n", value, label);
      any = true;
      continue;
    }
    const auto before = since->find(label);
    const bool counts = row.value("counts", false);
    // A role that was started again counts from zero.
    const std::uint64_t grown = before != since->end() && before->second <= value ? value - before->second : value;
    if (!counts || (grown == 0 && !options.all)) continue;
    out << fmt::format("{:>14}  {:>12.1f}/s  {}\n", grown, static_cast<double>(grown) / options.every, label);
    any = true;
  }
  if (!any) out << (since == nullptr ? "nothing was counted yet\n" : "nothing was counted in this time\n");
}

Values values_of(const json& rows) {
  Values values;
  for (const json& row : rows) values[label_of(row)] = row.value("value", std::uint64_t{0});
  return values;
}

}  // namespace

ExitCode trace(const Context& context, const TraceOptions& options) {
  json request{{"name", options.name}, {"type", options.type}, {"fresh", options.fresh}, {"stream", true}};
  if (!options.client.empty()) request["client"] = options.client;
  json result;  // the last line
  const auto reply = context.api.post_for_lines("/v1/trace", request.dump(), [&](std::string_view line) {
    json object = json::parse(line, nullptr, false);
    if (!object.is_object()) return;
    const bool is_step = object.contains("kind");
    if (context.json) {
      context.out << object.dump() << "\n";
    } else if (is_step) {
      print_step(object, context.out);
    }
    context.out.flush();  // as it happens
    if (!is_step) result = std::move(object);
  });
  if (!reply || reply->status >= 400) return understand(context, reply).code;
  if (result.contains("error") || !result.contains("answer")) {
    if (!context.json || !result.contains("error"))
      context.err << (result.contains("error") ? text_of(result, "error") : "resolverd's answer has no end") << "\n";
    return ExitCode::failed;
  }
  const bool allowed = result.value("allowed", false);
  if (!context.json) {
    if (!allowed) context.out << options.client << " may not ask: access.allow does not have it\n";
    print_result(result, context.out);
  }
  const std::string rcode = text_of(result["answer"], "rcode");
  return allowed && (rcode == "NOERROR" || rcode == "NXDOMAIN") ? ExitCode::done : ExitCode::failed;
}

/// Forward and stub zones and the servers that they name; nothing where there are none.
void print_configured(const json& body, std::ostream& out) {
  const json zones = body.value("zones", json::array());
  if (zones.empty()) return;
  out << fmt::format("{:<40}{:>12}{:>12}\n", "zone", "questions", "failures");
  for (const json& row : zones)
    out << fmt::format("{:<40}{:>12}{:>12}\n", text_of(row, "zone"), text_of(row, "questions"),
                       text_of(row, "failures"));
  out << fmt::format("\n{:<40}{:>12}{:>10}{:>10}{:>10}{:>10}{:>12}{:>12}  {}\n", "upstream", "queries", "answers",
                     "timeouts", "failures", "waiting", "round trip", "aside for", "trouble");
  for (const json& row : body.value("configured", json::array())) {
    const bool aside = row.value("aside_for", std::uint64_t{0}) != 0;
    out << fmt::format("{:<40}{:>12}{:>10}{:>10}{:>10}{:>10}{:>12}{:>12}  {}\n", text_of(row, "upstream"),
                       text_of(row, "queries"), text_of(row, "answers"), text_of(row, "timeouts"),
                       text_of(row, "failures"), text_of(row, "waiting"), milliseconds(row, "round_trip"),
                       aside ? milliseconds(row, "aside_for") : "-", text_of(row, "trouble"));
  }
  out << "\n";
}

ExitCode upstreams(const Context& context, std::uint32_t limit) {
  const Answer answer = understand(context, context.api.get(fmt::format("/v1/upstreams?limit={}", limit)));
  if (!answer.body) return answer.code;
  if (context.json) {
    context.out << answer.body->dump(2) << "\n";
    return ExitCode::done;
  }
  print_configured(*answer.body, context.out);
  const json rows = answer.body->value("upstreams", json::array());
  if (rows.empty()) {
    context.out << "no server was asked lately\n";
    return ExitCode::done;
  }
  context.out << fmt::format("{:<40}{:>12}{:>10}{:>12}  {}\n", "server", "round trip", "failures", "aside for",
                             "cookies");
  for (const json& row : rows) {
    const bool aside = row.value("aside_for", std::uint64_t{0}) != 0;
    context.out << fmt::format("{:<40}{:>12}{:>10}{:>12}  {}\n", text_of(row, "address"),
                               milliseconds(row, "round_trip"), text_of(row, "failures"),
                               aside ? milliseconds(row, "aside_for") : "-", row.value("cookie", false) ? "yes" : "no");
  }
  const std::uint64_t known = answer.body->value("known", std::uint64_t{0});
  if (known > rows.size()) context.out << fmt::format("{} of {}; --limit shows more\n", rows.size(), known);
  return ExitCode::done;
}

ExitCode stats(const Context& context, const StatsOptions& options) {
  Values before;
  for (std::uint32_t round = 0;; ++round) {
    const Answer answer = understand(context, context.api.get("/v1/statistics"));
    if (!answer.body) return answer.code;
    const json rows = answer.body->value("statistics", json::array());
    if (context.json) {
      context.out << answer.body->dump(options.every == 0 ? 2 : -1) << "\n";
    } else if (options.every == 0) {
      print_statistics(rows, nullptr, options, context.out);
    } else if (round > 0) {
      print_statistics(rows, &before, options, context.out);
      context.out << "\n";
    }
    context.out.flush();
    if (options.every == 0 || (options.rounds != 0 && round == options.rounds)) return ExitCode::done;
    before = values_of(rows);
    std::this_thread::sleep_for(std::chrono::seconds{options.every});
  }
}

}  // namespace redoubt::ctl
