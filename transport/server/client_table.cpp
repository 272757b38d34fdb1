#include "transport/server/client_table.hpp"

#include <algorithm>
#include <array>

#include "transport/limits.hpp"
#include "transport/server/connection.hpp"

namespace redoubt::transport {

dns::IpAddress client_of(const dns::IpAddress& address) {
  static_assert(client_prefix_v4 == 32 && client_prefix_v6 % 8 == 0);
  if (!address.is_v6()) return address;
  std::array<std::uint8_t, 16> octets{};
  std::ranges::copy(address.octets().first(client_prefix_v6 / 8), octets.begin());
  return dns::IpAddress::v6(octets);
}

void ClientTable::add(const dns::IpAddress& address, Connection& connection) {
  clients_[client_of(address)].push_back(&connection);
}

void ClientTable::remove(const dns::IpAddress& address, const Connection& connection) {
  const auto client = clients_.find(client_of(address));
  if (client == clients_.end()) return;
  std::erase(client->second, &connection);
  if (client->second.empty()) clients_.erase(client);
}

std::size_t ClientTable::connections_of(const dns::IpAddress& address) const {
  const auto client = clients_.find(client_of(address));
  return client == clients_.end() ? 0 : client->second.size();
}

Connection* ClientTable::longest_idle(const dns::IpAddress& address) const {
  const auto client = clients_.find(client_of(address));
  if (client == clients_.end()) return nullptr;
  Connection* longest = nullptr;
  for (Connection* connection : client->second) {
    const auto since = connection->idle_since();
    if (since && (longest == nullptr || *since < *longest->idle_since())) longest = connection;
  }
  return longest;
}

}  // namespace redoubt::transport
