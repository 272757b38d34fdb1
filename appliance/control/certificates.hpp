#pragma once
// The certificates of the encrypted listeners: asked of keykeeper (self-signed) or read by it from files, handed to
// transport, watched for change and expiry. No private key passes here.
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "appliance/channel/async_channel.hpp"
#include "appliance/channel/control_transport.hpp"
#include "appliance/channel/keykeeper_clients.hpp"
#include "appliance/channel/monitor_child.hpp"
#include "appliance/config/configuration.hpp"
#include "appliance/config/fault.hpp"

namespace redoubt::control {

/// What a self-signed certificate says: the names that were given, and the addresses of the encrypted listeners; those
/// of the machine where a listener stands at all of them.
struct CertificateNames {
  std::vector<std::string> names;
  std::vector<dns::IpAddress> addresses;
};
CertificateNames names_for(const config::Configuration& configuration, const std::vector<dns::IpAddress>& own);

/// When the first of the chain ends, in seconds since 1970; nothing when it cannot be read.
std::optional<std::int64_t> expiry_of(const std::vector<std::uint8_t>& certificate);

/// How many days before the end a warning is due, given how many are left: 30, 14, 7, 0 (it has ended); nothing before.
std::optional<int> warning_due(std::int64_t seconds_left);

/// What looking at the files of a configuration that is about to be used has brought. A fault: they cannot be used.
struct Examination {
  std::vector<std::string> faults;
  std::vector<std::string> warnings;
};

class Certificates {
 public:
  using TellMonitor = std::function<void(const channel::ChildToMonitor&)>;
  using TellTransport = std::function<bool(const channel::UseCertificate&)>;
  /// There is no certificate, and why.
  using OnTrouble = std::function<void(const std::string&)>;
  using OnExamined = std::function<void(const Examination&)>;

  Certificates(boost::asio::io_context& loop, TellMonitor tell_monitor, TellTransport tell_transport,
               OnTrouble on_trouble);

  /// Where the self-signed one is kept for people to fetch, and found again: by descriptor, which outlives this.
  void keep_in(int state_folder) { state_folder_ = state_folder; }
  /// Has the files of that configuration opened and read, and changes nothing. `then` comes once, from the loop or at
  /// once, unless another examination begins before. Where keykeeper does not answer that is a warning: it may be down,
  /// and what stands goes on.
  /// places: where the configuration's file has what.
  void examine(const config::Configuration& configuration, const std::string& configuration_path,
               const config::Places& places, OnExamined then);
  /// What is configured, from now on. What an examination has just read is shown to clients at once.
  void use(const config::Configuration& configuration, const std::string& configuration_path,
           const config::Places& places, const std::vector<dns::IpAddress>& own_addresses);

  /// A fresh channel to keykeeper, which knows of no key.
  void attach_keykeeper(channel::Channel channel);
  /// keykeeper's channel is here; what it answers about zone keys goes there, and that it is gone, or another one.
  void on_zone_keys(std::function<void(const channel::KeykeeperToControl&)> answer, std::function<void()> gone) {
    zone_keys_answer_ = std::move(answer);
    keykeeper_gone_ = std::move(gone);
  }
  /// False when keykeeper is not there to take it.
  bool ask_keykeeper(const channel::ControlToKeykeeper& message) { return keykeeper_.send(channel::encode(message)); }
  /// transport is there, and has no certificate.
  void on_transport();
  void on_taken(const channel::CertificateTaken& taken) const;
  void on_files_missing(const channel::TlsFilesMissing& missing);

  /// The first of all certificates to expire.
  std::optional<std::int64_t> expires_at() const;

 private:
  /// The settings that name a certificate's files, with their places: "redoubt.yaml:3:8: tls.key".
  struct Settings {
    std::string certificate;
    std::string key;
  };
  /// One that clients choose by name; the first one is for all others.
  struct Place {
    config::CertificateFiles files;  ///< empty: self-signed
    Settings settings{};
    channel::RequestId asked = 0;  ///< the newest question for it
    channel::CertificateChain chain{};
    std::optional<std::int64_t> expires_at{};
    std::optional<int> warned{};
    std::string last_trouble{};
    bool key_lost = false;  ///< a keykeeper began that has not seen the key of `chain`
    bool self_signed() const { return files.certificate.empty(); }
  };
  struct Examined {
    config::CertificateFiles files;
    Settings settings{};
    std::optional<channel::CertificateChain> chain{};
  };
  struct Examining {
    std::map<channel::RequestId, Examined> files;
    std::size_t open = 0;
    Examination found;
    OnExamined then;
  };

  void hear(const channel::Received& received);
  void look();
  void look_again();
  Place* asked(channel::RequestId id);
  static Settings settings_of(std::size_t index, const std::string& configuration_path, const config::Places& places);
  bool examined(channel::RequestId id, const std::string& trouble, bool of_key, const channel::TlsFilesRead* read);
  void end_examination();
  void have(Place& place, channel::CertificateChain chain);
  void show(const Place& place);
  void fail(Place& place, const std::string& trouble, bool of_key = false);
  static void warn_of_expiry(Place& place);
  std::vector<std::uint8_t> read_former() const;
  void write_for_people(const std::vector<std::uint8_t>& certificate) const;

  channel::AsyncChannel keykeeper_;
  boost::asio::steady_timer timer_;
  boost::asio::steady_timer patience_;  ///< of an examination
  TellMonitor tell_monitor_;
  TellTransport tell_transport_;
  OnTrouble on_trouble_;
  std::function<void(const channel::KeykeeperToControl&)> zone_keys_answer_;
  std::function<void()> keykeeper_gone_;
  int state_folder_ = -1;
  bool wanted_ = false;  ///< some listener is encrypted
  CertificateNames names_;
  std::vector<Place> places_{1};
  std::optional<Examining> examining_;
  std::vector<Examined> fresh_;  ///< what the last examination has read
  channel::RequestId last_id_ =
      static_cast<channel::RequestId>(std::chrono::steady_clock::now().time_since_epoch().count());
};

}  // namespace redoubt::control
