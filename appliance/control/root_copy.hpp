#pragma once
// The root zone as a local copy (RFC 8806): fetched or read, verified whole by its digest (RFC 8976), kept in the
// store, handed to the resolver, renewed, and given up well before it expires. Without one, or with a bad one,
// resolution goes by the root's servers.
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "appliance/channel/channel.hpp"
#include "appliance/config/configuration.hpp"
#include "appliance/control/siblings.hpp"
#include "appliance/control/zone_fetch.hpp"
#include "appliance/store/store.hpp"

namespace redoubt::control {

class RootCopy {
 public:
  /// What status tells.
  struct State {
    bool wanted = false;
    std::optional<std::uint32_t> serial;  ///< of the copy in use
    std::int64_t until = 0;               ///< seconds since 1970
    std::string trouble;                  ///< of the last attempt; empty: it went well
  };

  RootCopy(boost::asio::io_context& loop, Siblings& siblings);

  /// The store may be missing: then a copy does not outlive this process.
  void set_store(store::Store* store) { store_ = store; }
  /// At each configuration that comes into force. Relative files are taken from the folder of configuration_path.
  void use(const config::Configuration& configuration, const std::string& configuration_path);
  /// A role's channel came or went.
  void on_attachment(channel::Role role, bool attached);
  State state() const;

 private:
  struct Copy {
    channel::Descriptor records;
    std::uint32_t serial;
    std::chrono::seconds refresh;
    std::chrono::seconds retry;
    std::chrono::seconds expire;
    std::int64_t until;  ///< seconds since 1970
  };

  void drop();
  void recall();
  void renew();
  void renew_from_file();
  void renew_from_servers();
  void fetched(ZoneFetch::Result result);
  void prolong();
  std::expected<void, std::string> take(const std::vector<dns::Record>& records, std::int64_t obtained_at);
  void remember(const std::vector<dns::Record>& records);
  void hand_over();
  void failed(std::string why);
  void again_in(std::chrono::seconds time);

  Siblings& siblings_;
  boost::asio::steady_timer timer_;
  ZoneFetch fetch_;
  store::Store* store_ = nullptr;
  std::optional<config::LocalRoot> setting_;  ///< nothing: no copy is wanted
  std::vector<dns::Endpoint> servers_;
  std::string configuration_path_;
  std::string file_text_digest_;  ///< of the file that was read last
  std::optional<Copy> copy_;
  std::string trouble_;
};

/// Those that give the root zone to anybody (RFC 8806 appendix A), in random order, of the families in use.
std::vector<dns::Endpoint> root_transfer_servers(bool ipv4, bool ipv6);
/// Those that the configuration wants.
std::vector<dns::Endpoint> servers_of(const config::Resolution& resolution);

}  // namespace redoubt::control
