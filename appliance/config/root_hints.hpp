#pragma once
// Where resolution starts: names and addresses of the root servers.
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "dns/address.hpp"
#include "dns/name.hpp"

namespace redoubt::config {

struct RootServer {
  dns::Name name;
  std::vector<dns::IpAddress> addresses;
  bool operator==(const RootServer&) const = default;
};

inline constexpr std::size_t max_root_servers = 64;
inline constexpr std::size_t max_root_server_addresses = 16;

/// The thirteen of the Internet.
std::vector<RootServer> builtin_root_servers();

/// From a master file as https://www.internic.net/domain/named.root is one: NS records of the root, and A and AAAA
/// records of those servers. The error is one line, with the file's line in front where there is one.
std::expected<std::vector<RootServer>, std::string> root_servers_from_zone_text(std::string_view text);

}  // namespace redoubt::config
