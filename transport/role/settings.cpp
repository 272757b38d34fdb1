#include "transport/role/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "appliance/snapshot/cache_shares.hpp"
#include "snapshot_generated.h"
#include "transport/tls/client_authorities.hpp"

namespace redoubt::transport {

namespace flat = snapshot::flat;

namespace {

dns::IpAddress address_from(const flat::Address& address) {
  std::array<std::uint8_t, 16> octets{};
  std::ranges::copy(*address.octets(), octets.begin());
  if (address.v6()) return dns::IpAddress::v6(octets);
  return dns::IpAddress::v4({octets[0], octets[1], octets[2], octets[3]});
}

std::expected<ClientTrust, std::string> trust_from(const flat::Snapshot& snapshot) {
  ClientTrust trust;
  if (snapshot.resolution()->opportunistic_tls()) trust.strangers_at = dot_port;
  if (snapshot.tls_servers() == nullptr || snapshot.tls_authorities() == nullptr) return trust;
  for (const flat::TlsServer* row : *snapshot.tls_servers()) {
    ServerIdentity identity{
        .name = row->name()->str(), .pins = {}, .anybody = row->anybody(), .path = row->path()->str()};
    const std::span pins{row->pins()->data(), row->pins()->size()};
    if (pins.size() % std::tuple_size_v<KeyPin> != 0) return std::unexpected{"a server's pins are none"};
    for (std::size_t at = 0; at < pins.size(); at += std::tuple_size_v<KeyPin>)
      std::ranges::copy(pins.subspan(at, std::tuple_size_v<KeyPin>), identity.pins.emplace_back().begin());
    trust.servers.emplace(dns::Endpoint{address_from(*row->at()->address()), row->at()->port()}, std::move(identity));
  }
  for (const flat::Certificate* row : *snapshot.tls_authorities())
    trust.authorities.emplace_back(row->der()->begin(), row->der()->end());
  return trust;
}

}  // namespace

std::expected<Settings, std::string> settings_from(const flat::Snapshot& snapshot) {
  Settings settings;
  settings.generation = snapshot.generation();
  if (snapshot.cache() == nullptr) return std::unexpected{"there is no cache"};
  settings.near_octets = snapshot::packet_octets_of_transport(snapshot.cache()->size());
  for (const flat::Limit* limit : *snapshot.limits()) {
    const std::string_view name = limit->name()->string_view();
    const bool ours = std::ranges::find(limit_rows(), name, &dns::LimitRow::name) != limit_rows().end();
    if (ours && !settings.limits.set(name, limit->value()))
      return std::unexpected{fmt::format("limit {} is out of range: {}", name, limit->value())};
  }
  for (const flat::Address* address : *snapshot.resolution()->outgoing_addresses())
    settings.outgoing_addresses.push_back(address_from(*address));
  auto trust = trust_from(snapshot);
  if (!trust) return std::unexpected{trust.error()};
  settings.trust = *std::move(trust);
  for (const flat::Listener* listener : *snapshot.listeners()) {
    if (!listener->tcp() && !listener->tls() && !listener->https()) continue;
    const Protocol protocol = listener->tls() ? Protocol::tls : listener->https() ? Protocol::https : Protocol::tcp;
    ListenerManner manner{protocol, listener->path()->str(), nullptr};
    if (protocol != Protocol::tcp && listener->client_authorities() != nullptr &&
        listener->client_authorities()->size() != 0) {
      std::vector<std::vector<std::uint8_t>> authorities;
      for (const flat::Certificate* row : *listener->client_authorities())
        authorities.emplace_back(row->der()->begin(), row->der()->end());
      manner.clients = ClientAuthorities::make(authorities, listener->client_certificate_required());
      if (!manner.clients) return std::unexpected{"an authority of clients cannot be read"};
    }
    settings.listeners.insert_or_assign(listener->id(), std::move(manner));
  }
  return settings;
}

bool Settings::encrypted() const {
  return std::ranges::any_of(listeners, [](const auto& row) { return row.second.protocol != Protocol::tcp; });
}

}  // namespace redoubt::transport
