#pragma once
// What control opens before its door shuts, and reads by descriptor or below its few folders afterwards. Errors are one
// line.
#include <cstdint>
#include <expected>
#include <set>
#include <string>
#include <vector>

#include "appliance/channel/channel.hpp"
#include "dns/address.hpp"

namespace redoubt::control {

/// To its end, at most `limit` octets.
std::expected<std::string, std::string> read_all(int descriptor, std::size_t limit);
/// A file that the configuration names: relative ones are taken from the folder of the configuration file.
std::expected<std::string, std::string> read_named_file(const std::string& path, const std::string& configuration_path);
/// The same with the time of its last change, in seconds since 1970.
struct DatedFile {
  std::string text;
  std::int64_t modified_at;
};
std::expected<DatedFile, std::string> read_dated_file(const std::string& path, const std::string& configuration_path,
                                                      std::size_t limit);
/// The folder part of a path; "." for a bare name.
std::string folder_of(const std::string& path);
/// Like mkdir -p. Zero, or the errno of the part that failed.
int make_folders(const std::string& path, unsigned last_mode);
/// Where a file that the configuration names is.
std::string whole_path(const std::string& path, const std::string& configuration_path);
/// What must stay readable for the files: the folder that each is in, and where a link leads, the one behind it.
std::set<std::string> folders_of(const std::set<std::string>& files, const std::string& configuration_path);
/// For the sandbox: a folder by descriptor, or nothing where there is none.
channel::Descriptor open_folder(const std::string& path);
/// Whether it is /, by whatever path: with it, all that there is would be open.
bool is_root_folder(const channel::Descriptor& folder);

/// Nothing but what a file system has of its own.
bool is_empty(const channel::Descriptor& folder);

/// Opens the state folder, and makes it (mode 0700) with its parents where it is missing. One that root made and left
/// empty is taken over. Refuses one that is not ours to write.
std::expected<channel::Descriptor, std::string> open_state_folder(const std::string& path);

/// The API's unix socket, listening, mode 0660. A socket file that nobody answers at any more is replaced.
std::expected<channel::Descriptor, std::string> open_api_listener(const std::string& path);
std::expected<channel::Descriptor, std::string> open_http_listener(const dns::Endpoint& at);

/// Of this machine's interfaces.
std::vector<dns::IpAddress> own_addresses();

}  // namespace redoubt::control
