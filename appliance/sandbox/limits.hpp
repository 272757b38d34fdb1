#pragma once
// Resource limits of the roles.
#include <expected>
#include <string>

#include "appliance/channel/roles.hpp"

namespace redoubt::sandbox {

/// Never above the hard limit that the process was started with.
std::expected<void, std::string> limit_resources(channel::Role role);

}  // namespace redoubt::sandbox
