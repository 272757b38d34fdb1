#include "resolver/role/worker_settings.hpp"

#include <algorithm>
#include <vector>

#include "appliance/channel/monitor_child.hpp"
#include "appliance/snapshot/cache_shares.hpp"
#include "resolver/budget.hpp"
#include "resolver/upstream/entropy.hpp"
#include "snapshot_generated.h"

namespace redoubt::resolver {

namespace {

namespace flat = snapshot::flat;

/// What the configuration allows at most.
constexpr std::chrono::seconds most_stale{7 * 24 * 3600};
/// Of cache.size, for proofs that answer for other names (RFC 8198): one part in so many.
constexpr std::uint64_t proofs_share = 16;

/// Tables that the verifier lets a snapshot leave out, but control never does.
bool complete(const flat::Snapshot& snapshot) {
  return snapshot.access() != nullptr && snapshot.cache() != nullptr && snapshot.resolution() != nullptr &&
         snapshot.resolution()->root_servers() != nullptr && snapshot.listeners() != nullptr;
}

dns::IpAddress address_of(const flat::Address& address) {
  const std::span octets{address.octets()->data(), 16};
  return *dns::IpAddress::from_octets(octets.first(address.v6() ? 16 : 4));
}

std::vector<dns::Prefix> prefixes_of(const flatbuffers::Vector<flatbuffers::Offset<flat::Prefix>>* rows) {
  std::vector<dns::Prefix> prefixes;
  if (rows == nullptr) return prefixes;
  for (const flat::Prefix* row : *rows) {
    if (row->address() == nullptr) continue;
    if (const auto prefix = dns::Prefix::make(address_of(*row->address()), row->length())) prefixes.push_back(*prefix);
  }
  return prefixes;
}

std::expected<std::vector<RootServer>, std::string> root_servers_of(const flat::Resolution& resolution) {
  std::vector<RootServer> servers;
  for (const flat::RootServer* row : *resolution.root_servers()) {
    if (row->name() == nullptr || row->addresses() == nullptr)
      return std::unexpected{"a root server without name or addresses"};
    const auto name = dns::Name::from_wire({row->name()->data(), row->name()->size()});
    if (!name) return std::unexpected{"a root server's name is no name"};
    RootServer server{*name, {}};
    for (const flat::Address* address : *row->addresses()) server.addresses.push_back(address_of(*address));
    servers.push_back(std::move(server));
  }
  if (servers.empty()) return std::unexpected{"no root servers"};
  return servers;
}

std::expected<std::vector<dns::Name>, std::string> names_of(
    const flatbuffers::Vector<flatbuffers::Offset<flat::ZoneName>>& rows) {
  std::vector<dns::Name> names;
  for (const flat::ZoneName* row : rows) {
    const auto name = dns::Name::from_wire({row->name()->data(), row->name()->size()});
    if (!name) return std::unexpected{"a zone's name is no name"};
    names.push_back(*name);
  }
  return names;
}

/// What control's own check lets through fits into a character string, and into the smallest answer.
std::string identity_text(const flatbuffers::String& text, std::size_t most) { return text.str().substr(0, most); }

Limits limits_of(const flat::Snapshot& snapshot) {
  Limits limits;
  if (snapshot.limits() == nullptr) return limits;
  for (const flat::Limit* row : *snapshot.limits()) {
    if (row->name() != nullptr)
      limits.set(row->name()->string_view(), row->value());  // transport's limits stand in the same list
  }
  return limits;
}

constexpr std::size_t max_designated_octets = 1024;

std::expected<Routes, std::string> routes_of(const flat::Resolution& resolution) {
  std::vector<Route> routes;
  for (const flat::Route* row : *resolution.routes()) {
    const auto zone = dns::Name::from_wire({row->zone()->data(), row->zone()->size()});
    if (!zone) return std::unexpected{"a forward or stub zone's name is no name"};
    Route route;
    route.zone = *zone;
    route.kind = row->kind() == flat::RouteKind::stub ? RouteKind::stub : RouteKind::forward;
    for (const flat::Endpoint* server : *row->to()) {
      if (server->port() == 0) return std::unexpected{"an upstream has no port"};
      if (route.to.size() == max_servers_of_a_route) return std::unexpected{"a zone has too many upstreams"};
      route.to.push_back({address_of(*server->address()), server->port()});
    }
    if (row->transport() > flat::ForwardTransport::MAX) return std::unexpected{"a zone's transport is none"};
    route.transport = static_cast<UpstreamTransport>(row->transport());
    route.order = row->order() == flat::UpstreamOrder::configured ? UpstreamOrder::configured : UpstreamOrder::fastest;
    route.first = row->first();
    route.max_rate = row->max_rate();
    routes.push_back(std::move(route));
  }
  return Routes{std::move(routes)};
}

std::expected<QueryLogSettings, std::string> query_log_of(const flat::QueryLog& rows) {
  QueryLogSettings settings;
  settings.sample = rows.sample();
  settings.clients = prefixes_of(rows.clients());
  auto zones = names_of(*rows.zones());
  if (!zones) return std::unexpected{zones.error()};
  settings.zones = *std::move(zones);
  settings.failed_only = rows.failed_only();
  settings.slower_than = std::chrono::milliseconds{rows.slower_than()};
  settings.whole_addresses = rows.whole_addresses();
  settings.json = rows.json();
  return settings;
}

ZoneTtlBounds zone_ttls_of(const flat::Cache& cache) {
  ZoneTtlBounds zones;
  if (cache.zones() == nullptr) return zones;
  for (const flat::ZoneTtls* row : *cache.zones()) {
    if (row->zone() == nullptr) continue;
    const auto zone = dns::Name::from_wire({row->zone()->data(), row->zone()->size()});
    if (zone) zones.set(*zone, {dns::Ttl::from_wire(row->min_ttl()), dns::Ttl::from_wire(row->max_ttl())});
  }
  return zones;
}

/// No signature is checked against a time before this was written: a machine without a battery for its clock begins at
/// 1970, and needs names to find out what time it is.
constexpr std::uint32_t written_at = 1'795'219'200;  // 2026-11-21

/// Anchors that are no such records are refused: without one its zone would count as unsigned.
std::expected<ValidationSettings, std::string> validation_of(const flat::Validation& flat_settings) {
  ValidationSettings settings;
  settings.enabled = flat_settings.enabled();
  settings.sha1 = flat_settings.sha1();
  settings.aggressive = flat_settings.aggressive();
  settings.sentinel = flat_settings.sentinel();
  settings.signal = flat_settings.signal();
  settings.report = flat_settings.report();
  settings.earliest = written_at;
  if (flat_settings.is_time_fixed()) settings.time = flat_settings.time();
  for (const flat::TrustAnchor* row : *flat_settings.anchors()) {
    const auto zone = dns::Name::from_wire({row->zone()->data(), row->zone()->size()});
    const bool is_ds = row->type() == dns::type::ds.value;
    const std::span rdata{row->rdata()->data(), row->rdata()->size()};
    const bool fits = is_ds ? dnssec::Ds::parse(rdata).has_value() : dnssec::Dnskey::parse(rdata).has_value();
    if (!zone || !fits || (!is_ds && row->type() != dns::type::dnskey.value))
      return std::unexpected{"a trust anchor is no DS or DNSKEY record"};
    auto at = std::ranges::find(settings.anchors, *zone, &TrustAnchor::zone);
    if (at == settings.anchors.end()) at = settings.anchors.insert(at, {*zone, {}});
    (is_ds ? at->vouchers.ds : at->vouchers.dnskey).emplace_back(rdata.begin(), rdata.end());
  }
  if (settings.enabled && settings.anchors.empty()) return std::unexpected{"no trust anchor"};
  for (const flat::NegativeAnchor* row : *flat_settings.negative_anchors()) {
    const auto zone = dns::Name::from_wire({row->zone()->data(), row->zone()->size()});
    if (!zone) return std::unexpected{"a negative trust anchor's name is no name"};
    settings.negative_anchors.push_back({*zone, row->until()});
  }
  return settings;
}

/// A server's cookie holds for the address that got it: with several of a family the next query would bring a wrong
/// one.
bool comes_from_many(const flat::Resolution& resolution) {
  const auto of_family = [&](bool v6) {
    return std::ranges::count_if(*resolution.outgoing_addresses(),
                                 [&](const flat::Address* address) { return address->v6() == v6; });
  };
  return of_family(false) > 1 || of_family(true) > 1;
}

Settings::SourceBits source_bits_of(const OutgoingSettings& outgoing) {
  const unsigned ports = outgoing.last_port - outgoing.first_port + 1U;
  const auto v6 = static_cast<unsigned>(std::ranges::count_if(outgoing.addresses, &dns::IpAddress::is_v6));
  const auto v4 = static_cast<unsigned>(outgoing.addresses.size()) - v6;
  return {.v4 = source_bits(ports, v4), .v6 = source_bits(ports, v6)};
}

std::expected<Settings, std::string> core_settings_of(const flat::Snapshot& snapshot) {
  const flat::Resolution& resolution = *snapshot.resolution();
  const flat::Cache& cache = *snapshot.cache();
  auto servers = root_servers_of(resolution);
  if (!servers) return std::unexpected{servers.error()};
  Settings settings;
  settings.root_servers = std::move(*servers);
  settings.do_not_query = prefixes_of(resolution.do_not_query());
  settings.authority_port = resolution.port();
  settings.ipv4 = resolution.ipv4();
  settings.ipv6 = resolution.ipv6();
  settings.case_randomisation = resolution.case_randomisation();
  settings.opportunistic_tls = resolution.opportunistic_tls();
  if (resolution.qname_minimisation() > flat::QnameMinimisation::MAX ||
      resolution.nxdomain_cut() > flat::NxdomainCut::MAX)
    return std::unexpected{"a choice is out of range"};
  settings.cookies = resolution.cookies() && !comes_from_many(resolution);
  settings.minimisation = static_cast<Minimisation>(resolution.qname_minimisation());
  settings.nxdomain_cut = static_cast<NxdomainCut>(resolution.nxdomain_cut());
  settings.min_ttl = dns::Ttl::from_wire(cache.min_ttl());
  settings.max_ttl = dns::Ttl::from_wire(cache.max_ttl());
  settings.zone_ttls = zone_ttls_of(cache);
  settings.negative_max_ttl = dns::Ttl::from_wire(cache.negative_max_ttl());
  settings.stale = std::min(std::chrono::seconds{cache.stale()}, most_stale);
  settings.stale_answer_after = std::chrono::milliseconds{cache.stale_answer_after()};
  settings.prefetch = cache.prefetch();
  settings.limits = limits_of(snapshot);
  auto not_special = names_of(*resolution.not_special());
  if (!not_special) return std::unexpected{not_special.error()};
  settings.not_special = std::move(*not_special);
  auto routes = routes_of(resolution);
  if (!routes) return std::unexpected{routes.error()};
  settings.routes = *std::move(routes);
  if (snapshot.designated() != nullptr) {
    for (const flat::Rdata* row : *snapshot.designated()) {
      if (row->octets()->size() > max_designated_octets) return std::unexpected{"a designated resolver is too long"};
      settings.designated.emplace_back(row->octets()->begin(), row->octets()->end());
    }
  }
  auto validation = validation_of(*snapshot.validation());
  if (!validation) return std::unexpected{validation.error()};
  settings.validation = *std::move(validation);
  const flat::Identity& identity = *snapshot.identity();
  settings.identity = {identity_text(*identity.version(), 255), identity_text(*identity.id(), 255),
                       identity_text(*identity.nsid(), 60)};
  if (!settings.ipv4 && !settings.ipv6) return std::unexpected{"neither IPv4 nor IPv6 towards servers"};
  return settings;
}

}  // namespace

std::expected<RoleSettings, std::string> settings_from(const snapshot::Mapped& mapped) {
  const flat::Snapshot& snapshot = *mapped;
  if (!complete(snapshot)) return std::unexpected{"a part is missing"};
  auto core = core_settings_of(snapshot);
  if (!core) return std::unexpected{core.error()};
  if (snapshot.workers() == 0 || snapshot.workers() > channel::max_workers)
    return std::unexpected{"the number of workers is out of range"};

  auto query_log = query_log_of(*snapshot.query_log());
  if (!query_log) return std::unexpected{query_log.error()};

  auto worker = std::make_shared<WorkerSettings>();
  worker->query_log = *std::move(query_log);
  worker->access = policy::AccessList{prefixes_of(snapshot.access()->allow())};
  if (snapshot.access()->names() != nullptr) {
    auto names = names_of(*snapshot.access()->names());
    if (!names) return std::unexpected{names.error()};
    worker->access_names = policy::AllowedNames{*std::move(names)};
  }
  const flat::Resolution& resolution = *snapshot.resolution();
  if (resolution.outgoing_addresses() != nullptr) {
    for (const flat::Address* address : *resolution.outgoing_addresses())
      worker->outgoing.addresses.push_back(address_of(*address));
  }
  worker->outgoing.first_port = std::max<std::uint16_t>(resolution.first_port(), 1);
  worker->outgoing.last_port = std::max(resolution.last_port(), worker->outgoing.first_port);
  core->source_bits = source_bits_of(worker->outgoing);
  worker->core = std::make_shared<const Settings>(std::move(*core));
  const std::uint64_t cache_octets = snapshot.cache()->size();
  const std::uint32_t workers = std::max(snapshot.workers(), 1U);
  worker->packet_cache_octets = snapshot::packet_octets_of_worker(cache_octets, workers);
  worker->amplified_answers =
      static_cast<std::uint32_t>((worker->core->limits[Limit::amplified_answers] + workers - 1) / workers);

  RoleSettings role;
  role.worker = std::move(worker);
  role.generation = snapshot.generation();
  role.workers = snapshot.workers();
  role.proof_octets = cache_octets / proofs_share;
  role.cache_octets = cache_octets - snapshot::packet_octets(cache_octets) - role.proof_octets;
  for (const flat::Listener* listener : *snapshot.listeners()) role.datagram_listeners += listener->udp() ? 1 : 0;
  return role;
}

}  // namespace redoubt::resolver
