#include "appliance/config/routes.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <map>
#include <set>
#include <tuple>

namespace redoubt::config {

namespace {

constexpr std::uint16_t dns_port = 53;
/// Each is read every few seconds; no file at all counts as one.
constexpr std::size_t max_files = 17;

bool is_loopback(const dns::IpAddress& address) {
  static const dns::Prefix v4 = *dns::Prefix::from_text("127.0.0.0/8");
  static const dns::Prefix v6 = *dns::Prefix::from_text("::1/128");
  return v4.contains(address) || v6.contains(address);
}

bool is_wildcard(const dns::IpAddress& address) {
  return std::ranges::all_of(address.octets(), [](std::uint8_t octet) { return octet == 0; });
}

std::uint16_t port_of(UpstreamTransport transport) {
  return transport == UpstreamTransport::tls ? 853 : transport == UpstreamTransport::https ? 443 : dns_port;
}

void judge_servers(const Configuration& configuration, std::span<const Upstream> to, UpstreamTransport transport,
                   Place place, std::string_view key, Notebook& notes) {
  for (const Upstream& upstream : to) {
    const dns::Endpoint server = endpoint_of(upstream, transport);
    if (leads_to_us(server, configuration.listeners, {}))
      notes.fault(place, key,
                  fmt::format("found {}, which is a listener of our own, expected another server", server.to_text()));
  }
}

/// Each zone once.
void judge_zone(const dns::Name& zone, Place place, std::string_view key, std::map<dns::Name, std::uint32_t>& seen,
                Notebook& notes) {
  const auto [first, fresh] = seen.emplace(zone, place.line);
  if (fresh) return;
  notes.fault(place, key,
              fmt::format("found {} again, expected each zone once (it stands in line {} already)",
                          quoted(zone.to_text()), first->second));
}

bool can_be_known(const Forward& forward, const Upstream& upstream) {
  return !is_encrypted(forward.transport) || !forward.authenticate || !forward.pins.empty() ||
         !upstream.authentication_name.empty();
}

using Identity = std::tuple<std::string, std::vector<KeyPin>, bool, UpstreamTransport, std::string>;
struct Wanted {
  Identity who;
  std::uint32_t line;
};
using TlsServers = std::map<dns::Endpoint, Wanted>;

/// Each server of which nobody says who it has to be. Where it is all of a zone's servers, and there is no way round
/// them, the zone could never answer: a fault.
void judge_unknown_servers(const Forward& forward, Place place, const std::string& key, Notebook& notes) {
  const auto is_known = [&forward](const Upstream& upstream) { return can_be_known(forward, upstream); };
  const bool never_answers = !forward.first && std::ranges::none_of(forward.to, is_known);
  for (const Upstream& upstream : forward.to) {
    if (is_known(upstream)) continue;
    const std::string server = endpoint_of(upstream, forward.transport).to_text();
    if (never_answers)
      notes.fault(place, key,
                  fmt::format("found {} without #name and without pins, expected one of them, or authenticate: false: "
                              "who it is could never be known, and it would never be asked",
                              server));
    else
      notes.warning(
          place, key,
          fmt::format("{} is not asked: neither #name nor pins say who it has to be, and authenticate is true",
                      server));
  }
}

/// Who is asked by TLS has to be known, or it has to be said that anybody will do. list: the setting that it stands in.
void judge_trust(const Forward& forward, Place place, std::string_view list, Notebook& notes) {
  const auto key = [list](std::string_view setting) { return fmt::format("{}[].{}", list, setting); };
  if (!is_encrypted(forward.transport)) {
    if (!forward.pins.empty() || !forward.authenticate)
      notes.fault(place, key("transport"), "found pins or authenticate without tls or https, expected one of them");
    return;
  }
  if (!forward.authenticate) {
    if (!forward.pins.empty())
      notes.fault(place, key("authenticate"), "found pins and authenticate: false, expected one of them");
    return;
  }
  if (!forward.pins.empty()) return;
  if (!forward.to_file.empty())
    notes.fault(place, key("to-file"), "found servers without names, expected pins or authenticate: false");
  judge_unknown_servers(forward, place, key("to"), notes);
}

/// "another name", "other pins"
std::string differences(const Identity& one, const Identity& other) {
  std::vector<std::string_view> texts;
  if (std::get<0>(one) != std::get<0>(other)) texts.emplace_back("another name");
  if (std::get<1>(one) != std::get<1>(other)) texts.emplace_back("other pins");
  if (std::get<2>(one) != std::get<2>(other)) texts.emplace_back("another authenticate");
  if (std::get<3>(one) != std::get<3>(other)) texts.emplace_back("another transport");
  if (std::get<4>(one) != std::get<4>(other)) texts.emplace_back("another path");
  return fmt::format("{}", fmt::join(texts, ", "));
}

/// Connections to a server are shared by all who ask it: two zones cannot want it to be two.
void judge_agreement(const Forward& forward, Place place, std::string_view list, TlsServers& seen, Notebook& notes) {
  if (!is_encrypted(forward.transport)) return;
  for (const Upstream& upstream : forward.to) {
    const dns::Endpoint server = endpoint_of(upstream, forward.transport);
    const Identity wanted{upstream.authentication_name, forward.pins, forward.authenticate, forward.transport,
                          forward.transport == UpstreamTransport::https ? forward.path : std::string{}};
    const Wanted& before = seen.try_emplace(server, Wanted{wanted, place.line}).first->second;
    if (before.who == wanted) continue;
    notes.fault(place, fmt::format("{}[].to", list),
                fmt::format("found {} with {} than in the zone of line {}, expected the same", server.to_text(),
                            differences(before.who, wanted), before.line));
  }
}

}  // namespace

dns::Endpoint endpoint_of(const Upstream& upstream, UpstreamTransport transport) {
  return {upstream.at.address, upstream.at.port == 0 ? port_of(transport) : upstream.at.port};
}

Forward as_forward(const Stub& stub) {
  Forward forward;
  forward.zone = stub.zone;
  forward.to = stub.to;
  forward.transport = stub.transport;
  forward.pins = stub.pins;
  forward.authenticate = stub.authenticate;
  return forward;
}

std::vector<dns::Endpoint> servers_of(const Forward& forward, const Configuration& configuration,
                                      const Circumstances& circumstances) {
  std::vector<dns::Endpoint> servers;
  for (const Upstream& upstream : forward.to) {
    if (can_be_known(forward, upstream)) servers.push_back(endpoint_of(upstream, forward.transport));
  }
  const auto file = circumstances.servers_in_files.find(forward.to_file);
  if (forward.to_file.empty() || file == circumstances.servers_in_files.end()) return servers;
  for (const dns::IpAddress& address : file->second) {
    const dns::Endpoint server{address, port_of(forward.transport)};
    if (!leads_to_us(server, configuration.listeners, circumstances.own_addresses)) servers.push_back(server);
  }
  return servers;
}

bool leads_to_us(const dns::Endpoint& server, const std::vector<Listener>& listeners,
                 std::span<const dns::IpAddress> own) {
  return std::ranges::any_of(listeners, [&](const Listener& listener) {
    const bool listens = listener.udp || listener.tcp || listener.tls || listener.https;
    if (!listens || listener.at.port != server.port) return false;
    if (listener.at.address == server.address) return true;
    // A wildcard IPv6 listener takes no IPv4: its sockets are of one family.
    return is_wildcard(listener.at.address) && listener.at.address.is_v6() == server.address.is_v6() &&
           (is_loopback(server.address) || std::ranges::find(own, server.address) != own.end());
  });
}

std::vector<PlannedRoute> plan_routes(const Configuration& configuration, const Circumstances& circumstances) {
  std::vector<PlannedRoute> routes;
  for (const Forward& forward : configuration.resolution.forward) {
    routes.push_back({.zone = forward.zone,
                      .stub = false,
                      .to = servers_of(forward, configuration, circumstances),
                      .transport = forward.transport,
                      .order = forward.order,
                      .first = forward.first,
                      .max_rate = forward.max_rate});
  }
  for (const Stub& stub : configuration.resolution.stub) {
    routes.push_back({.zone = stub.zone,
                      .stub = true,
                      .to = servers_of(as_forward(stub), configuration, circumstances),
                      .transport = stub.transport});
  }
  return routes;
}

void judge_forwards(const Configuration& configuration, const Node& node, Notebook& notes) {
  if (notes.faults() != 0) return;
  std::map<dns::Name, std::uint32_t> seen;
  std::set<std::string> files;
  TlsServers tls_servers;
  for (std::size_t i = 0; i < configuration.resolution.forward.size() && !notes.full(); ++i) {
    const Forward& forward = configuration.resolution.forward[i];
    const Place place = node.children[i].place;
    judge_zone(forward.zone, place, "resolution.forward[].zone", seen, notes);
    judge_servers(configuration, forward.to, forward.transport, place, "resolution.forward[].to", notes);
    judge_trust(forward, place, "resolution.forward", notes);
    judge_agreement(forward, place, "resolution.forward", tls_servers, notes);
    if (forward.to.empty() == forward.to_file.empty()) {
      notes.fault(
          place, "resolution.forward[].to",
          fmt::format("found {} to-file, expected one of them", forward.to.empty() ? "neither to nor" : "both to and"));
    }
    if (files.insert(forward.to_file).second && files.size() > max_files) {
      notes.fault(place, "resolution.forward[].to-file",
                  fmt::format("found more than {} different files, expected fewer", max_files - 1));
    }
  }
}

void judge_stubs(const Configuration& configuration, const Node& node, const Places& places, Notebook& notes) {
  if (notes.faults() != 0) return;
  std::map<dns::Name, std::uint32_t> seen;
  TlsServers tls_servers;
  for (std::size_t i = 0; i < configuration.resolution.forward.size(); ++i) {
    const Forward& forward = configuration.resolution.forward[i];
    seen.emplace(forward.zone, 0);
    judge_agreement(forward, place_in(places, "resolution.forward[]", i), "resolution.forward", tls_servers, notes);
  }
  for (std::size_t i = 0; i < configuration.resolution.stub.size() && !notes.full(); ++i) {
    const Stub& stub = configuration.resolution.stub[i];
    const Place place = node.children[i].place;
    const auto earlier = seen.find(stub.zone);
    if (earlier != seen.end() && earlier->second == 0) {
      notes.fault(place, "resolution.stub[].zone",
                  fmt::format("found {}, which is a forward zone already, expected each zone once",
                              quoted(stub.zone.to_text())));
    } else {
      judge_zone(stub.zone, place, "resolution.stub[].zone", seen, notes);
    }
    judge_servers(configuration, stub.to, stub.transport, place, "resolution.stub[].to", notes);
    judge_trust(as_forward(stub), place, "resolution.stub", notes);
    judge_agreement(as_forward(stub), place, "resolution.stub", tls_servers, notes);
  }
}

}  // namespace redoubt::config
