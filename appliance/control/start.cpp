// The start of control: from the first configuration to a shut door and open listeners. Nothing is done twice: after a
// restart the descriptors that monitor kept stand in for what the sandbox would not let us open again.
#include <fmt/format.h>

#include <algorithm>
#include <thread>
#include <utility>

#include "appliance/control/control.hpp"
#include "appliance/control/files.hpp"
#include "appliance/control/key_secret.hpp"
#include "appliance/log/log.hpp"
#include "appliance/sandbox/sandbox.hpp"

namespace redoubt::control {

namespace {

std::uint32_t processors() {
  return std::clamp<std::uint32_t>(std::thread::hardware_concurrency(), 1, channel::max_workers);
}

}  // namespace

void Control::start(Reading reading, bool initial) {
  initial_ = initial;
  if (initial) reload_.start_begins();
  if (!reading.configuration && initial) return end(1);  // each fault is in the log already
  phase_ = Phase::starting;
  if (reading.configuration) state_folder_ = reading.configuration->state;
  // A restart with a file that has become faulty: what was last in force is in the store, which the kept folder leads
  // to.
  if (!reading.configuration && !fall_back(reading))
    log::error("control has no configuration to work with until the file is mended; the others go on as they are");
  if (reading.configuration && !prepare(*reading.configuration)) return end(1);
  own_addresses_ = own_addresses();
  reload_.set_circumstances(processors(), own_addresses_);
  shut_the_door(reading.configuration.value_or(config::Configuration{}));
  if (reading.configuration) {
    if (!initial) open_store();  // first, for it says which listeners stand
    apply(std::move(reading));
  }
  if (initial) open_store();  // while monitor binds
  serve_http();
}

bool Control::fall_back(Reading& reading) {
  open_store();
  if (!store_) return false;
  auto text = store_->last_configuration();
  if (!text || !*text) return false;
  config::Checked checked = check(**text);
  if (!checked.configuration) return false;
  reading.text = **std::move(text);
  reading.configuration = std::move(checked.configuration);
  reading.places = std::move(checked.places);
  reading.sets_nothing = checked.sets_nothing;
  log::warning("control goes on with the configuration that was last in force");
  return true;
}

/// What needs paths, and the capabilities that are still there.
bool Control::prepare(const config::Configuration& configuration) {
  if (!kept_[channel::keep_state_folder] && !keep(channel::keep_state_folder, open_state_folder(configuration.state)))
    return false;
  if (!kept_[channel::keep_api_listener] &&
      !keep(channel::keep_api_listener, open_api_listener(configuration.control.socket)))
    return false;
  if (initial_ && (!give_zone_keys(configuration) || !give_key_secret())) return false;
  const auto& http = configuration.control.http;
  if (!http || kept_[channel::keep_http_listener]) return true;
  auto opened = open_http_listener(*http);
  if (opened || !initial_) return keep(channel::keep_http_listener, std::move(opened));
  // Whoever finds one address taken wants to hear of all that are: the listeners are still to be bound.
  log::error("{}", opened.error());
  start_troubles_.push_back(std::move(opened.error()));
  return true;
}

bool Control::keep(std::uint8_t slot, std::expected<channel::Descriptor, std::string> opened) {
  if (!opened) {
    log::error("{}", opened.error());
    return false;
  }
  kept_[slot] = *std::move(opened);
  if (!monitor_.send(channel::encode(channel::ChildToMonitor{channel::Keep{.slot = slot}}), kept_[slot].get())) {
    log::warning("monitor does not keep a descriptor: a restart of control will not find it");
  }
  return true;
}

/// Monitor has it for keykeeper, in all of its lives; nothing of it stays here.
bool Control::give_to_keykeeper(std::uint8_t slot, const std::expected<channel::Descriptor, std::string>& opened) {
  if (!opened) log::error("{}", opened.error());
  return opened && monitor_.send(channel::encode(channel::ChildToMonitor{channel::Keep{slot}}), opened->get());
}

bool Control::give_zone_keys(const config::Configuration& configuration) {
  const auto whole = [this](const std::string& path) { return whole_path(path, configuration_path_); };
  const auto& [folder, passphrase, only_own] = configuration.zone_keys;
  if (folder.empty()) return true;
  // What the folder is for comes with it, once: control cannot say otherwise later.
  return give_to_keykeeper(only_own ? channel::keep_zone_keys : channel::keep_shared_zone_keys,
                           open_zone_keys(whole(folder), kept_[channel::keep_state_folder])) &&
         (passphrase.empty() ||
          give_to_keykeeper(channel::keep_zone_passphrase, open_zone_passphrase(whole(passphrase))));
}

bool Control::give_key_secret() {
  return give_to_keykeeper(channel::keep_key_secret, open_key_secret(kept_[channel::keep_state_folder].get()));
}

/// Each reload reads again what the configuration names: files beside it, those that it has named by now, and the
/// authorities, which it has a name for by itself and may need only then.
std::set<std::string> Control::folders_to_read(const config::Configuration& configuration) const {
  std::set<std::string> files = named_files_;
  files.merge(server_files_of(configuration));
  if (!configuration.tls.authorities.empty()) files.insert(configuration.tls.authorities);
  if (configuration.resolution.local_root && !configuration.resolution.local_root->file.empty())
    files.insert(configuration.resolution.local_root->file);
  std::set<std::string> folders = folders_of(files, configuration_path_);
  if (!configuration_path_.empty()) folders.insert(folder_of(configuration_path_));
  return folders;
}

void Control::shut_the_door(const config::Configuration& configuration) {
  sandbox::Door door{.role = channel::Role::control, .reachable = {}};
  if (kept_[channel::keep_state_folder])
    door.reachable.push_back({.descriptor = kept_[channel::keep_state_folder].get(), .writable = true});
  door_is_shut_ = true;
  std::vector<channel::Descriptor> folders;
  for (const std::string& path : folders_to_read(configuration)) {
    folders.push_back(open_folder(path));
    if (folders.back() && !is_root_folder(folders.back()))
      door.reachable.push_back({.descriptor = folders.back().get(), .writable = false});
  }
  if (const auto entered = sandbox::enter(door); !entered)
    sandbox_trouble_ += (sandbox_trouble_.empty() ? "" : "; ") + entered.error();
  log::set(configuration.log.level, configuration.log.json);
  tell_monitor(
      channel::LogAs{.level = static_cast<std::uint8_t>(configuration.log.level), .json = configuration.log.json});
  tell_monitor(channel::Entered{.trouble = sandbox_trouble_});
  tell_monitor(channel::AcceptBestEffort{.accepted = !configuration.sandbox_required});
}

void Control::open_store() {
  if (store_ || !kept_[channel::keep_state_folder]) return;
  auto opened = store::Store::open(kept_[channel::keep_state_folder].get());
  if (!opened) {
    log::error("{}",
               log::printable(fmt::format("state: {}: the store of generations and trust anchors cannot be opened: {}",
                                          state_folder_, opened.error())));
    if (initial_) end(1);  // later, resolution goes on without it
    return;
  }
  store_ = *std::move(opened);
  reload_.set_store(&*store_);
  root_copy_.set_store(&*store_);
  anchor_tracker_.set_store(&*store_);
  negative_anchors_.set_store(&*store_);
  if (initial_) return;  // whatever stands in it about listeners is of a former life of all
  if (const auto text = store_->listeners()) reload_.set_standing(plan_from_text(*text));
}

void Control::serve_http() {
  api_.emplace(appliance());
  if (kept_[channel::keep_api_listener]) {
    servers_.push_back(std::make_unique<HttpServer>(
        loop_, HttpServer::Kind::unix_socket, kept_[channel::keep_api_listener].get(),
        [this](HttpRequest request, HttpServer::Respond respond) { api_->answer(request, std::move(respond)); }));
  }
  if (kept_[channel::keep_http_listener]) {
    servers_.push_back(std::make_unique<HttpServer>(loop_, HttpServer::Kind::tcp,
                                                    kept_[channel::keep_http_listener].get(),
                                                    [this](HttpRequest request, HttpServer::Respond respond) {
                                                      api_->answer_public(request, std::move(respond));
                                                    }));
  }
}

}  // namespace redoubt::control
