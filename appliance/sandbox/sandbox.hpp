#pragma once
// The door that shuts behind a role: own user, no new privileges, Landlock, seccomp allow-list, no core dumps, resource limits.
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/channel/roles.hpp"

namespace redoubt::sandbox {

/// A folder or file that stays reachable, by an open descriptor (so that a parent that the role's user cannot enter is no obstacle).
struct Reach {
  int descriptor;
  bool writable;
};

struct Door {
  channel::Role role;            ///< chooses user, system calls and limits: the tables are in sandbox.cpp, profiles.cpp
  std::vector<Reach> reachable;  ///< empty for all but control
};

/// First step, at the top of every role's main: takes the role's user when started as root (a fixed numeric user where the system has no
/// such account), drops every capability, no new privileges, not dumpable, resource limits. keep_folder_capabilities leaves control what it
/// needs to make its state folder, until enter().
std::expected<void, std::string> drop_rights(channel::Role role, bool keep_folder_capabilities = false);

/// Last step; there is no way back. An error names what could not be set up; whatever can be set up stays set up.
std::expected<void, std::string> enter(const Door& door);

}  // namespace redoubt::sandbox
