#include <fmt/format.h>

#include <cerrno>
#include <cstring>
#include <ctime>
#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "appliance/config/check.hpp"
#include "appliance/config/limits.hpp"
#include "appliance/config/print.hpp"
#include "appliance/config/units.hpp"
#include "appliance/ctl/commands.hpp"
#include "appliance/ctl/named_files.hpp"

namespace redoubt::ctl {

namespace {

using nlohmann::json;

/// The checker refuses what is longer; reading one octet more lets it say so.
constexpr std::size_t max_file_octets = 1024 * 1024 + 1;

/// The error is the reason, without the path.
std::expected<std::string, std::string> read_file(const std::string& path) {
  errno = 0;
  std::ifstream file{path, std::ios::binary};
  if (!file) return std::unexpected{std::string{std::strerror(errno)}};
  std::string text(max_file_octets, '\0');
  file.read(text.data(), static_cast<std::streamsize>(text.size()));
  if (file.bad()) return std::unexpected{std::string{"it cannot be read (a folder?)"}};
  text.resize(static_cast<std::size_t>(file.gcount()));
  return text;
}

std::string transports_of(const config::Listener& listener) {
  std::string text;
  const auto add = [&](bool set, std::string_view name) {
    if (set) text += (text.empty() ? "" : ", ") + std::string{name};
  };
  add(listener.udp, "udp");
  add(listener.tcp, "tcp");
  add(listener.tls, "tls");
  add(listener.https, "https");
  return text;
}

/// What somebody wants to see confirmed before a restart.
void describe(const config::Configuration& configuration, std::ostream& out) {
  for (const config::Listener& listener : configuration.listeners) {
    out << fmt::format("listen         {} ({})\n", listener.at.to_text(), transports_of(listener));
  }
  out << "allowed       ";
  for (const dns::Prefix& prefix : configuration.access_allow) out << " " << prefix.to_text();
  out << fmt::format("\nworkers        {}\n",
                     configuration.workers == 0 ? "one for each processor" : std::to_string(configuration.workers));
  out << fmt::format("cache          {}\n", config::size_to_text(configuration.cache.size));
  out << fmt::format("root servers   {}\n", configuration.resolution.root_servers.size());
  out << fmt::format("state          {}\n", configuration.state);
  out << fmt::format("control        {}\n", configuration.control.socket);
  if (configuration.control.http) out << fmt::format("http           {}\n", configuration.control.http->to_text());
  out << fmt::format("sandbox        {}\n", configuration.sandbox_required ? "required" : "best-effort");
}

json to_json(const std::string& file, const std::vector<config::Remark>& remarks) {
  json list = json::array();
  for (const config::Remark& remark : remarks) {
    list.push_back({{"line", remark.place.line},
                    {"column", remark.place.column},
                    {"text", remark.text},
                    {"message", remark.to_text(file)}});
  }
  return list;
}

}  // namespace

ExitCode config_check(const Context& context, const std::string& file, bool verbose) {
  const auto text = read_file(file);
  if (!text) {
    context.err << file << ": " << text.error() << "\n";
    return ExitCode::failed;
  }
  const auto read_named = [&file](const std::string& path) { return read_file(from_folder_of(file, path)); };
  const config::Checked checked = config::check(*text, {config::all_limits(), read_named});
  config::Remarks remarks = checked.remarks;
  if (checked.configuration) {
    const config::Remarks found = look_at_named_files(*checked.configuration, checked.places, file, std::time(nullptr));
    remarks.faults.insert(remarks.faults.end(), found.faults.begin(), found.faults.end());
    remarks.warnings.insert(remarks.warnings.end(), found.warnings.begin(), found.warnings.end());
  }
  if (checked.sets_nothing)
    remarks.warnings.push_back({{}, "it sets nothing: a start takes the defaults, and a reload refuses it"});
  const bool good = remarks.faults.empty();
  if (context.json) {
    const json report{
        {"ok", good}, {"faults", to_json(file, remarks.faults)}, {"warnings", to_json(file, remarks.warnings)}};
    context.out << report.dump(2) << "\n";
    return good ? ExitCode::done : ExitCode::failed;
  }
  for (const config::Remark& fault : remarks.faults) context.err << fault.to_text(file) << "\n";
  for (const config::Remark& warning : remarks.warnings) context.err << "warning: " << warning.to_text(file) << "\n";
  if (!good) return ExitCode::failed;
  if (verbose) describe(*checked.configuration, context.out);
  context.out << file << ": no faults\n";
  return ExitCode::done;
}

ExitCode config_default(const Context& context) {
  context.out << config::default_text(config::all_limits());
  return ExitCode::done;
}

ExitCode config_reference(const Context& context) {
  context.out << config::reference_text(config::all_limits());
  return ExitCode::done;
}

}  // namespace redoubt::ctl
