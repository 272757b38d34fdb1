#pragma once
// The door that shuts behind a role: own user, no new privileges, Landlock, seccomp allow-list, no core dumps, resource
// limits.
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/channel/roles.hpp"

namespace redoubt::sandbox {

/// A folder or file that stays reachable, by an open descriptor (so that a parent that the role's user cannot enter is
/// no obstacle).
struct Reach {
  int descriptor;
  bool writable;
};

struct Door {
  channel::Role
      role;  ///< chooses user, system calls and limits: the tables are in accounts.cpp, profiles.cpp, limits.cpp
  std::vector<Reach> reachable;  ///< empty for all but control, and keykeeper with a folder of zone keys
};

/// First step, at the top of every role's main, before it has threads: takes the role's user when started as root (a
/// fixed numeric user where the system has no such account), drops every capability, no new privileges, not dumpable,
/// resource limits, dies with its parent. keep_folder_capabilities leaves control what it needs to make its state
/// folder, until enter(); a restarted control has none of them left. For monitor it changes no user and drops no
/// capability: see keep_only().
std::expected<void, std::string> drop_rights(channel::Role role, bool keep_folder_capabilities = false);

/// Last step, before there are threads; there is no way back. An error names what could not be set up; whatever can be
/// set up stays set up. Calls that are not on the role's list fail with EPERM.
std::expected<void, std::string> enter(const Door& door);

/// For monitor, once its children are started: of what capabilities it has, keeps those to bind, to change users and to
/// stop children.
std::expected<void, std::string> keep_only_monitor_capabilities();

}  // namespace redoubt::sandbox
