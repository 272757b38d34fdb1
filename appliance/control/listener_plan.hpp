#pragma once
// Which listeners stand, by which number, and what a new configuration changes about them.
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/channel/monitor_child.hpp"
#include "appliance/config/configuration.hpp"

namespace redoubt::control {

/// One listener that monitor binds. Both flags may be false: then nothing of it is bound (all of its transports are yet
/// to come).
struct PlannedListener {
  channel::ListenerId id = 0;
  dns::Endpoint at;
  bool datagrams = false;
  bool streams = false;
  bool is_bound() const { return datagrams || streams; }
  bool operator==(const PlannedListener&) const = default;
};

/// In the configuration's order.
using ListenerPlan = std::vector<PlannedListener>;

/// A listener keeps its number as long as its address and port stay; new ones get the smallest that is free.
ListenerPlan plan_listeners(const config::Configuration& configuration, const ListenerPlan& standing);

struct ListenerChange {
  ListenerPlan bind;                        ///< new, or with other transports than before
  std::vector<channel::ListenerId> unbind;  ///< once the new ones are in force
};
ListenerChange change_of(const ListenerPlan& standing, const ListenerPlan& wanted);

/// What undoes `change.bind` where it had been done.
ListenerChange undo_of(const ListenerPlan& standing, const ListenerChange& change);

/// For the store: a line each.
std::string to_text(const ListenerPlan& plan);
/// Lines that cannot be read are left out.
ListenerPlan plan_from_text(std::string_view text);

}  // namespace redoubt::control
