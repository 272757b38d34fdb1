#pragma once
// The TLS files that a configuration names, looked at by whoever runs `resolverctl config check`.
#include <string>
#include <vector>

#include "appliance/config/configuration.hpp"

namespace redoubt::ctl {

struct TlsFindings {
  std::vector<std::string> faults;    ///< with them the daemon would not start, or refuse a reload
  std::vector<std::string> warnings;  ///< what it would say, and what this user may not look at
};

/// Each certificate and its key: readable, in PEM, of a kind that is used, made for each other, not expired, the key
/// nobody else's to read. now: seconds since 1970. Relative paths are taken from the configuration's folder.
TlsFindings look_at_tls_files(const config::Tls& tls, const std::string& configuration_path, std::int64_t now);

}  // namespace redoubt::ctl
