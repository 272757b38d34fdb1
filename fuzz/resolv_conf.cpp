// Entrance: servers_from_resolv_conf(), a file that other programs write. Property: bounded in number, each server
// once, and what was taken reads back the same.
#include "appliance/config/resolv_conf.hpp"

#include <set>
#include <string>

#include "fuzz/require.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using redoubt::fuzz::require;
  const std::string_view text{reinterpret_cast<const char*>(data), size};
  const auto servers = redoubt::config::servers_from_resolv_conf(text);
  require(servers.size() <= redoubt::config::max_resolv_conf_servers, "too many");
  require(std::set(servers.begin(), servers.end()).size() == servers.size(), "one of them twice");
  std::string again;
  for (const auto& server : servers) again += "nameserver " + server.to_text() + "\n";
  require(redoubt::config::servers_from_resolv_conf(again) == servers, "reads back differently");
  return 0;
}
