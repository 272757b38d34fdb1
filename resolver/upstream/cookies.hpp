#pragma once
// DNS cookies towards servers (RFC 7873, RFC 9018): what we send to which server, and what each has given us. 64 bits
// that somebody who is not on the way cannot know. Bounded; shared by workers. The table is cut into parts by the
// servers' networks: who has a whole IPv6 site to himself can make us forget the cookies of few others with it.
#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <vector>

#include "dns/address.hpp"
#include "dns/edns.hpp"
#include "dns/name.hpp"
#include "resolver/guards.hpp"
#include "resolver/upstream/recent_table.hpp"

namespace redoubt::resolver {

class Cookies {
 public:
  static constexpr std::size_t parts = 256;
  static constexpr std::size_t max_servers_in_part = 40;
  static constexpr std::size_t max_servers = parts * max_servers_in_part;

  /// key: secret, fresh for each process: our cookies cannot be told in advance, and change with every start.
  explicit Cookies(const dns::HashKey& key, const Guards& guards = {});

  /// For a query to that server: the client's part, and the server's if it gave us one.
  dns::Cookie cookie_for(const dns::IpAddress& server) const;
  /// Whether the server has given us one: then a datagram without our own part is not from it.
  bool is_expected_of(const dns::IpAddress& server) const;
  /// It sent our part back with its own. Lengths other than those of RFC 7873 never get here.
  void learn(const dns::IpAddress& server, const std::vector<std::uint8_t>& server_part);
  /// It speaks none any more: it said so where nobody else could have (TCP).
  void forget(const dns::IpAddress& server);
  std::size_t size() const;

 private:
  static constexpr std::size_t most_octets = 32;  // RFC 7873 §4
  struct ServerPart {
    std::array<std::uint8_t, most_octets> octets{};
    std::uint8_t length = 0;
  };
  struct Hash {
    dns::HashKey key;
    std::size_t operator()(const dns::IpAddress& address) const;
  };

  using Part = RecentTable<dns::IpAddress, ServerPart, Hash>;
  std::size_t part_of(const dns::IpAddress& server) const;

  dns::HashKey key_;
  Guards guards_;
  mutable std::mutex lock_;  // guards the table
  std::vector<Part> servers_;
};

}  // namespace redoubt::resolver
