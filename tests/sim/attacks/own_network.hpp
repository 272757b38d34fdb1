#pragma once
// A network that nobody else is in.
#include <cstdint>

#include "dns/address.hpp"

namespace redoubt::sim {

/// Moves this process, with its first call, to a new network namespace that has nothing but loopback. False where the
/// machine does not allow that to the user.
bool enter_own_network();

/// The ports that the kernel draws from; in a network of one's own. False when that cannot be set.
bool set_kernel_ports(std::uint16_t first, std::uint16_t last);

/// What the kernel draws none of, in the words of net.ipv4.ip_local_reserved_ports; empty: no port. False when that
/// cannot be set.
bool reserve_ports(const char* ports);

/// A router's word that the datagram from `port` of 127.0.0.1 to `there` was too long (RFC 792, type 3 code 4), as
/// somebody forges it who is on no way between the two. False when it cannot be sent.
bool forge_fragmentation_needed(std::uint16_t port, const dns::Endpoint& there, std::uint16_t next_hop_mtu);

/// What the kernel takes for the path MTU from 127.0.0.1 to there.
unsigned path_mtu(const dns::Endpoint& there);

}  // namespace redoubt::sim
