#pragma once
// What the configuration means for the resolution core; plain values, immutable while in use.
#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "dns/address.hpp"
#include "dns/name.hpp"
#include "dns/ttl.hpp"
#include "resolver/budget.hpp"
#include "resolver/forward/route.hpp"
#include "resolver/guards.hpp"
#include "resolver/local/local_zone.hpp"
#include "resolver/ttl_bounds.hpp"
#include "resolver/validate/settings.hpp"

namespace redoubt::resolver {

struct RootServer {
  dns::Name name;
  std::vector<dns::IpAddress> addresses;
};

/// How much of a name servers are shown (RFC 9156). relaxed: whoever denies or fails to answer a part of the name is
/// asked for all of it. strict: is believed.
enum class Minimisation : std::uint8_t { off, relaxed, strict };

/// Which denials of a name also deny all that is below it (RFC 8020).
enum class NxdomainCut : std::uint8_t { off, root, always };

struct Settings {
  std::vector<RootServer> root_servers;
  /// Whether the root is asked for its servers' addresses now and then (RFC 9609), beside what the hints say.
  bool prime = true;
  /// Asked in the root servers' place while it is fresh (RFC 8806). Null: there is none.
  std::shared_ptr<const LocalZone> local_root;
  /// Zones that are resolved although a table says that they are nobody's (policy/special), with all below them.
  std::vector<dns::Name> not_special;
  /// What is told about this server to whoever asks; empty: nothing (RFC 4892, RFC 5001).
  struct Identity {
    std::string version;  ///< version.bind, version.server
    std::string id;       ///< id.server, hostname.bind
    std::string nsid;
  } identity;
  /// Where this resolver can be asked encrypted: RDATA of SVCB records of _dns.resolver.arpa (RFC 9462).
  std::vector<std::vector<std::uint8_t>> designated;
  /// Forward and stub zones.
  Routes routes;
  /// Where no query is ever sent, whatever a delegation says (attacks: null-address glue).
  std::vector<dns::Prefix> do_not_query;
  std::uint16_t authority_port = 53;
  /// Whether authorities that speak TLS, as is found out beside, are asked by it, whoever they are (RFC 9539).
  bool opportunistic_tls = false;
  std::uint16_t encrypted_authority_port = 853;
  bool ipv4 = true;
  bool ipv6 = true;
  bool case_randomisation = true;
  /// Bits that ports and source addresses of ours have together: the logarithm of what a query is drawn from.
  struct SourceBits {
    double v4 = 16;
    double v6 = 16;
    double towards(const dns::IpAddress& server) const { return server.is_v6() ? v6 : v4; }
  } source_bits;
  bool cookies = true;  ///< towards servers (RFC 7873)
  Minimisation minimisation = Minimisation::relaxed;
  NxdomainCut nxdomain_cut = NxdomainCut::always;
  dns::Ttl min_ttl = dns::Ttl::from_wire(0);
  dns::Ttl max_ttl = dns::Ttl::from_wire(86'400);
  /// In place of these two, for records of some zones.
  ZoneTtlBounds zone_ttls;
  dns::Ttl negative_max_ttl = dns::Ttl::from_wire(3600);
  /// How long after they expired records may still be given out while fresh ones are not to be had (RFC 8767). Zero:
  /// never.
  std::chrono::seconds stale{0};
  /// The client response timer: how long a client waits for fresh records before it gets stale ones.
  std::chrono::milliseconds stale_answer_after{1800};
  /// Whether popular records are fetched again shortly before they expire.
  bool prefetch = false;
  TtlBounds ttl_bounds_of(const dns::Name& owner) const { return zone_ttls.of(owner, {min_ttl, max_ttl}); }
  ValidationSettings validation;
  Limits limits;
  Guards guards;
};

}  // namespace redoubt::resolver
