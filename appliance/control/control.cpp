#include "appliance/control/control.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <ctime>
#include <utility>
#include <variant>

#include "appliance/config/limits.hpp"
#include "appliance/config/yaml.hpp"
#include "appliance/control/files.hpp"
#include "appliance/log/log.hpp"

namespace redoubt::control {

namespace {

using channel::Role;

// API clients that may wait for one reload; each has a connection of its own.
constexpr std::size_t max_reloaders = max_http_connections;

/// Between two looks at files that name servers.
constexpr std::chrono::seconds server_files_period{2};
constexpr std::chrono::seconds renewal_period{5};

std::int64_t seconds_since_1970() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

}  // namespace

Control::Control(std::string sandbox_trouble)
    : monitor_{loop_.get_executor()},
      siblings_{loop_,
                [this](Role role, std::uint64_t generation, const std::string& trouble) {
                  reload_.on_taken(role, generation, trouble);
                  if (role == Role::resolver && trouble.empty()) kept_cache_.on_resolver_ready();
                },
                [this](Role role, bool attached) {
                  reload_.on_attachment(role, attached);
                  root_copy_.on_attachment(role, attached);
                  if (role == Role::resolver) kept_cache_.on_resolver_gone();  // a fresh channel: a fresh resolver
                  if (role == Role::transport && attached) certificates_.on_transport();
                }},
      reload_{loop_, siblings_, [this](const channel::ChildToMonitor& message) { tell_monitor(message); }},
      root_copy_{loop_, siblings_},
      kept_cache_{loop_, siblings_},
      anchor_tracker_{loop_, siblings_,
                      [this] {
                        anchors_changed_ = true;
                        renew_snapshot();
                      }},
      negative_anchors_{loop_,
                        [this] {
                          anchors_changed_ = true;
                          renew_snapshot();
                        }},
      certificates_{
          loop_, [this](const channel::ChildToMonitor& message) { tell_monitor(message); },
          [this](const channel::UseCertificate& certificate) { return siblings_.use_certificate(certificate); },
          [this](const std::string&) {
            if (initial_ && !all_ready_) end(1);  // the start is to fail, and has said why
          }},
      zone_key_desk_{
          loop_, [this](const channel::ControlToKeykeeper& message) { return certificates_.ask_keykeeper(message); }},
      server_files_timer_{loop_},
      renewal_timer_{loop_},
      sandbox_trouble_{std::move(sandbox_trouble)},
      started_at_{seconds_since_1970()} {
  reload_.set_description([this](const config::Configuration& configuration, config::Circumstances& circumstances) {
    anchor_tracker_.describe(configuration, circumstances);
    negative_anchors_.describe(circumstances);
  });
  siblings_.on_kept_cache_written(
      [this](const channel::KeptCacheWritten& written) { kept_cache_.on_written(written); });
  siblings_.on_flush([this] { kept_cache_.forget(); }, [this] { kept_cache_.begin_anew(); });
  certificates_.on_zone_keys([this](const channel::KeykeeperToControl& answer) { zone_key_desk_.on_answer(answer); },
                             [this] { zone_key_desk_.on_keykeeper_gone(); });
  siblings_.on_certificate_taken([this](const channel::CertificateTaken& taken) { certificates_.on_taken(taken); });
}

int Control::run(channel::Channel monitor) {
  monitor_.attach(
      std::move(monitor), [this](channel::Received received) { hear(std::move(received)); }, [this] { end(0); });
  loop_.run();
  return exit_code_;
}

void Control::end(int exit_code) {
  reload_.start_failed();
  exit_code_ = exit_code;
  loop_.stop();
}

void Control::tell_monitor(const channel::ChildToMonitor& message) {
  if (!monitor_.send(channel::encode(message))) log::warning("monitor does not take a message");
}

void Control::hear(channel::Received received) {
  if (loop_.stopped()) return;  // we are ending; what came in the same breath would only find us half gone
  const auto message = channel::decode_monitor_to_child(received.octets);
  if (!message || received.descriptors.size() != channel::descriptors_of(*message)) {
    log::error("monitor sent a message that cannot be read; ending");
    return end(1);
  }
  channel::Descriptor descriptor;
  if (!received.descriptors.empty()) descriptor = std::move(received.descriptors.front());
  if (const auto* attach = std::get_if<channel::Attach>(&*message))
    handle(*attach, std::move(descriptor));
  else if (const auto* kept = std::get_if<channel::Kept>(&*message))
    handle(*kept, std::move(descriptor));
  else if (const auto* file = std::get_if<channel::ReadConfiguration>(&*message))
    handle(*file, std::move(descriptor));
  else if (const auto* result = std::get_if<channel::BindResult>(&*message))
    reload_.on_bind_result(*result);
  else if (const auto* state = std::get_if<channel::ChildState>(&*message))
    handle(*state);
  else if (const auto* log_as = std::get_if<channel::LogAs>(&*message))
    log::set(static_cast<log::Level>(log_as->level), log_as->json);
  else if (const auto* missing = std::get_if<channel::TlsFilesMissing>(&*message))
    certificates_.on_files_missing(*missing);
  else if (std::holds_alternative<channel::Stop>(*message))
    kept_cache_.finish([this] { end(0); });
  else if (std::holds_alternative<channel::AllReady>(*message))
    on_all_ready();
  // TakeSocket, DropListener and TlsFile are not for us.
}

void Control::on_all_ready() {
  all_ready_ = true;
  reload_.start_is_through();
}

void Control::handle(const channel::Attach& message, channel::Descriptor descriptor) {
  channel::Channel channel{std::move(descriptor)};
  if (message.peer == Role::keykeeper) return certificates_.attach_keykeeper(std::move(channel));
  siblings_.attach(message.peer, std::move(channel));
}

void Control::handle(const channel::Kept& message, channel::Descriptor descriptor) {
  if (message.slot < kept_.size()) kept_[message.slot] = std::move(descriptor);
}

void Control::handle(const channel::ChildState& message) { children_.insert_or_assign(message.role, message); }

void Control::handle(const channel::ReadConfiguration& message, channel::Descriptor descriptor) {
  configuration_path_ = message.path;
  up_since_ = static_cast<std::int64_t>(message.since);
  Reading reading = read(message, descriptor);
  if (!message.initial) refuse_nothing(reading);
  for (const std::string& fault : reading.faults) log::error("{}", fault);
  for (const std::string& warning : reading.warnings) log::warning("{}", warning);
  last_ = {.at = seconds_since_1970(), .faults = reading.faults, .warnings = reading.warnings};
  if (phase_ == Phase::awaiting_configuration) return start(std::move(reading), message.initial);
  read_again(std::move(reading));
}

Control::Reading Control::read(const channel::ReadConfiguration& message, const channel::Descriptor& file) {
  Reading reading;
  if (!message.opened && !message.path.empty()) {
    reading.faults.push_back(log::printable(message.trouble));
    return reading;
  }
  if (message.opened) {
    auto text = read_all(file.get(), config::max_file_octets);
    if (!text) {
      reading.faults.push_back(fmt::format("{}: {}", log::printable(message.path), text.error()));
      return reading;
    }
    reading.text = *std::move(text);
  }
  config::Checked checked = check(reading.text);
  for (const config::Remark& fault : checked.remarks.faults) reading.faults.push_back(fault.to_text(message.path));
  for (const config::Remark& warning : checked.remarks.warnings)
    reading.warnings.push_back(warning.to_text(message.path));
  reading.configuration = std::move(checked.configuration);
  reading.places = std::move(checked.places);
  reading.sets_nothing = checked.sets_nothing;
  return reading;
}

/// While we run, a file that sets nothing is one that was cut off or is being written: what it would bring into force
/// is the defaults in place of all that was configured.
void Control::refuse_nothing(Reading& reading) const {
  if (!reading.sets_nothing || configuration_path_.empty() || nothing_in_force_) return;
  reading.configuration.reset();
  reading.faults.push_back(fmt::format(
      "{}: found no setting in it, expected some: a reload with an empty file would put the defaults in the "
      "place of all that is configured ({{}} asks for that)",
      log::printable(configuration_path_)));
}

config::Checked Control::check(std::string_view text) {
  return config::check(text, {.limits = config::all_limits(),
                              .read_file = [this](const std::string& path) { return read_for_check(path); }});
}

std::expected<std::string, std::string> Control::read_for_check(const std::string& path) {
  auto text = read_named_file(path, configuration_path_);
  if (!door_is_shut_) {
    named_files_.insert(path);
  } else if (!text && text.error() == std::strerror(EACCES)) {
    text.error() += "; control can read in the folders that were named at its start, and never in /";
  }
  return text;
}

void Control::read_again(Reading reading) {
  if (!reading.configuration) {
    ++reloads_failed_;
    log::error("the configuration is not changed: {} fault{}", reading.faults.size(),
               reading.faults.size() == 1 ? "" : "s");
    const ReloadAnswer answer{
        {.generation = reload_.in_force() ? reload_.in_force()->generation : 0, .faults = reading.faults},
        reading.warnings};
    for (const auto& reloader : std::exchange(reloaders_, {})) reloader(answer);
    return;
  }
  if (reload_.busy() || examining_) {
    next_ = std::move(reading);
    return;
  }
  examine(std::move(reading));
}

/// Certificates that do not fit their keys are a fault of the configuration, as far as its reload is concerned. What
/// changes in the files later is reported and leaves the former ones in use.
void Control::examine(Reading reading) {
  examining_ = true;
  const config::Configuration configuration = *reading.configuration;
  const config::Places places = reading.places;
  certificates_.examine(configuration, configuration_path_, places,
                        [this, reading = std::move(reading)](const Examination& found) mutable {
                          examining_ = false;
                          reading.warnings.insert(reading.warnings.end(), found.warnings.begin(), found.warnings.end());
                          for (const std::string& warning : found.warnings) log::warning("{}", warning);
                          last_.warnings = reading.warnings;
                          if (found.faults.empty()) return apply(std::move(reading));
                          for (const std::string& fault : found.faults) log::error("{}", fault);
                          reading.configuration.reset();
                          reading.faults = found.faults;
                          last_.faults = found.faults;
                          read_again(std::move(reading));
                          if (reload_.busy()) return;
                          if (!next_) return renew_snapshot();  // what had to wait for this
                          examine(*std::exchange(next_, std::nullopt));
                        });
}

void Control::apply(Reading reading) {
  if (reload_.in_force()) {
    for (const std::string_view key :
         config::keep_what_is_fixed(reload_.in_force()->configuration, *reading.configuration)) {
      reading.warnings.push_back(fmt::format("{}: {}: the new value takes effect at the next start",
                                             log::printable(configuration_path_), key));
      log::warning("{}", reading.warnings.back());
    }
    last_.warnings = reading.warnings;
  }
  current_reloaders_ = std::exchange(reloaders_, {});
  current_ = std::move(reading);
  server_files_.use(*current_.configuration, configuration_path_);
  certificates_.keep_in(kept_[channel::keep_state_folder].get());
  certificates_.use(*current_.configuration, configuration_path_, current_.places, own_addresses_);
  reload_.set_servers_in_files(server_files_.servers());
  reload_.begin(
      *current_.configuration, current_.text, [this](const ChangeResult& result) { done(result); }, start_troubles_);
}

void Control::done(const ChangeResult& result) {
  const bool good = result.faults.empty();
  for (const std::string& fault : result.faults) {
    if (std::ranges::find(start_troubles_, fault) == start_troubles_.end()) log::error("{}", fault);
  }
  last_.warnings.insert(last_.warnings.end(), result.warnings.begin(), result.warnings.end());
  if (!good) last_.faults = result.faults;
  if (phase_ == Phase::serving) ++(good ? reloads_succeeded_ : reloads_failed_);
  if (!good && phase_ == Phase::starting && initial_) return end(1);
  if (good) {
    const config::Logging& logging = current_.configuration->log;
    log::set(logging.level, logging.json);
    tell_monitor(channel::LogAs{.level = static_cast<std::uint8_t>(logging.level), .json = logging.json});
    phase_ = Phase::serving;
    text_in_force_ = current_.text;
    places_in_force_ = current_.places;
    nothing_in_force_ = current_.sets_nothing;
    root_copy_.use(*current_.configuration, configuration_path_);
    kept_cache_.keep_in(kept_[channel::keep_state_folder].get());
    kept_cache_.use(current_.configuration->cache, initial_ && !ready_said_);
    anchor_tracker_.use(*current_.configuration);
    if (!std::exchange(ready_said_, true)) tell_monitor(channel::Ready{});
  } else {
    if (reload_.in_force()) {
      server_files_.use(reload_.in_force()->configuration, configuration_path_);
      certificates_.use(reload_.in_force()->configuration, configuration_path_, places_in_force_, own_addresses_);
    }
    log::error("the configuration is not changed");
  }
  look_at_server_files();
  ReloadAnswer answer{result, current_.warnings};
  answer.warnings.insert(answer.warnings.end(), result.warnings.begin(), result.warnings.end());
  for (const auto& reloader : std::exchange(current_reloaders_, {})) reloader(answer);
  if (!next_) return renew_snapshot();
  examine(*std::exchange(next_, std::nullopt));
}

/// A file that names other servers makes a new snapshot of the same configuration. While a change is under way, that
/// waits for the next look.
void Control::look_at_server_files() {
  if (server_files_.servers().empty()) return;
  server_files_timer_.expires_after(server_files_period);
  server_files_timer_.async_wait([this](const boost::system::error_code& error) {
    if (error) return;
    server_files_changed_ = server_files_.look() || server_files_changed_;
    look_at_server_files();
    renew_snapshot();
  });
}

/// Another snapshot of the same configuration, for what it says beside the file has changed. What fails is tried again
/// after a while: an anchor that was revoked must not be believed until somebody reloads.
void Control::renew_snapshot() {
  if ((!server_files_changed_ && !anchors_changed_) || !reload_.in_force() || reload_.busy() || examining_) return;
  server_files_changed_ = false;
  anchors_changed_ = false;
  reload_.set_servers_in_files(server_files_.servers());
  reload_.begin(reload_.in_force()->configuration, text_in_force_, [this](const ChangeResult& result) {
    for (const std::string& fault : result.faults) log::error("{}", fault);
    if (!result.faults.empty()) {
      server_files_changed_ = !server_files_.servers().empty();
      anchors_changed_ = true;
      renewal_timer_.expires_after(renewal_period);
      renewal_timer_.async_wait([this](const boost::system::error_code& error) {
        if (!error) renew_snapshot();
      });
    }
    if (next_) return examine(*std::exchange(next_, std::nullopt));
    if (result.faults.empty()) renew_snapshot();
  });
}

Appliance Control::appliance() {
  return {.roles = [this] { return roles(); },
          .in_force = [this]() -> const std::optional<InForce>& { return reload_.in_force(); },
          .ready = [this] { return ready(); },
          .last_reload = [this] { return last_; },
          .sources = [this] { return sources(); },
          .reload =
              [this](std::function<void(const ReloadAnswer&)> reloader) {
                if (reloaders_.size() >= max_reloaders)
                  return reloader(
                      {.result = {.generation = 0, .faults = {"too many wait for a reload already"}}, .warnings = {}});
                reloaders_.push_back(std::move(reloader));
                tell_monitor(channel::RequestReload{});
              },
          .root_copy = [this] { return root_copy_.state(); },
          .anchors = [this]() -> const AnchorTracker::Rows& { return anchor_tracker_.rows(); },
          .negative_anchors = &negative_anchors_,
          .configuration_path = configuration_path_,
          .siblings = &siblings_,
          .zone_keys = &zone_key_desk_};
}

std::vector<RoleState> Control::roles() const {
  std::vector<RoleState> states;
  for (const auto& [role, child] : children_)
    states.push_back(
        {.role = role, .up = child.up, .pid = child.pid, .restarts = child.restarts, .stuck = child.stuck});
  return states;
}

bool Control::ready() const {
  const auto serves = [this](Role role) { return siblings_.attached(role) && reload_.is_up_to_date(role); };
  return reload_.in_force() && serves(Role::resolver) && serves(Role::transport) &&
         std::ranges::all_of(children_, [](const auto& row) { return row.second.up; });
}

MetricsSources Control::sources() const {
  MetricsSources sources;
  sources.roles = roles();
  if (const auto& in_force = reload_.in_force()) {
    sources.generation = in_force->generation;
    sources.generation_since = in_force->since;
  }
  sources.reloads_succeeded = reloads_succeeded_;
  sources.reloads_failed = reloads_failed_;
  sources.last_reload_succeeded = last_.faults.empty();
  sources.started_at = started_at_;
  sources.up_since = up_since_;
  timespec used{};
  if (::clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used) == 0)
    sources.cpu_seconds = static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
  for (const auto& server : servers_) sources.requests += server->requests();
  sources.version = REDOUBT_VERSION;
  sources.certificate_expires_at = certificates_.expires_at();
  for (const auto& [zone, row] : anchor_tracker_.rows()) {
    const std::int64_t at = row.point.observed_at;
    sources.anchors_seen_at = sources.anchors_seen_at ? std::min(*sources.anchors_seen_at, at) : at;
  }
  sources.negative_anchors = negative_anchors_.list().size();
  return sources;
}

}  // namespace redoubt::control
