#pragma once
// Files like /etc/resolv.conf. Other programs write them, so faults in them are passed over as the C library does.
#include <string_view>
#include <vector>

#include "dns/address.hpp"

namespace redoubt::config {

/// More octets are not read of such a file.
inline constexpr std::size_t max_resolv_conf_octets = 64 * 1024;
/// More servers are not taken from it.
inline constexpr std::size_t max_resolv_conf_servers = 16;

/// The addresses of its `nameserver` lines, in order, each once. Left out: what is no address; one with a scope
/// (fe80::1%eth0), which names an interface; the unspecified address and multicast.
std::vector<dns::IpAddress> servers_from_resolv_conf(std::string_view text);

}  // namespace redoubt::config
