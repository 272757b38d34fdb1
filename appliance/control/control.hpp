#pragma once
// The control role from its first message to its end.
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "appliance/channel/async_channel.hpp"
#include "appliance/channel/monitor_child.hpp"
#include "appliance/config/check.hpp"
#include "appliance/control/anchor_tracker.hpp"
#include "appliance/control/api.hpp"
#include "appliance/control/certificates.hpp"
#include "appliance/control/http_server.hpp"
#include "appliance/control/kept_cache.hpp"
#include "appliance/control/negative_anchors.hpp"
#include "appliance/control/reload.hpp"
#include "appliance/control/root_copy.hpp"
#include "appliance/control/server_files.hpp"
#include "appliance/control/siblings.hpp"
#include "appliance/control/zone_key_desk.hpp"
#include "appliance/store/store.hpp"

namespace redoubt::control {

class Control {
 public:
  /// sandbox_trouble: what of the first step of the sandbox failed; empty is the rule.
  explicit Control(std::string sandbox_trouble);
  int run(channel::Channel monitor);

 private:
  enum class Phase : std::uint8_t { awaiting_configuration, starting, serving };
  /// One reading of the configuration file.
  struct Reading {
    std::string text;
    std::optional<config::Configuration> configuration;
    config::Places places{};
    bool sets_nothing = false;
    std::vector<std::string> faults;
    std::vector<std::string> warnings;
  };

  // control.cpp: messages from monitor, and what follows
  void hear(channel::Received received);
  void handle(const channel::Attach& message, channel::Descriptor descriptor);
  void handle(const channel::Kept& message, channel::Descriptor descriptor);
  void handle(const channel::ReadConfiguration& message, channel::Descriptor descriptor);
  void handle(const channel::ChildState& message);
  void on_all_ready();
  void tell_monitor(const channel::ChildToMonitor& message);
  Reading read(const channel::ReadConfiguration& message, const channel::Descriptor& file);
  config::Checked check(std::string_view text);
  std::expected<std::string, std::string> read_for_check(const std::string& path);
  void refuse_nothing(Reading& reading) const;
  void read_again(Reading reading);
  void examine(Reading reading);
  void apply(Reading reading);
  void done(const ChangeResult& result);
  void look_at_server_files();
  void renew_snapshot();
  void end(int exit_code);

  // start.cpp: the first configuration, up to serving
  void start(Reading reading, bool initial);
  bool fall_back(Reading& reading);
  bool prepare(const config::Configuration& configuration);
  bool keep(std::uint8_t slot, std::expected<channel::Descriptor, std::string> opened);
  bool give_to_keykeeper(std::uint8_t slot, const std::expected<channel::Descriptor, std::string>& opened);
  bool give_zone_keys(const config::Configuration& configuration);
  bool give_key_secret();
  std::set<std::string> folders_to_read(const config::Configuration& configuration) const;
  void shut_the_door(const config::Configuration& configuration);
  void open_store();
  void serve_http();

  Appliance appliance();
  std::vector<RoleState> roles() const;
  bool ready() const;
  MetricsSources sources() const;

  boost::asio::io_context loop_{1};
  channel::AsyncChannel monitor_;
  Siblings siblings_;
  Reload reload_;
  RootCopy root_copy_;
  KeptCache kept_cache_;
  AnchorTracker anchor_tracker_;
  NegativeAnchors negative_anchors_;
  Certificates certificates_;
  ZoneKeyDesk zone_key_desk_;
  ServerFiles server_files_;
  boost::asio::steady_timer server_files_timer_;
  boost::asio::steady_timer renewal_timer_;  ///< for a snapshot that could not be handed over
  bool server_files_changed_ = false;        ///< since the snapshot in force
  bool anchors_changed_ = false;             ///< the same
  std::optional<store::Store> store_;
  std::optional<Api> api_;
  std::vector<std::unique_ptr<HttpServer>> servers_;
  std::array<channel::Descriptor, channel::keep_slots> kept_;

  Phase phase_ = Phase::awaiting_configuration;
  bool initial_ = true;  ///< whether the start of the whole appliance hangs on us
  bool ready_said_ = false;
  bool all_ready_ = false;
  int exit_code_ = 0;
  std::vector<std::string> start_troubles_;  ///< told already; the start goes on to hear of others, and then fails
  std::string sandbox_trouble_;
  std::string configuration_path_;
  std::set<std::string> named_files_;  ///< that a configuration has named while the door was open
  bool door_is_shut_ = false;
  std::string state_folder_ = "state folder";  ///< for messages; the folder itself is a kept descriptor
  std::string text_in_force_;
  config::Places places_in_force_;  ///< of the values in that text
  bool nothing_in_force_ = false;   ///< that text sets nothing: the defaults were asked for
  std::map<channel::Role, channel::ChildState> children_;
  std::optional<Reading> next_;  ///< read while a change was under way; the newest one counts
  std::vector<dns::IpAddress> own_addresses_;
  bool examining_ = false;  ///< keykeeper looks at the certificates of a reading
  Reading current_;         ///< the reading whose change is under way
  LastReload last_;
  std::vector<std::function<void(const ReloadAnswer&)>> reloaders_;          ///< wait for the next reading
  std::vector<std::function<void(const ReloadAnswer&)>> current_reloaders_;  ///< wait for the change under way
  std::uint64_t reloads_succeeded_ = 0;
  std::uint64_t reloads_failed_ = 0;
  std::int64_t started_at_ = 0;
  std::int64_t up_since_ = 0;  ///< monitor's start, which outlives ours; seconds since 1970
};

}  // namespace redoubt::control
