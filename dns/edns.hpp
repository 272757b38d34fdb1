#pragma once
// EDNS(0) and its options (RFC 6891).
#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dns/reader.hpp"
#include "dns/rr_types.hpp"
#include "dns/wire_error.hpp"

namespace redoubt::dns {

inline constexpr std::uint16_t default_udp_payload = 1232;  // DNS flag day 2020: fits an IPv6 packet of 1280 octets
inline constexpr std::uint16_t minimum_udp_payload = 512;   // RFC 6891 §6.2.3
inline constexpr std::size_t max_options = 32;              // more is FORMERR (attacks: option lists)

enum class OptionCode : std::uint16_t {
  nsid = 3,             ///< RFC 5001
  client_subnet = 8,    ///< RFC 7871
  expire = 9,           ///< RFC 7314
  cookie = 10,          ///< RFC 7873
  tcp_keepalive = 11,   ///< RFC 7828
  padding = 12,         ///< RFC 7830
  chain = 13,           ///< RFC 7901
  key_tag = 14,         ///< RFC 8145
  extended_error = 15,  ///< RFC 8914
  report_channel = 18,  ///< RFC 9567
  zone_version = 19,    ///< RFC 9660
};

/// RFC 7873 §4: eight octets from the client; none or eight to thirty-two from the server.
struct Cookie {
  std::array<std::uint8_t, 8> client{};
  std::vector<std::uint8_t> server;
  bool operator==(const Cookie&) const = default;
};

/// RFC 7871 §6. address holds only the octets that the prefix needs, with the bits behind it zero.
struct ClientSubnet {
  std::uint16_t family = 0;
  std::uint8_t source_prefix = 0;
  std::uint8_t scope_prefix = 0;
  std::vector<std::uint8_t> address;
  bool operator==(const ClientSubnet&) const = default;
};

/// RFC 8914. Values outside this list may stand in it.
enum class EdeCode : std::uint16_t {
  other = 0,
  unsupported_dnskey_algorithm = 1,
  unsupported_ds_digest = 2,
  stale_answer = 3,
  forged_answer = 4,
  dnssec_indeterminate = 5,
  dnssec_bogus = 6,
  signature_expired = 7,
  signature_not_yet_valid = 8,
  dnskey_missing = 9,
  rrsigs_missing = 10,
  no_zone_key_bit = 11,
  nsec_missing = 12,
  cached_error = 13,
  not_ready = 14,
  blocked = 15,
  censored = 16,
  filtered = 17,
  prohibited = 18,
  stale_nxdomain = 19,
  not_authoritative = 20,
  not_supported = 21,
  no_reachable_authority = 22,
  network_error = 23,
  invalid_data = 24,
  signature_expired_before_valid = 25,
  too_early = 26,
  unsupported_nsec3_iterations = 27,
  unable_to_conform = 28,
  synthesized = 29,
  invalid_query_type = 30,
};
/// IANA's phrase, e.g. "No Reachable Authority"; "Code 4711" for one without a name.
std::string describe(EdeCode code);

struct ExtendedError {
  EdeCode code = EdeCode::other;
  std::string text;  ///< UTF-8, may be empty
  bool operator==(const ExtendedError&) const = default;
};

/// An option that has no member of its own in Edns.
struct UnknownOption {
  std::uint16_t code = 0;
  std::vector<std::uint8_t> data;
  bool operator==(const UnknownOption&) const = default;
};

struct Edns {
  std::uint16_t udp_payload = default_udp_payload;  ///< as on the wire; below 512 counts as 512 (RFC 6891 §6.2.3)
  std::uint8_t extended_rcode = 0;
  std::uint8_t version = 0;
  bool dnssec_ok = false;
  std::uint16_t reserved_flags = 0;  ///< the fifteen Z bits

  std::optional<Cookie> cookie;
  std::optional<ClientSubnet> client_subnet;
  std::optional<std::vector<std::uint8_t>> nsid;
  std::optional<std::uint16_t> padding;  ///< octets of padding
  /// Present when the option is; the inner value, in tenths of a second, only from a server.
  std::optional<std::optional<std::uint16_t>> tcp_keepalive;
  std::vector<ExtendedError> extended_errors;
  std::vector<UnknownOption> unknown;

  bool operator==(const Edns&) const = default;

  std::uint16_t usable_payload() const { return udp_payload < minimum_udp_payload ? minimum_udp_payload : udp_payload; }
};

/// From the fixed fields of an OPT record and the window over its RDATA. The first of repeated options counts (extended
/// errors may repeat, RFC 8914 §2). Malformed known options and more than max_options are faults.
Parsed<Edns> parse_edns(std::uint16_t udp_payload, std::uint32_t ttl_field, WireReader rdata);

/// The whole OPT record, root owner included, as octets. Options for which 65,535 octets of RDATA have no room are left
/// out.
std::vector<std::uint8_t> edns_to_wire(const Edns& edns);

/// The same for an Edns as it is made, but for DO: without options, and without a trip to the heap.
inline constexpr std::size_t plain_opt_octets = 11;
std::array<std::uint8_t, plain_opt_octets> plain_opt(bool dnssec_ok);

}  // namespace redoubt::dns
