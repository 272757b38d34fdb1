#pragma once
// The file of keykeeper's secret, in the state folder. control makes it, gives it away and cannot open it again.
#include <expected>
#include <string>

#include "appliance/channel/channel.hpp"

namespace redoubt::control {

/// Open for reading and writing, mode 0600; keykeeper's own when we were started as root. Only while the capabilities
/// of the start are there. errors   one line
std::expected<channel::Descriptor, std::string> open_key_secret(int state_folder);

}  // namespace redoubt::control
