// zone notify-parent, and the same as a step of zone sign.
#include <fmt/format.h>

#include <algorithm>

#include "appliance/ctl/notify_support.hpp"
#include "appliance/ctl/signing_support.hpp"

namespace redoubt::ctl {

using nlohmann::json;

json to_json(const signing::ParentNotified& notified) {
  json agents = json::array();
  for (const signing::Notified& one : notified.agents) {
    agents.push_back({{"target", one.target.to_text()}, {"server", one.server.to_text()}, {"ok", one.trouble.empty()}});
    if (!one.trouble.empty()) agents.back()["trouble"] = one.trouble;
  }
  return {{"dsync", notified.dsync.to_text()}, {"notified", agents}};
}

void show(const Context& context, const signing::ParentNotified& notified) {
  for (const signing::Notified& one : notified.agents) {
    if (one.trouble.empty()) {
      context.out << fmt::format("{} at {} has taken notice\n", one.target.to_text(), one.server.to_text());
    } else {
      context.err << fmt::format("{}: {}\n", one.target.to_text(), one.trouble);
    }
  }
}

ExitCode zone_notify_parent(const Context& context, const NotifyOptions& options) {
  const auto zone = dns::Name::from_text(options.zone);
  const auto server = dns::Endpoint::from_text(options.server, 53);
  const auto type = dns::rr_type_from_text(options.type);
  if (!zone) return misused(context, options.zone + ": it is no name");
  if (!server) return misused(context, "--server " + options.server + ": expected an address such as 127.0.0.1@5300");
  if (!type) return misused(context, options.type + ": it is no type");
  const auto notified = signing::notify_parent(*zone, *type, *server, options.any_address);
  if (!notified) return complain(context, notified.error());
  if (context.json) {
    context.out << to_json(*notified).dump(2) << "\n";
  } else {
    show(context, *notified);
  }
  const bool all =
      std::ranges::all_of(notified->agents, [](const signing::Notified& one) { return one.trouble.empty(); });
  return all ? ExitCode::done : ExitCode::failed;
}

}  // namespace redoubt::ctl
