#pragma once
// The certificate of the encrypted listeners: asked of keykeeper (self-signed) or read by it from files, handed to
// transport, watched for change and expiry. No private key passes here.
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "appliance/channel/async_channel.hpp"
#include "appliance/channel/control_transport.hpp"
#include "appliance/channel/keykeeper_clients.hpp"
#include "appliance/channel/monitor_child.hpp"
#include "appliance/config/configuration.hpp"

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

class Certificates {
 public:
  using TellMonitor = std::function<void(const channel::ChildToMonitor&)>;
  using TellTransport = std::function<bool(const channel::UseCertificate&)>;
  /// There is no certificate, and why.
  using OnTrouble = std::function<void(const std::string&)>;

  Certificates(boost::asio::io_context& loop, TellMonitor tell_monitor, TellTransport tell_transport,
               OnTrouble on_trouble);

  /// Where the self-signed one is kept for people to fetch, and found again: by descriptor, which outlives this.
  void keep_in(int state_folder) { state_folder_ = state_folder; }
  /// What is configured, from now on.
  void use(const config::Configuration& configuration, const std::string& configuration_path,
           const std::vector<dns::IpAddress>& own_addresses);

  /// A fresh channel to keykeeper, which knows of no key.
  void attach_keykeeper(channel::Channel channel);
  /// transport is there, and has no certificate.
  void on_transport();
  void on_taken(const channel::CertificateTaken& taken) const;
  void on_files_missing(const channel::TlsFilesMissing& missing);

  std::optional<std::int64_t> expires_at() const { return expires_at_; }

 private:
  void hear(const channel::Received& received);
  void look();
  void look_again();
  void have(channel::CertificateChain chain);
  void fail(const std::string& trouble);
  void warn_of_expiry();
  bool self_signed() const { return certificate_path_.empty(); }
  std::vector<std::uint8_t> read_former() const;
  void write_for_people(const std::vector<std::uint8_t>& certificate) const;

  channel::AsyncChannel keykeeper_;
  boost::asio::steady_timer timer_;
  TellMonitor tell_monitor_;
  TellTransport tell_transport_;
  OnTrouble on_trouble_;
  int state_folder_ = -1;
  bool wanted_ = false;  ///< some listener is encrypted
  CertificateNames names_;
  std::string certificate_path_;  ///< empty: self-signed
  std::string key_path_;
  channel::RequestId last_id_ =
      static_cast<channel::RequestId>(std::chrono::steady_clock::now().time_since_epoch().count());
  channel::CertificateChain chain_;
  std::optional<std::int64_t> expires_at_;
  std::optional<int> warned_;
  std::string last_trouble_;
};

}  // namespace redoubt::control
