#include "transport/role/settings.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "snapshot_generated.h"

namespace redoubt::transport {

namespace flat = snapshot::flat;

namespace {

dns::IpAddress address_from(const flat::Address& address) {
  std::array<std::uint8_t, 16> octets{};
  std::ranges::copy(*address.octets(), octets.begin());
  if (address.v6()) return dns::IpAddress::v6(octets);
  return dns::IpAddress::v4({octets[0], octets[1], octets[2], octets[3]});
}

}  // namespace

std::expected<Settings, std::string> settings_from(const flat::Snapshot& snapshot) {
  Settings settings;
  settings.generation = snapshot.generation();
  for (const flat::Limit* limit : *snapshot.limits()) {
    const std::string_view name = limit->name()->string_view();
    const bool ours = std::ranges::find(limit_rows(), name, &dns::LimitRow::name) != limit_rows().end();
    if (ours && !settings.limits.set(name, limit->value()))
      return std::unexpected{fmt::format("limit {} is out of range: {}", name, limit->value())};
  }
  for (const flat::Address* address : *snapshot.resolution()->outgoing_addresses())
    settings.outgoing_addresses.push_back(address_from(*address));
  for (const flat::Listener* listener : *snapshot.listeners()) {
    if (!listener->tcp() && !listener->tls() && !listener->https()) continue;
    const Protocol protocol = listener->tls() ? Protocol::tls : listener->https() ? Protocol::https : Protocol::tcp;
    settings.listeners.insert_or_assign(listener->id(), ListenerManner{protocol, listener->path()->str()});
  }
  return settings;
}

bool Settings::encrypted() const {
  return std::ranges::any_of(listeners, [](const auto& row) { return row.second.protocol != Protocol::tcp; });
}

}  // namespace redoubt::transport
