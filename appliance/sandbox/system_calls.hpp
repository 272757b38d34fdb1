#pragma once
// The seccomp allow-list of a role, given to the kernel.
#include <expected>
#include <string>

#include "appliance/channel/roles.hpp"

namespace redoubt::sandbox {

/// with_folder: see groups_of(). All threads of the process, for good. Other calls fail with EPERM, and the few that
/// glibc replaces when they are missing with ENOSYS; calls of a foreign architecture's numbering end the process.
std::expected<void, std::string> allow_system_calls(channel::Role role, bool with_folder);

}  // namespace redoubt::sandbox
