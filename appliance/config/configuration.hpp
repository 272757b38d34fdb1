#pragma once
// The configuration as values: what the settings table (settings.hpp) fills in. Only a checked one exists.
#include <array>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "appliance/config/root_hints.hpp"
#include "appliance/log/log.hpp"
#include "dns/address.hpp"
#include "dns/name.hpp"
#include "dns/rrset.hpp"

namespace redoubt::config {

struct Listener {
  dns::Endpoint at;
  bool udp = false;
  bool tcp = false;
  bool tls = false;
  bool https = false;
  std::string path;                  ///< of DoH
  std::string client_authorities{};  ///< a file: who certifies clients; empty: they are asked for no certificate
  bool client_certificate_required = false;
  /// What that file has, in DER.
  std::vector<std::vector<std::uint8_t>> client_authority_certificates{};
  bool operator==(const Listener&) const = default;
};

/// A certificate's file and that of its private key.
struct CertificateFiles {
  std::string certificate;
  std::string key;
  bool operator==(const CertificateFiles&) const = default;
};

struct Tls {
  std::string certificate;               ///< "self-signed", or a file
  std::string key;                       ///< a file; empty with a self-signed certificate
  std::vector<CertificateFiles> more{};  ///< for clients that name one of their names (SNI)
  std::vector<dns::Name> names;          ///< beside the listeners' addresses
  std::string authorities;               ///< a file: who certifies servers that we ask by TLS
  /// What that file has, in DER; empty where no server is asked that needs it.
  std::vector<std::vector<std::uint8_t>> authority_certificates{};
  bool operator==(const Tls&) const = default;
};

struct ZoneKeys {
  std::string folder;           ///< empty: no zone keys are kept
  std::string passphrase_file;  ///< empty: sealed under keykeeper's own secret
  bool only_own = true;         ///< key records that are signed name keys in the folder, and no others
  bool operator==(const ZoneKeys&) const = default;
};

struct Control {
  std::string socket;
  std::optional<dns::Endpoint> http;  ///< nothing: no HTTP listener
  bool operator==(const Control&) const = default;
};

/// How long records at and below a name are kept.
struct ZoneTtls {
  dns::Name zone;
  std::chrono::milliseconds min_ttl{};
  std::chrono::milliseconds max_ttl{};
  bool operator==(const ZoneTtls&) const = default;
};

struct Cache {
  std::uint64_t size = 0;  ///< octets
  std::chrono::milliseconds min_ttl{};
  std::chrono::milliseconds max_ttl{};
  std::chrono::milliseconds negative_max_ttl{};
  std::chrono::milliseconds stale{};
  std::chrono::milliseconds stale_answer_after{};
  bool prefetch = false;
  std::uint64_t keep_size = 0;  ///< octets
  bool keep = false;
  std::vector<ZoneTtls> zones;
  bool operator==(const Cache&) const = default;
};

struct Outgoing {
  std::vector<dns::IpAddress> addresses;
  std::uint16_t first_port = 0;
  std::uint16_t last_port = 0;
  bool ipv4 = true;
  bool ipv6 = true;
  bool operator==(const Outgoing&) const = default;
};

/// A server that queries are handed to. port 0: the usual one of its transport.
struct Upstream {
  dns::Endpoint at;
  std::string authentication_name;  ///< behind '#'; empty where none was given
  bool operator==(const Upstream&) const = default;
};

enum class UpstreamTransport : std::uint8_t { udp, tcp, tls, https };
inline bool is_encrypted(UpstreamTransport transport) {
  return transport == UpstreamTransport::tls || transport == UpstreamTransport::https;
}

enum class UpstreamOrder : std::uint8_t { fastest, configured };

/// SHA-256 of a SubjectPublicKeyInfo.
using KeyPin = std::array<std::uint8_t, 32>;

struct Forward {
  dns::Name zone;
  std::vector<Upstream> to;
  std::string to_file;  ///< in the place of `to`; empty where none was given
  UpstreamTransport transport = UpstreamTransport::udp;
  std::vector<KeyPin> pins = {};
  bool authenticate = true;
  std::string path = {};  ///< of DNS over HTTPS
  UpstreamOrder order = UpstreamOrder::fastest;
  bool first = false;
  std::uint32_t max_rate = 0;  ///< packets a second towards each; 0: no bound
  bool operator==(const Forward&) const = default;
};

struct Stub {
  dns::Name zone;
  std::vector<Upstream> to;
  UpstreamTransport transport = UpstreamTransport::udp;  ///< https is not for authoritative servers
  std::vector<KeyPin> pins = {};
  bool authenticate = true;
  bool operator==(const Stub&) const = default;
};

enum class Minimisation : std::uint8_t { off, relaxed, strict };
enum class NxdomainCut : std::uint8_t { off, root, always };

/// Where a copy of the root zone comes from (RFC 8806).
struct LocalRoot {
  std::string file;  ///< empty: from servers that give it away
  bool operator==(const LocalRoot&) const = default;
};

struct Resolution {
  std::vector<RootServer> root_servers;
  std::optional<LocalRoot> local_root;
  std::vector<dns::IpAddress> local_root_from;  ///< empty: the built-in ones
  Outgoing outgoing;
  std::uint16_t port = 53;
  Minimisation qname_minimisation = Minimisation::off;
  NxdomainCut nxdomain_cut = NxdomainCut::off;
  bool case_randomisation = true;
  bool opportunistic_tls = false;
  bool cookies = false;
  bool do_not_query_builtin = true;  ///< then do_not_query is empty, and compile() fills in what is meant
  std::vector<dns::Prefix> do_not_query;
  std::vector<dns::Name> resolve_special;
  std::vector<Forward> forward;
  std::vector<Stub> stub;
  bool operator==(const Resolution&) const = default;
};

struct Validation {
  bool enabled = true;
  bool sha1 = false;
  bool aggressive = true;
  bool sentinel = true;
  bool signal = false;
  bool report = false;
  std::vector<dns::Record> trust_anchors;  ///< DS and DNSKEY
  std::vector<dns::Name> tracked_anchors;  ///< zones whose anchors follow their key rolls (RFC 5011)
  std::vector<dns::Name> negative_trust_anchors;
  std::optional<std::uint32_t> time;  ///< seconds since 1970; nothing: the system's
  bool operator==(const Validation&) const = default;
};

/// What is told about this server to whoever asks; empty: nothing.
struct Identity {
  std::string version;
  std::string id;
  std::string nsid;
  bool operator==(const Identity&) const = default;
};

struct Limit {
  std::string name;
  std::uint64_t value = 0;
  bool operator==(const Limit&) const = default;
};

/// Which answers get a line on standard output.
struct QueryLog {
  std::uint32_t sample = 0;          ///< one of so many; 0: none
  std::vector<dns::Prefix> clients;  ///< none: of all
  std::vector<dns::Name> zones;      ///< none: of all
  bool failed_only = false;
  std::chrono::milliseconds slower_than{0};
  bool whole_addresses = true;
  bool operator==(const QueryLog&) const = default;
};

struct Logging {
  log::Level level = log::Level::info;
  bool json = false;
  QueryLog queries;
  bool operator==(const Logging&) const = default;
};

struct Configuration {
  std::vector<Listener> listeners;
  Tls tls;
  std::uint32_t workers = 0;  ///< 0: one for each processor
  std::string state;
  ZoneKeys zone_keys;
  Control control;
  Cache cache;
  Resolution resolution;
  Validation validation;
  std::vector<dns::Prefix> access_allow;
  std::vector<dns::Name> access_names;  ///< of clients' certificates
  Identity identity;
  std::vector<Limit> limits;  ///< every one there is, overridden or not, in the order of the tables
  bool sandbox_required = true;
  Logging log;
  bool operator==(const Configuration&) const = default;
};

}  // namespace redoubt::config
