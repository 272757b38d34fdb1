#include "appliance/config/root_hints.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "dns/text.hpp"

namespace redoubt::config {

namespace {

struct Hint {
  std::string_view name;
  std::string_view v4;
  std::string_view v6;
};

// https://www.internic.net/domain/named.root, as of 2024, with b's addresses of November 2023. They are hints: the
// resolver asks the servers themselves who serves the root (RFC 9609).
constexpr std::array hints{
    Hint{"a.root-servers.net.", "198.41.0.4", "2001:503:ba3e::2:30"},
    Hint{"b.root-servers.net.", "170.247.170.2", "2801:1b8:10::b"},
    Hint{"c.root-servers.net.", "192.33.4.12", "2001:500:2::c"},
    Hint{"d.root-servers.net.", "199.7.91.13", "2001:500:2d::d"},
    Hint{"e.root-servers.net.", "192.203.230.10", "2001:500:a8::e"},
    Hint{"f.root-servers.net.", "192.5.5.241", "2001:500:2f::f"},
    Hint{"g.root-servers.net.", "192.112.36.4", "2001:500:12::d0d"},
    Hint{"h.root-servers.net.", "198.97.190.53", "2001:500:1::53"},
    Hint{"i.root-servers.net.", "192.36.148.17", "2001:7fe::53"},
    Hint{"j.root-servers.net.", "192.58.128.30", "2001:503:c27::2:30"},
    Hint{"k.root-servers.net.", "193.0.14.129", "2001:7fd::1"},
    Hint{"l.root-servers.net.", "199.7.83.42", "2001:500:9f::42"},
    Hint{"m.root-servers.net.", "202.12.27.33", "2001:dc3::35"},
};

constexpr std::size_t max_hint_records = 4096;

}  // namespace

std::vector<RootServer> builtin_root_servers() {
  std::vector<RootServer> servers;
  for (const Hint& hint : hints) {
    servers.push_back(
        {dns::Name::literal(hint.name), {*dns::IpAddress::from_text(hint.v4), *dns::IpAddress::from_text(hint.v6)}});
  }
  return servers;
}

std::expected<std::vector<RootServer>, std::string> root_servers_from_zone_text(std::string_view text) {
  const auto records = dns::zone_from_text(text, dns::Name{}, max_hint_records);
  if (!records) return std::unexpected{fmt::format("line {}: {}", records.error().line, records.error().what)};
  std::vector<RootServer> servers;
  for (const dns::Record& record : *records) {
    if (record.type != dns::type::ns || !record.owner.is_root()) continue;
    const auto name = dns::Name::from_wire(record.rdata);
    if (!name || std::ranges::find(servers, *name, &RootServer::name) != servers.end()) continue;
    if (servers.size() >= max_root_servers)
      return std::unexpected{fmt::format("more than {} root servers", max_root_servers)};
    servers.push_back({*name, {}});
  }
  for (const dns::Record& record : *records) {
    if (record.type != dns::type::a && record.type != dns::type::aaaa) continue;
    const auto server = std::ranges::find(servers, record.owner, &RootServer::name);
    const auto address = dns::IpAddress::from_octets(record.rdata);
    if (server != servers.end() && address && server->addresses.size() < max_root_server_addresses)
      server->addresses.push_back(*address);
  }
  std::erase_if(servers, [](const RootServer& server) { return server.addresses.empty(); });
  if (servers.empty()) return std::unexpected{std::string{"no NS record of the root whose server has an address"}};
  return servers;
}

}  // namespace redoubt::config
