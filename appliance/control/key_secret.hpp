#pragma once
// What keykeeper alone works with: control makes or opens it, gives it away and cannot open it again. Only while the
// capabilities of the start are there.
#include <expected>
#include <string>

#include "appliance/channel/channel.hpp"

namespace redoubt::control {

/// The file of keykeeper's secret, in the state folder: open for reading and writing, mode 0600; keykeeper's own when
/// we were started as root. errors   one line
std::expected<channel::Descriptor, std::string> open_key_secret(int state_folder);

/// The folder of zone keys, made when it is not there, mode 0700 and keykeeper's own as above. Only an empty one is
/// taken over, and none in the state folder, where control may rename what is keykeeper's. errors   one line
std::expected<channel::Descriptor, std::string> open_zone_keys(const std::string& path,
                                                               const channel::Descriptor& state_folder);

/// The file with their passphrase, for reading. errors   one line
std::expected<channel::Descriptor, std::string> open_zone_passphrase(const std::string& path);

}  // namespace redoubt::control
