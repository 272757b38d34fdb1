#include "appliance/control/server_files.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "appliance/config/resolv_conf.hpp"
#include "appliance/control/files.hpp"
#include "appliance/log/log.hpp"

namespace redoubt::control {

namespace {

std::string listed(const std::vector<dns::IpAddress>& servers) {
  std::vector<std::string> texts;
  for (const dns::IpAddress& server : servers) texts.push_back(server.to_text());
  return fmt::format("{}", fmt::join(texts, ", "));
}

}  // namespace

std::set<std::string> server_files_of(const config::Configuration& configuration) {
  std::set<std::string> files;
  for (const config::Forward& forward : configuration.resolution.forward) {
    if (!forward.to_file.empty()) files.insert(forward.to_file);
  }
  return files;
}

void ServerFiles::use(const config::Configuration& configuration, const std::string& configuration_path) {
  configuration_path_ = configuration_path;
  Servers before = std::exchange(servers_, {});
  for (const std::string& file : server_files_of(configuration)) {
    std::vector<dns::IpAddress>& servers = servers_[file];
    if (const auto known = before.find(file); known != before.end()) {
      servers = std::move(known->second);
    } else {
      look_at(file, servers);
    }
  }
  std::erase_if(troubles_, [&](const auto& row) { return !servers_.contains(row.first); });
}

bool ServerFiles::look() {
  bool changed = false;
  for (auto& [path, servers] : servers_) changed = look_at(path, servers) || changed;
  return changed;
}

bool ServerFiles::look_at(const std::string& path, std::vector<dns::IpAddress>& servers) {
  const auto file = read_dated_file(path, configuration_path_, config::max_resolv_conf_octets);
  std::vector<dns::IpAddress> found;
  if (file) found = config::servers_from_resolv_conf(file->text);
  std::string trouble = !file ? file.error() : found.empty() ? "it names no server" : "";
  if (std::string& told = troubles_[path]; told != trouble) {
    if (!trouble.empty()) {
      log::warning("{}: {}; {}", log::printable(path), trouble,
                   servers.empty() ? "zones that go by it have no servers" : "its former servers stay in use");
    }
    told = std::move(trouble);
  }
  if (found.empty() || found == servers) return false;
  servers = std::move(found);
  log::info("{} names the servers {}", log::printable(path), listed(servers));
  return true;
}

}  // namespace redoubt::control
