#pragma once
#include "appliance/channel/channel.hpp"

namespace redoubt::transport {

/// The transport role from its first step to its exit code.
int transport_main(channel::Channel monitor);

}  // namespace redoubt::transport
