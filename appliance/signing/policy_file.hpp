#pragma once
// Signing policies in YAML: one table of settings, from which reader, printed form and manual come.
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/config/fault.hpp"
#include "dns/address.hpp"
#include "dnssec/roll/policy.hpp"

namespace redoubt::signing {

inline constexpr std::size_t max_watched_servers = 64;

struct SitePolicy {
  dnssec::Policy policy;
  std::vector<dns::Endpoint> parents;      ///< servers of the parent zone, asked for the DS
  std::vector<dns::Endpoint> secondaries;  ///< servers of the zone itself, asked for its serial
  bool notify_parent = false;              ///< after a new CDS, tell the parent's agent (RFC 9859)
};

/// A file's text. `base` names the built-in policy that it changes (standard if it does not say).
/// errors: every fault, with its place
std::expected<SitePolicy, std::vector<config::Remark>> policy_from_yaml(std::string_view text);

/// The same as a file with a comment above each setting; reads back equal.
std::string policy_to_yaml(const SitePolicy& site);

}  // namespace redoubt::signing
