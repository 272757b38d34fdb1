#pragma once
#include "appliance/channel/channel.hpp"

namespace redoubt::keykeeper {

/// The keykeeper process: given its channel to monitor, until Stop or the end of that channel. Returns the exit code.
int keykeeper_main(channel::Channel monitor);

}  // namespace redoubt::keykeeper
