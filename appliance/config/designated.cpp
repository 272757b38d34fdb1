#include "appliance/config/designated.hpp"

#include <algorithm>
#include <string_view>

namespace redoubt::config {

namespace {

using Octets = std::vector<std::uint8_t>;

/// RFC 9460 §14.3.2, RFC 9461 §5: parameters of a record stand in the order of these numbers.
enum class Param : std::uint16_t { alpn = 1, port = 3, ipv4hint = 4, ipv6hint = 6, dohpath = 7 };

/// Addresses told for one listener at most, of each family.
constexpr std::size_t max_hints = 8;

void put_u16(Octets& to, std::size_t value) {
  to.push_back(static_cast<std::uint8_t>(value >> 8U));
  to.push_back(static_cast<std::uint8_t>(value & 0xffU));
}

void put(Octets& to, Param key, const Octets& value) {
  if (value.empty()) return;
  put_u16(to, static_cast<std::uint16_t>(key));
  put_u16(to, value.size());
  to.insert(to.end(), value.begin(), value.end());
}

Octets octets_of(std::string_view text) { return {text.begin(), text.end()}; }

Octets with_length(std::string_view text) {
  Octets octets{static_cast<std::uint8_t>(text.size())};
  octets.insert(octets.end(), text.begin(), text.end());
  return octets;
}

bool is_wildcard(const dns::IpAddress& address) {
  return std::ranges::all_of(address.octets(), [](std::uint8_t octet) { return octet == 0; });
}

/// Where the listener is reached, of that family.
Octets hints_of(const Listener& listener, const std::vector<dns::IpAddress>& own, bool v6) {
  Octets hints;
  std::size_t count = 0;
  const auto add = [&](const dns::IpAddress& address) {
    if (address.is_v6() != v6 || count == max_hints) return;
    const auto octets = address.octets();
    hints.insert(hints.end(), octets.begin(), octets.end());
    ++count;
  };
  if (!is_wildcard(listener.at.address)) {
    add(listener.at.address);
  } else if (listener.at.address.is_v6() == v6) {
    for (const dns::IpAddress& address : own) add(address);
  }
  return hints;
}

}  // namespace

std::vector<std::vector<std::uint8_t>> designated_resolvers(const Configuration& configuration,
                                                            const Circumstances& circumstances) {
  std::vector<Octets> records;
  if (configuration.tls.names.empty()) return records;
  const auto name = configuration.tls.names.front().wire();
  for (const Listener& listener : configuration.listeners) {
    if (!listener.tls && !listener.https) continue;
    Octets rdata;
    put_u16(rdata, records.size() + 1);  // SvcPriority: in the order of the configuration
    rdata.insert(rdata.end(), name.begin(), name.end());
    put(rdata, Param::alpn, with_length(listener.https ? "h2" : "dot"));
    Octets port;
    put_u16(port, listener.at.port);
    put(rdata, Param::port, port);
    put(rdata, Param::ipv4hint, hints_of(listener, circumstances.own_addresses, false));
    put(rdata, Param::ipv6hint, hints_of(listener, circumstances.own_addresses, true));
    if (listener.https) put(rdata, Param::dohpath, octets_of(listener.path + "{?dns}"));
    records.push_back(std::move(rdata));
  }
  return records;
}

}  // namespace redoubt::config
