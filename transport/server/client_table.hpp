#pragma once
// How many connections each client has, clients being told apart by prefix (limits.hpp).
#include <map>
#include <vector>

#include "dns/address.hpp"

namespace redoubt::transport {

class Connection;

/// The part of an address that stands for one client: the bits behind its prefix are zero.
dns::IpAddress client_of(const dns::IpAddress& address);

class ClientTable {
 public:
  void add(const dns::IpAddress& address, Connection& connection);
  void remove(const dns::IpAddress& address, const Connection& connection);
  std::size_t connections_of(const dns::IpAddress& address) const;
  /// The one of that client's that has been idle for longest; null when none is idle.
  Connection* longest_idle(const dns::IpAddress& address) const;

 private:
  /// An ordered map: nobody outside can choose addresses that collide.
  std::map<dns::IpAddress, std::vector<Connection*>> clients_;
};

}  // namespace redoubt::transport
