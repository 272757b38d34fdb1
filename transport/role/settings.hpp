#pragma once
// What of a snapshot concerns transport.
#include <cstddef>
#include <cstdint>
#include <expected>
#include <map>
#include <string>
#include <vector>

#include "dns/address.hpp"
#include "transport/client/client_tls.hpp"
#include "transport/limits.hpp"
#include "transport/server/query_taker.hpp"

namespace redoubt::snapshot::flat {
struct Snapshot;
}

namespace redoubt::transport {

struct Settings {
  std::uint64_t generation = 0;
  Limits limits;
  std::size_t near_octets = 0;  ///< of answers that are kept here
  std::vector<dns::IpAddress> outgoing_addresses;
  ClientTrust trust;  ///< in servers that are asked by TLS
  /// Listeners that take streams: the sockets to wait for before we are ready.
  std::map<ListenerId, ListenerManner> listeners;
  bool encrypted() const;
};

/// A value that control's own check would not have let through is an error: that sender is not to be trusted.
std::expected<Settings, std::string> settings_from(const snapshot::flat::Snapshot& snapshot);

}  // namespace redoubt::transport
