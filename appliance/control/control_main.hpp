#pragma once
#include "appliance/channel/channel.hpp"

namespace redoubt::control {

/// Process: control. Given: a channel to monitor; by it the configuration file and channels to the others. Keeps: its
/// state folder, its two listening sockets. Reads: configuration, API requests. Returns the exit code.
int control_main(channel::Channel monitor);

}  // namespace redoubt::control
