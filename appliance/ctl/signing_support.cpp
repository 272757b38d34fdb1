#include "appliance/ctl/signing_support.hpp"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <chrono>
#include <cstdlib>
#include <filesystem>
#include <thread>

#include "appliance/ctl/daemon_keys.hpp"
#include "dnssec/keys/durable_file.hpp"
#include "dnssec/zone/load.hpp"

namespace redoubt::ctl {

using dnssec::KeyFolder;

namespace {

constexpr std::size_t max_passphrase = 4096;
constexpr std::size_t max_policy_octets = 1024 * 1024;

}  // namespace

ExitCode complain(const Context& context, const std::string& what) {
  if (context.json) {
    // A file's name, or a word of it, may be no UTF-8.
    context.out << nlohmann::json{{"error", what}}.dump(2, ' ', false, nlohmann::json::error_handler_t::replace)
                << "\n";
  } else {
    context.err << what << "\n";
  }
  return ExitCode::failed;
}

ExitCode misused(const Context& context, const std::string& what) {
  static_cast<void>(complain(context, what));
  return ExitCode::usage;
}

std::expected<signing::SitePolicy, std::string> find_policy(const std::string& name_or_file) {
  auto built_in = dnssec::built_in_policy(name_or_file);
  if (built_in) return signing::SitePolicy{*built_in, {}, {}, false};
  std::error_code error;
  if (name_or_file.find_first_of("./") == std::string::npos && !std::filesystem::exists(name_or_file, error))
    return std::unexpected{built_in.error()};
  const auto text = dnssec::read_text_file(name_or_file);
  if (!text) return std::unexpected{text.error()};
  if (text->size() > max_policy_octets) return std::unexpected{name_or_file + ": larger than a policy can be"};
  auto policy = signing::policy_from_yaml(*text);
  if (policy) return std::move(*policy);
  std::string faults;
  for (const config::Remark& remark : policy.error())
    faults += (faults.empty() ? "" : "\n") + remark.to_text(name_or_file);
  return std::unexpected{faults};
}

std::expected<std::optional<dnssec::Secret>, std::string> read_passphrase(const KeyPlace& place) {
  std::string path = place.passphrase;
  if (path.empty()) {
    const char* credentials = std::getenv("CREDENTIALS_DIRECTORY");
    if (credentials == nullptr) return std::optional<dnssec::Secret>{};
    path = std::string{credentials} + "/redoubt-passphrase";
    std::error_code error;
    if (!std::filesystem::exists(path, error)) return std::optional<dnssec::Secret>{};
  }
  struct stat status {};
  if (::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) && (status.st_mode & (S_IROTH | S_IWOTH)) != 0)
    return std::unexpected{path + ": everybody on this machine may read the passphrase; chmod 600 it"};
  auto octets = dnssec::read_secret_file(path, max_passphrase);
  if (!octets) return std::unexpected{octets.error()};
  while (!octets->empty() && (octets->back() == '\n' || octets->back() == '\r')) octets->pop_back();
  if (octets->empty()) return std::unexpected{path + ": the passphrase is empty"};
  return std::optional{std::move(*octets)};
}

std::string key_folder_path(const KeyPlace& place, const std::string& near) {
  return place.folder.empty() ? (std::filesystem::path{near}.parent_path() / "keys").string() : place.folder;
}

std::expected<KeyFolder, std::string> open_keys(const Context& context, const KeyPlace& place, const std::string& near,
                                                bool make) {
  std::string folder = key_folder_path(place, near);
  std::error_code error;
  if (!std::filesystem::is_directory(folder, error)) {
    if (!make) return std::unexpected{folder + ": there is no such folder of keys (--keys DIR)"};
    if (::mkdir(folder.c_str(), 0700) != 0) return std::unexpected{folder + ": it cannot be made"};
  }
  auto passphrase = read_passphrase(place);
  if (!passphrase) return std::unexpected{passphrase.error()};
  KeyFolder keys{std::move(folder), std::move(*passphrase)};
  keys.use(daemon_keys(context.api), place.in_keykeeper);
  return keys;
}

std::expected<std::optional<dns::Name>, std::string> name_of(const std::string& text) {
  if (text.empty()) return std::optional<dns::Name>{};
  const auto name = dns::Name::from_text(text);
  if (!name) return std::unexpected{text + ": " + std::string{dns::describe(name.error().fault)}};
  return std::optional{*name};
}

unsigned jobs_or_all(unsigned jobs) { return jobs != 0 ? jobs : std::max(1U, std::thread::hardware_concurrency()); }

std::int64_t unix_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

std::string time_text(dnssec::Instant time) {
  return fmt::format("{:%Y-%m-%d %H:%M:%S}Z", fmt::gmtime(std::chrono::system_clock::to_time_t(time)));
}

std::string to_line(const dnssec::LaterStep& step) {
  return (step.from ? "not before " + time_text(*step.from) : std::string{"after other steps"}) + ": " + step.what;
}

nlohmann::json to_json(std::span<const dnssec::LaterStep> steps) {
  nlohmann::json list = nlohmann::json::array();
  for (const dnssec::LaterStep& step : steps) {
    list.push_back({{"what", step.what}});
    if (step.from) list.back()["not-before"] = time_text(*step.from);
  }
  return list;
}

nlohmann::json to_json(const dnssec::ZoneRolls& zone) {
  nlohmann::json keys = nlohmann::json::array();
  for (const dnssec::RollingKey& key : zone.keys) {
    if (key.free) continue;
    keys.push_back({{"file", key.stem},
                    {"tag", key.tag},
                    {"algorithm", dnssec::algorithm_to_text(static_cast<std::uint8_t>(key.algorithm))},
                    {"role", dnssec::to_text(key.role)},
                    {"state", dnssec::to_text(key.state)},
                    {"since", time_text(key.since)},
                    {"leaving", !key.wanted},
                    {"standby", key.standby}});
  }
  return keys;
}

}  // namespace redoubt::ctl
