#pragma once
// From the configuration to the snapshot that resolver and transport map.
#include <cstdint>
#include <map>
#include <span>
#include <vector>

#include "appliance/config/configuration.hpp"

namespace redoubt::config {

/// What a snapshot says that no file does.
struct Circumstances {
  std::uint64_t generation = 0;
  std::uint32_t workers = 1;                  ///< what `workers: auto` means here
  std::vector<std::uint32_t> listener_ids;    ///< one for each listener of the configuration
  std::vector<dns::IpAddress> own_addresses;  ///< of this machine: part of do-not-query's builtin
  /// By the path of a forward zone's to-file: the servers that it names.
  std::map<std::string, std::vector<dns::IpAddress>> servers_in_files{};
  /// Of these zones the anchors below hold, instead of those that the file has (RFC 5011).
  std::vector<dns::Name> followed_zones{};
  std::vector<dns::Record> followed_anchors{};
  /// Beside those of the file. until: seconds since 1970.
  struct NegativeAnchor {
    dns::Name zone;
    std::uint64_t until = 0;
  };
  std::vector<NegativeAnchor> negative_anchors{};
};

/// Loopback, unspecified, link-local, multicast and reserved ranges: what no public authority is at.
std::span<const dns::Prefix> builtin_do_not_query();

/// The snapshot's octets, ready to be sealed. Listeners are in it with what this version serves.
std::vector<std::uint8_t> compile(const Configuration& configuration, const Circumstances& circumstances);

}  // namespace redoubt::config
