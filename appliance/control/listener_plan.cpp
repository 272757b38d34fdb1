#include "appliance/control/listener_plan.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <sstream>

#include "appliance/config/units.hpp"

namespace redoubt::control {

namespace {

channel::ListenerId free_number(const ListenerPlan& standing, const ListenerPlan& plan) {
  const auto has = [](const ListenerPlan& listeners, channel::ListenerId id) {
    return std::ranges::find(listeners, id, &PlannedListener::id) != listeners.end();
  };
  channel::ListenerId id = 0;
  while (has(standing, id) || has(plan, id)) ++id;
  return id;
}

}  // namespace

ListenerPlan plan_listeners(const config::Configuration& configuration, const ListenerPlan& standing) {
  ListenerPlan plan;
  for (const config::Listener& listener : configuration.listeners) {
    const auto same = std::ranges::find(standing, listener.at, &PlannedListener::at);
    const auto id = same != standing.end() ? same->id : free_number(standing, plan);
    plan.push_back({.id = id,
                    .at = listener.at,
                    .datagrams = listener.udp,
                    .streams = listener.tcp || listener.tls || listener.https});
  }
  return plan;
}

ListenerChange change_of(const ListenerPlan& standing, const ListenerPlan& wanted) {
  ListenerChange change;
  for (const PlannedListener& listener : wanted) {
    if (listener.is_bound() && std::ranges::find(standing, listener) == standing.end()) change.bind.push_back(listener);
  }
  for (const PlannedListener& listener : standing) {
    const auto kept = std::ranges::find(wanted, listener.id, &PlannedListener::id);
    if (listener.is_bound() && (kept == wanted.end() || !kept->is_bound())) change.unbind.push_back(listener.id);
  }
  return change;
}

ListenerChange undo_of(const ListenerPlan& standing, const ListenerChange& change) {
  ListenerChange undo;
  for (const PlannedListener& listener : change.bind) {
    const auto before = std::ranges::find(standing, listener.id, &PlannedListener::id);
    if (before != standing.end() && before->is_bound())
      undo.bind.push_back(*before);
    else
      undo.unbind.push_back(listener.id);
  }
  return undo;
}

std::string to_text(const ListenerPlan& plan) {
  std::string text;
  for (const PlannedListener& listener : plan) {
    text += fmt::format("{} {} {:d} {:d}\n", listener.id, listener.at.to_text(), listener.datagrams, listener.streams);
  }
  return text;
}

ListenerPlan plan_from_text(std::string_view text) {
  ListenerPlan plan;
  std::istringstream lines{std::string{text}};
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words{line};
    PlannedListener listener;
    std::string at;
    if (!(words >> listener.id >> at >> listener.datagrams >> listener.streams)) continue;
    const auto endpoint = dns::Endpoint::from_text(at, 0);
    if (!endpoint) continue;
    listener.at = *endpoint;
    plan.push_back(listener);
  }
  return plan;
}

}  // namespace redoubt::control
