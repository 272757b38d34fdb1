#pragma once
// Files like /etc/resolv.conf that name the servers of forward zones. They are read again and again rather than watched
// by inode: whoever writes them may write in place, move a new one over it, or turn a link.
#include <map>
#include <set>
#include <string>
#include <vector>

#include "appliance/config/configuration.hpp"

namespace redoubt::control {

class ServerFiles {
 public:
  using Servers = std::map<std::string, std::vector<dns::IpAddress>>;

  /// The files of this configuration, from now on; those that are new are read at once. Relative ones are taken from
  /// the folder of configuration_path.
  void use(const config::Configuration& configuration, const std::string& configuration_path);
  /// Reads all of them. True when one names other servers than before. One that cannot be read, or names none, changes
  /// nothing: its former servers stay; that is logged once.
  bool look();
  /// By path as the configuration has it. Empty for a file that never named one.
  const Servers& servers() const { return servers_; }

 private:
  bool look_at(const std::string& path, std::vector<dns::IpAddress>& servers);

  std::string configuration_path_;
  Servers servers_;
  std::map<std::string, std::string> troubles_;  ///< by path; what was logged last
};

/// Distinct files of a configuration, as written there.
std::set<std::string> server_files_of(const config::Configuration& configuration);

}  // namespace redoubt::control
