#pragma once
#include "appliance/channel/channel.hpp"

namespace redoubt::resolver {

/// Process: resolver. Given: a channel to monitor; by it, channels to control and transport and bound datagram sockets.
/// Keeps: UDP sockets, caches, the mapped snapshot. Reads: datagrams from clients and authorities, DNS messages from
/// transport. Returns the exit code.
int resolver_main(channel::Channel monitor);

}  // namespace redoubt::resolver
