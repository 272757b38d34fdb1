#pragma once
// The files that a configuration names, looked at by whoever runs `resolverctl config check`.
#include <cstdint>
#include <string>

#include "appliance/config/configuration.hpp"
#include "appliance/config/fault.hpp"

namespace redoubt::ctl {

/// Each certificate and its key: readable, in PEM, of a kind that is used, made for each other, not expired, the key
/// nobody else's to read. Where no listener wants them there are warnings in the place of faults. Beside them what the
/// daemon opens by itself: zone-keys.passphrase-file, and the files of servers and of the root zone, which may come
/// later. now: seconds since 1970. Relative paths are taken from the configuration's folder.
/// returns  faults: with them the daemon would not start, or refuse a reload; warnings: what it would say, and what
///          this user may not look at. Each stands at its setting's place.
config::Remarks look_at_named_files(const config::Configuration& configuration, const config::Places& places,
                                    const std::string& configuration_path, std::int64_t now);

/// The path as the daemon takes it that reads this configuration.
std::string from_folder_of(const std::string& configuration_path, const std::string& path);

}  // namespace redoubt::ctl
