#include "appliance/config/compile.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "appliance/config/designated.hpp"
#include "appliance/config/routes.hpp"
#include "appliance/config/upstream_tls.hpp"
#include "snapshot_generated.h"

namespace redoubt::config {

namespace {

namespace flat = snapshot::flat;
using Builder = flatbuffers::FlatBufferBuilder;
template <class T>
using Tables = flatbuffers::Offset<flatbuffers::Vector<flatbuffers::Offset<T>>>;

flat::Address flat_address(const dns::IpAddress& address) {
  std::array<std::uint8_t, 16> octets{};
  std::ranges::copy(address.octets(), octets.begin());
  return flat::Address{octets, address.is_v6()};
}

std::vector<flat::Address> flat_addresses(std::span<const dns::IpAddress> addresses) {
  std::vector<flat::Address> rows;
  for (const dns::IpAddress& address : addresses) rows.push_back(flat_address(address));
  return rows;
}

Tables<flat::Prefix> flat_prefixes(Builder& builder, std::span<const dns::Prefix> prefixes) {
  std::vector<flatbuffers::Offset<flat::Prefix>> rows;
  for (const dns::Prefix& prefix : prefixes) {
    const flat::Address address = flat_address(prefix.address());
    rows.push_back(flat::CreatePrefix(builder, &address, prefix.length()));
  }
  return builder.CreateVector(rows);
}

Tables<flat::Listener> flat_listeners(Builder& builder, const Configuration& configuration,
                                      std::span<const std::uint32_t> ids) {
  std::vector<flatbuffers::Offset<flat::Listener>> rows;
  for (std::size_t i = 0; i < configuration.listeners.size(); ++i) {
    const Listener& listener = configuration.listeners[i];
    const flat::Address address = flat_address(listener.at.address);
    const auto at = flat::CreateEndpoint(builder, &address, listener.at.port);
    const auto path = builder.CreateString(listener.path);
    std::vector<flatbuffers::Offset<flat::Certificate>> clients;
    for (const auto& der : listener.client_authority_certificates)
      clients.push_back(flat::CreateCertificate(builder, builder.CreateVector(der)));
    rows.push_back(flat::CreateListener(builder, ids[i], at, listener.udp, listener.tcp, listener.tls, listener.https,
                                        path, builder.CreateVector(clients), listener.client_certificate_required));
  }
  return builder.CreateVector(rows);
}

Tables<flat::RootServer> flat_root_servers(Builder& builder, std::span<const RootServer> servers) {
  std::vector<flatbuffers::Offset<flat::RootServer>> rows;
  for (const RootServer& server : servers) {
    const auto wire = server.name.wire();
    const auto name = builder.CreateVector(wire.data(), wire.size());
    const auto addresses = builder.CreateVectorOfStructs(flat_addresses(server.addresses));
    rows.push_back(flat::CreateRootServer(builder, name, addresses));
  }
  return builder.CreateVector(rows);
}

Tables<flat::Limit> flat_limits(Builder& builder, std::span<const Limit> limits) {
  std::vector<flatbuffers::Offset<flat::Limit>> rows;
  for (const Limit& limit : limits)
    rows.push_back(flat::CreateLimit(builder, builder.CreateString(limit.name), limit.value));
  return builder.CreateVector(rows);
}

std::uint32_t seconds(std::chrono::milliseconds duration) {
  return static_cast<std::uint32_t>(std::chrono::duration_cast<std::chrono::seconds>(duration).count());
}

flatbuffers::Offset<flat::Cache> flat_cache(Builder& builder, const Cache& cache) {
  std::vector<flatbuffers::Offset<flat::ZoneTtls>> rows;
  for (const ZoneTtls& row : cache.zones) {
    const auto wire = row.zone.wire();
    const auto zone = builder.CreateVector(wire.data(), wire.size());
    rows.push_back(flat::CreateZoneTtls(builder, zone, seconds(row.min_ttl), seconds(row.max_ttl)));
  }
  const auto zones = builder.CreateVector(rows);
  return flat::CreateCache(builder, cache.size, seconds(cache.min_ttl), seconds(cache.max_ttl),
                           seconds(cache.negative_max_ttl), seconds(cache.stale), cache.prefetch,
                           static_cast<std::uint32_t>(cache.stale_answer_after.count()), zones);
}

std::vector<dns::Prefix> do_not_query(const Resolution& resolution, std::span<const dns::IpAddress> own) {
  if (!resolution.do_not_query_builtin) return resolution.do_not_query;
  const auto builtin = builtin_do_not_query();
  std::vector<dns::Prefix> prefixes{builtin.begin(), builtin.end()};
  for (const dns::IpAddress& address : own) {
    const bool covered =
        std::ranges::any_of(prefixes, [&](const dns::Prefix& prefix) { return prefix.contains(address); });
    if (!covered) prefixes.push_back(*dns::Prefix::make(address, address.is_v6() ? 128 : 32));
  }
  return prefixes;
}

void add_zone(Builder& builder, std::vector<flatbuffers::Offset<flat::ZoneName>>& rows, const dns::Name& zone) {
  const auto wire = zone.wire();
  rows.push_back(flat::CreateZoneName(builder, builder.CreateVector(wire.data(), wire.size())));
}

Tables<flat::ZoneName> flat_names(Builder& builder, const std::vector<dns::Name>& names) {
  std::vector<flatbuffers::Offset<flat::ZoneName>> rows;
  for (const dns::Name& name : names) add_zone(builder, rows, name);
  return builder.CreateVector(rows);
}

/// A site that says where a zone's questions go means it, special or not.
Tables<flat::ZoneName> not_special(Builder& builder, const Resolution& resolution) {
  std::vector<flatbuffers::Offset<flat::ZoneName>> rows;
  for (const dns::Name& zone : resolution.resolve_special) add_zone(builder, rows, zone);
  for (const Forward& forward : resolution.forward) add_zone(builder, rows, forward.zone);
  for (const Stub& stub : resolution.stub) add_zone(builder, rows, stub.zone);
  return builder.CreateVector(rows);
}

flatbuffers::Offset<flat::QueryLog> flat_query_log(Builder& builder, const Logging& log) {
  const QueryLog& queries = log.queries;
  std::vector<flatbuffers::Offset<flat::ZoneName>> rows;
  for (const dns::Name& zone : queries.zones) add_zone(builder, rows, zone);
  const auto clients = flat_prefixes(builder, queries.clients);
  const auto zones = builder.CreateVector(rows);
  return flat::CreateQueryLog(builder, queries.sample, clients, zones, queries.failed_only,
                              static_cast<std::uint32_t>(queries.slower_than.count()), queries.whole_addresses,
                              log.json);
}

Tables<flat::Route> flat_routes(Builder& builder, const Configuration& configuration,
                                const Circumstances& circumstances) {
  std::vector<flatbuffers::Offset<flat::Route>> rows;
  for (const PlannedRoute& route : plan_routes(configuration, circumstances)) {
    std::vector<flatbuffers::Offset<flat::Endpoint>> servers;
    for (const dns::Endpoint& server : route.to) {
      const flat::Address address = flat_address(server.address);
      servers.push_back(flat::CreateEndpoint(builder, &address, server.port));
    }
    const auto wire = route.zone.wire();
    const auto zone = builder.CreateVector(wire.data(), wire.size());
    const auto to = builder.CreateVector(servers);
    rows.push_back(flat::CreateRoute(builder, zone, route.stub ? flat::RouteKind::stub : flat::RouteKind::forward, to,
                                     static_cast<flat::ForwardTransport>(route.transport),
                                     static_cast<flat::UpstreamOrder>(route.order), route.first, route.max_rate));
  }
  return builder.CreateVector(rows);
}

Tables<flat::TlsServer> flat_tls_servers(Builder& builder, const Configuration& configuration,
                                         const Circumstances& circumstances) {
  std::vector<flatbuffers::Offset<flat::TlsServer>> rows;
  for (const PlannedTlsServer& server : plan_tls_servers(configuration, circumstances)) {
    const flat::Address address = flat_address(server.at.address);
    const auto at = flat::CreateEndpoint(builder, &address, server.at.port);
    std::vector<std::uint8_t> pins;
    for (const KeyPin& pin : server.pins) pins.insert(pins.end(), pin.begin(), pin.end());
    const auto name = builder.CreateString(server.name);
    rows.push_back(flat::CreateTlsServer(builder, at, name, builder.CreateVector(pins), server.anybody,
                                         builder.CreateString(server.path)));
  }
  return builder.CreateVector(rows);
}

Tables<flat::Certificate> flat_authorities(Builder& builder, const Configuration& configuration) {
  std::vector<flatbuffers::Offset<flat::Certificate>> rows;
  for (const auto& der : configuration.tls.authority_certificates)
    rows.push_back(flat::CreateCertificate(builder, builder.CreateVector(der)));
  return builder.CreateVector(rows);
}

flatbuffers::Offset<flat::Resolution> flat_resolution(Builder& builder, const Configuration& configuration,
                                                      const Circumstances& circumstances) {
  const Resolution& resolution = configuration.resolution;
  const auto root_servers = flat_root_servers(builder, resolution.root_servers);
  const auto outgoing = builder.CreateVectorOfStructs(flat_addresses(resolution.outgoing.addresses));
  const auto never = flat_prefixes(builder, do_not_query(resolution, circumstances.own_addresses));
  const auto special = not_special(builder, resolution);
  const auto routes = flat_routes(builder, configuration, circumstances);
  return flat::CreateResolution(builder, root_servers, outgoing, resolution.outgoing.first_port,
                                resolution.outgoing.last_port, resolution.outgoing.ipv4, resolution.outgoing.ipv6,
                                static_cast<flat::QnameMinimisation>(resolution.qname_minimisation),
                                resolution.case_randomisation, resolution.cookies, never, resolution.port, special,
                                static_cast<flat::NxdomainCut>(resolution.nxdomain_cut), routes,
                                resolution.opportunistic_tls);
}

flatbuffers::Offset<flat::Validation> flat_validation(Builder& builder, const Validation& validation,
                                                      const Circumstances& circumstances) {
  std::vector<flatbuffers::Offset<flat::TrustAnchor>> anchors;
  const auto add_anchor = [&](const dns::Record& anchor) {
    const auto wire = anchor.owner.wire();
    const auto zone = builder.CreateVector(wire.data(), wire.size());
    anchors.push_back(flat::CreateTrustAnchor(builder, zone, anchor.type.value, builder.CreateVector(anchor.rdata)));
  };
  const auto& followed = circumstances.followed_zones;
  for (const dns::Record& anchor : validation.trust_anchors) {
    if (std::ranges::find(followed, anchor.owner) == followed.end()) add_anchor(anchor);
  }
  for (const dns::Record& anchor : circumstances.followed_anchors) add_anchor(anchor);
  std::vector<flatbuffers::Offset<flat::NegativeAnchor>> negative;
  const auto add_negative = [&](const dns::Name& name, std::uint64_t until) {
    const auto wire = name.wire();
    negative.push_back(flat::CreateNegativeAnchor(builder, builder.CreateVector(wire.data(), wire.size()), until));
  };
  for (const dns::Name& name : validation.negative_trust_anchors) add_negative(name, 0);
  for (const auto& anchor : circumstances.negative_anchors) add_negative(anchor.zone, anchor.until);
  const auto positive_rows = builder.CreateVector(anchors);
  const auto negative_rows = builder.CreateVector(negative);
  return flat::CreateValidation(builder, validation.enabled, validation.sha1, positive_rows, negative_rows,
                                validation.time.has_value(), validation.time.value_or(0), validation.aggressive,
                                validation.sentinel, validation.signal, validation.report);
}

// RFC 6890 and its successors, as far as they say "not globally reachable" of something no authority may be at in any
// network.
constexpr std::array<std::string_view, 9> never_asked{
    "0.0.0.0/8",       // this network
    "127.0.0.0/8",     // loopback
    "169.254.0.0/16",  // link-local, with the metadata services of clouds
    "224.0.0.0/4",     // multicast
    "240.0.0.0/4",     // reserved, and broadcast
    "::/127",          // unspecified, loopback
    "::ffff:0:0/96",   // IPv4 in disguise
    "fe80::/10",       // link-local
    "ff00::/8",        // multicast
};

}  // namespace

std::span<const dns::Prefix> builtin_do_not_query() {
  static const std::vector<dns::Prefix> prefixes = [] {
    std::vector<dns::Prefix> all;
    for (const std::string_view text : never_asked) all.push_back(*dns::Prefix::from_text(text));
    return all;
  }();
  return prefixes;
}

std::vector<std::uint8_t> compile(const Configuration& configuration, const Circumstances& circumstances) {
  Builder builder;
  const auto listeners = flat_listeners(builder, configuration, circumstances.listener_ids);
  const auto allowed = flat_prefixes(builder, configuration.access_allow);
  const auto access = flat::CreateAccess(builder, allowed, flat_names(builder, configuration.access_names));
  const auto cache = flat_cache(builder, configuration.cache);
  const auto resolution = flat_resolution(builder, configuration, circumstances);
  const auto limits = flat_limits(builder, configuration.limits);
  const auto identity = flat::CreateIdentity(builder, builder.CreateString(configuration.identity.version),
                                             builder.CreateString(configuration.identity.id),
                                             builder.CreateString(configuration.identity.nsid));
  const auto query_log = flat_query_log(builder, configuration.log);
  const auto tls_servers = flat_tls_servers(builder, configuration, circumstances);
  const auto authorities = flat_authorities(builder, configuration);
  std::vector<flatbuffers::Offset<flat::Rdata>> svcb;
  for (const auto& rdata : designated_resolvers(configuration, circumstances))
    svcb.push_back(flat::CreateRdata(builder, builder.CreateVector(rdata)));
  const auto designated = builder.CreateVector(svcb);
  const auto validation = flat_validation(builder, configuration.validation, circumstances);
  const std::uint32_t workers = configuration.workers == 0 ? circumstances.workers : configuration.workers;
  flat::FinishSnapshotBuffer(
      builder, flat::CreateSnapshot(builder, circumstances.generation, listeners, workers, access, cache, resolution,
                                    limits, identity, query_log, tls_servers, authorities, designated, validation));
  return {builder.GetBufferPointer(), builder.GetBufferPointer() + builder.GetSize()};
}

}  // namespace redoubt::config
