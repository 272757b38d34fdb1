#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>

#include "appliance/ctl/answer.hpp"
#include "appliance/ctl/commands.hpp"

namespace redoubt::ctl {

namespace {

using nlohmann::json;

std::int64_t now_seconds() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

void print_zone(const json& zone, std::int64_t now, std::ostream& out) {
  out << text_of(zone, "zone");
  if (!zone.value("tracked", false)) {
    out << "  as configured\n";
  } else if (const auto seen = zone.value("seen_at", std::int64_t{0}); seen == 0) {
    out << "  followed; its keys were not seen yet\n";
  } else {
    out << fmt::format("  followed; seen {} ago, next look in {}\n", duration_of(std::max<std::int64_t>(now - seen, 0)),
                       duration_of(zone.value("next_look_in", std::int64_t{0})));
  }
  if (const std::string trouble = text_of(zone, "trouble"); !trouble.empty() && trouble != "-")
    out << "  the last look failed: " << trouble << "\n";
  for (const json& key : zone.value("keys", json::array())) {
    out << fmt::format("  key {:>5}  algorithm {:>2}  {}", text_of(key, "key_tag"), text_of(key, "algorithm"),
                       text_of(key, "state"));
    if (const auto left = key.find("trusted_in"); left != key.end() && left->is_number())
      out << ", trusted in " << duration_of(left->get<std::int64_t>()) << " if it stays";
    out << "\n";
  }
}

/// What the daemon did, or what is wrong.
ExitCode told(const Context& context, const Answer& answer, const std::string& line) {
  if (!answer.body) return answer.code;
  context.out << (context.json ? answer.body->dump(2) : line) << "\n";
  return ExitCode::done;
}

}  // namespace

ExitCode anchors(const Context& context) {
  const Answer answer = understand(context, context.api.get("/v1/anchors"));
  if (!answer.body) return answer.code;
  if (context.json) {
    context.out << answer.body->dump(2) << "\n";
    return ExitCode::done;
  }
  for (const json& zone : answer.body->value("zones", json::array())) print_zone(zone, now_seconds(), context.out);
  return ExitCode::done;
}

ExitCode nta_add(const Context& context, const NegativeAnchorOptions& options) {
  const json request{{"name", options.name}, {"for", options.time}, {"why", options.why}};
  return told(context, understand(context, context.api.post("/v1/nta", request.dump())),
              fmt::format("nothing at and below {} is validated for {}", options.name, options.time));
}

ExitCode nta_list(const Context& context) {
  const Answer answer = understand(context, context.api.get("/v1/nta"));
  if (!answer.body) return answer.code;
  if (context.json) {
    context.out << answer.body->dump(2) << "\n";
    return ExitCode::done;
  }
  for (const json& anchor : answer.body->value("negative_trust_anchors", json::array())) {
    const auto until = anchor.find("until");
    const bool ends = until != anchor.end() && until->is_number();
    const std::int64_t left = ends ? std::max<std::int64_t>(until->get<std::int64_t>() - now_seconds(), 0) : 0;
    context.out << fmt::format("{}  {}: {}\n", text_of(anchor, "name"),
                               ends ? "for another " + duration_of(left) : "without end", text_of(anchor, "why"));
  }
  return ExitCode::done;
}

ExitCode nta_remove(const Context& context, const NegativeAnchorOptions& options) {
  const json request{{"name", options.name}};
  const Answer answer = understand(context, context.api.post("/v1/nta/remove", request.dump()));
  const bool others = answer.body && answer.body->contains("still_excepted");
  return told(
      context, answer,
      others ? fmt::format("the one of {} is removed, yet {}", options.name, text_of(*answer.body, "still_excepted"))
             : options.name + " is validated again");
}

}  // namespace redoubt::ctl
