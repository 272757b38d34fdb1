#pragma once
// What came of notifying the parent's agents, for people and for scripts.
#include <nlohmann/json.hpp>

#include "appliance/ctl/commands.hpp"
#include "appliance/signing/notify_parent.hpp"

namespace redoubt::ctl {

nlohmann::json to_json(const signing::ParentNotified& notified);
void show(const Context& context, const signing::ParentNotified& notified);

}  // namespace redoubt::ctl
