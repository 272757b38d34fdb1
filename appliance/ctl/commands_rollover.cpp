// zone keys, rollover and rehearse.
#include <fmt/format.h>

#include <algorithm>

#include "appliance/ctl/signing_support.hpp"
#include "dnssec/roll/rehearsal.hpp"
#include "dnssec/zone/maintain.hpp"

namespace redoubt::ctl {

namespace {

using nlohmann::json;
using namespace dnssec;

std::expected<dns::Name, std::string> zone_name(const std::string& text) {
  const auto name = name_of(text);
  if (!name) return std::unexpected{name.error()};
  return name->value_or(dns::Name{});
}

std::string history_line(const Transition& one) {
  return fmt::format("{}  {}: {}{}{}", time_text(one.at), one.of, one.before.empty() ? "" : one.before + " -> ",
                     one.after, one.why.empty() ? "" : " (" + one.why + ")");
}

json history_json(std::span<const Transition> history) {
  json list = json::array();
  for (const Transition& one : history)
    list.push_back(
        {{"at", time_text(one.at)}, {"of", one.of}, {"before", one.before}, {"after", one.after}, {"why", one.why}});
  return list;
}

void show_keys(const Context& context, const ZoneRolls& zone) {
  for (const RollingKey& key : zone.keys) {
    if (key.free) continue;
    context.out << fmt::format("{:<34} {:<8} {:<10} since {}{}{}\n", key.stem, to_text(key.role), to_text(key.state),
                               time_text(key.since), key.wanted ? "" : ", on its way out",
                               key.standby ? ", standby" : "");
  }
}

/// What comes next and from when on, as far as the last run could tell.
void show_plan(const Context& context, const ZoneRolls& zone) {
  context.out << "as of the last run, " << time_text(zone.clock.now) << ":\n";
  for (const std::string& why : zone.waiting) context.out << "  waiting: " << why << "\n";
  for (const LaterStep& step : zone.later) context.out << "  " << to_line(step) << "\n";
  if (zone.waiting.empty() && zone.later.empty()) context.out << "  nothing is waited for\n";
}

/// An operator's wish, stored; the next `zone sign` acts on it.
ExitCode change(const Context& context, const RolloverOptions& options,
                const std::function<std::expected<void, std::string>(ZoneRolls&)>& wish, const std::string& done,
                const std::string& cause) {
  const auto name = zone_name(options.zone);
  if (!name) return misused(context, name.error());
  const auto keys = open_keys(context, options.keys, "./", false);
  if (!keys) return complain(context, keys.error());
  const auto zone = change_state(*keys, *name, wish, cause);
  if (!zone) return complain(context, zone.error());
  if (context.json) {
    context.out << json{{"zone", name->to_text()}, {"keys", to_json(*zone)}}.dump(2) << "\n";
  } else {
    context.out << done << "; the next `zone sign` acts on it\n";
  }
  return ExitCode::done;
}

}  // namespace

ExitCode zone_keys(const Context& context, const ZoneKeysOptions& options) {
  const auto name = zone_name(options.zone);
  if (!name) return misused(context, name.error());
  const auto keys = open_keys(context, options.keys, "./", false);
  if (!keys) return complain(context, keys.error());
  const auto state = read_state(*keys, *name);
  if (!state) return complain(context, state.error());
  if (!*state)
    return complain(context, keys->path() + ": nothing is known of " + name->to_text() + " yet; sign it first");
  const ZoneRolls& zone = **state;
  const auto history = read_history(*keys, *name, options.history);
  if (!history) return complain(context, history.error());
  if (context.json) {
    json body{{"zone", name->to_text()}, {"keys", to_json(zone)}, {"parent-settled", zone.settled}};
    if (zone.held) body["held"] = *zone.held;
    if (zone.seen) body["parent-seen"] = time_text(*zone.seen);
    body["looked"] = time_text(zone.clock.now);
    body["waiting"] = zone.waiting;
    body["later"] = ctl::to_json(std::span<const LaterStep>{zone.later});
    if (options.history != 0) body["history"] = history_json(*history);
    // What an operator gave as a reason may be no UTF-8.
    context.out << body.dump(2, ' ', false, json::error_handler_t::replace) << "\n";
    return ExitCode::done;
  }
  show_keys(context, zone);
  if (zone.held) context.out << "held: " << *zone.held << "\n";
  context.out << (!zone.asked        ? "the parent is not asked for a DS yet\n"
                  : zone.settled     ? "the parent has the DS that was asked for\n"
                  : *zone.asked == 0 ? "the parent is asked to remove the DS\n"
                                     : "the parent is asked for a DS that it does not have, or nobody looked\n");
  if (zone.seen) context.out << "all of the parent's servers agreed last: " << time_text(*zone.seen) << "\n";
  show_plan(context, zone);
  if (!history->empty()) context.out << "what changed, the last first:\n";
  for (const Transition& one : *history) context.out << "  " << history_line(one) << "\n";
  return ExitCode::done;
}

ExitCode rollover_plan(const Context& context, const RolloverOptions& options) {
  const auto name = zone_name(options.zone);
  if (!name) return misused(context, name.error());
  const auto keys = open_keys(context, options.keys, "./", false);
  if (!keys) return complain(context, keys.error());
  const auto state = read_state(*keys, *name);
  if (!state) return complain(context, state.error());
  if (!*state)
    return complain(context, keys->path() + ": nothing is known of " + name->to_text() + " yet; sign it first");
  const ZoneRolls& zone = **state;
  if (context.json) {
    json body{{"zone", name->to_text()},
              {"looked", time_text(zone.clock.now)},
              {"waiting", zone.waiting},
              {"later", ctl::to_json(std::span<const LaterStep>{zone.later})}};
    if (zone.held) body["held"] = *zone.held;
    context.out << body.dump(2, ' ', false, json::error_handler_t::replace) << "\n";
    return ExitCode::done;
  }
  if (zone.held) context.out << "held: " << *zone.held << "\n";
  show_plan(context, zone);
  return ExitCode::done;
}

ExitCode rollover_start(const Context& context, const RolloverOptions& options) {
  const auto wish = [&](ZoneRolls& zone) -> std::expected<void, std::string> {
    KeyMask keys = 0;
    for (const std::uint16_t tag : options.tags) {
      const auto at =
          std::ranges::find_if(zone.keys, [&](const RollingKey& key) { return !key.free && key.tag == tag; });
      if (at == zone.keys.end()) return std::unexpected{fmt::format("the zone has no key {}", tag)};
      keys |= bit(static_cast<unsigned>(at - zone.keys.begin()));
    }
    return start_roll(zone, keys);
  };
  return change(context, options, wish, "the roll begins", "zone rollover start");
}

ExitCode rollover_hold(const Context& context, const RolloverOptions& options) {
  if (options.reason.find('\n') != std::string::npos) return misused(context, "a reason is one line");
  const auto wish = [&](ZoneRolls& zone) -> std::expected<void, std::string> {
    zone.held = options.reason;
    return {};
  };
  return change(context, options, wish, "keys stay as they are; signatures are kept fresh", "zone rollover hold");
}

ExitCode rollover_resume(const Context& context, const RolloverOptions& options) {
  const auto wish = [](ZoneRolls& zone) -> std::expected<void, std::string> {
    if (!zone.held) return std::unexpected{std::string{"nothing is held"}};
    zone.held.reset();
    return {};
  };
  return change(context, options, wish, "rolls go on", "zone rollover resume");
}

ExitCode zone_rehearse(const Context& context, const RehearseOptions& options) {
  const auto site = find_policy(options.policy);
  if (!site) return complain(context, site.error());
  RehearsalOptions rehearsal{
      .policy = site->policy, .world = site->policy, .time = std::chrono::days{365} * options.years};
  rehearsal.seed = options.seed;
  rehearsal.faults = options.seed != 0;
  rehearsal.looks_every = std::min<seconds>(rehearsal.looks_every, site->policy.zone_propagation);
  const Rehearsal result = rehearse(rehearsal);
  if (context.json) {
    json events = json::array();
    for (const RehearsalEvent& event : result.events)
      events.push_back({{"at", time_text(event.at)}, {"what", event.what}});
    json body{{"policy", site->policy.name},         {"ok", !result.broken},  {"looks", result.looks},
              {"combinations", result.combinations}, {"rolls", result.rolls}, {"events", events}};
    if (result.broken) body["broken"] = {{"at", time_text(result.broken->at)}, {"what", result.broken->what}};
    context.out << body.dump(2) << "\n";
  } else {
    for (const RehearsalEvent& event : result.events) context.out << time_text(event.at) << "  " << event.what << "\n";
    if (result.broken) {
      context.err << time_text(result.broken->at) << "  BROKEN for a validator that holds " << result.broken->what
                  << "\n";
    } else {
      context.out << fmt::format(
          "{} keys went through their life; {} mixtures of old and new were tried, each had a valid chain\n",
          result.rolls, result.combinations);
    }
  }
  return result.broken ? ExitCode::failed : ExitCode::done;
}

}  // namespace redoubt::ctl
