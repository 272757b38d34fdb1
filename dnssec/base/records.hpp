#pragma once
// The records of DNSSEC, field by field. Each parse takes RDATA as a Record or RRset holds it (uncompressed, valid for
// its type); octets that are no such RDATA yield nothing. Spans are views into it and live as long as it does.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dns/name.hpp"
#include "dns/rr_types.hpp"
#include "dns/rrset.hpp"
#include "dns/ttl.hpp"
#include "dnssec/base/algorithm.hpp"

namespace redoubt::dnssec {

using Octets = std::vector<std::uint8_t>;
using OctetView = std::span<const std::uint8_t>;

/// RFC 4034 §2.1; also CDNSKEY (RFC 7344 §3.2).
struct Dnskey {
  static constexpr std::uint16_t zone_bit = 0x0100;      // §2.1.1
  static constexpr std::uint16_t revoke_bit = 0x0080;    // RFC 5011 §3
  static constexpr std::uint16_t entry_point_bit = 0x1;  // SEP, §2.1.1
  static constexpr std::uint8_t dnssec_protocol = 3;     // §2.1.2

  std::uint16_t flags = 0;
  std::uint8_t protocol = 0;
  std::uint8_t algorithm = 0;
  OctetView public_key;

  static std::optional<Dnskey> parse(OctetView rdata);
  bool is_zone_key() const { return (flags & zone_bit) != 0 && protocol == dnssec_protocol; }
  bool is_revoked() const { return (flags & revoke_bit) != 0; }
  bool is_entry_point() const { return (flags & entry_point_bit) != 0; }
};
Octets dnskey_rdata(std::uint16_t flags, Algorithm algorithm, OctetView public_key);
/// RFC 4034 appendix B. Keys with equal tags exist: it finds candidates, it does not identify.
std::uint16_t key_tag(OctetView dnskey_rdata);

/// RFC 4034 §5.1; also CDS (RFC 7344 §3.1).
struct Ds {
  std::uint16_t key_tag = 0;
  std::uint8_t algorithm = 0;
  std::uint8_t digest_type = 0;
  OctetView digest;
  static std::optional<Ds> parse(OctetView rdata);
};
/// RFC 4034 §5.1.4: over the owner in lower case and the DNSKEY's RDATA. Empty when the library had no memory.
Octets ds_digest(const dns::Name& owner, OctetView dnskey_rdata, DsDigest digest);
/// The whole RDATA of the DS for that key. Empty when the library had no memory.
Octets ds_rdata(const dns::Name& owner, OctetView dnskey_rdata, DsDigest digest);

/// RFC 4034 §3.1.
struct Rrsig {
  dns::RrType covered;
  std::uint8_t algorithm = 0;
  std::uint8_t labels = 0;
  dns::Ttl original_ttl;
  std::uint32_t expiration = 0;  ///< seconds since 1970 modulo 2^32 (§3.1.5)
  std::uint32_t inception = 0;
  std::uint16_t key_tag = 0;
  dns::Name signer;
  OctetView signature;
  static std::optional<Rrsig> parse(OctetView rdata);
};
/// The RDATA up to the signature, signer in lower case: what a signature begins with, and what is signed first.
Octets rrsig_prefix(const Rrsig& rrsig);
/// Serial arithmetic (RFC 1982, RFC 4034 §3.1.5): whether `left` is before `right`.
constexpr bool is_before(std::uint32_t left, std::uint32_t right) {
  return static_cast<std::int32_t>(left - right) < 0;
}

/// RFC 4034 §4.1.
struct Nsec {
  dns::Name next;
  OctetView types;
  static std::optional<Nsec> parse(OctetView rdata);
};

/// RFC 5155 §3.2.
struct Nsec3 {
  static constexpr std::uint8_t opt_out_bit = 1;
  std::uint8_t hash_algorithm = 0;
  std::uint8_t flags = 0;
  std::uint16_t iterations = 0;
  OctetView salt;
  OctetView next_hashed;
  OctetView types;
  static std::optional<Nsec3> parse(OctetView rdata);
  bool is_opt_out() const { return (flags & opt_out_bit) != 0; }
};

/// RFC 5155 §4.2.
struct Nsec3Param {
  std::uint8_t hash_algorithm = 0;
  std::uint8_t flags = 0;
  std::uint16_t iterations = 0;
  OctetView salt;
  static std::optional<Nsec3Param> parse(OctetView rdata);
};

/// The type bitmap of NSEC and NSEC3 (RFC 4034 §4.1.2), checked when the RDATA came in.
bool bitmap_has(OctetView bitmap, dns::RrType type);
/// types: ascending, each once.
void append_bitmap(Octets& out, std::span<const dns::RrType> types);
std::vector<dns::RrType> types_of(OctetView bitmap);

void append_u16(Octets& out, std::uint16_t value);
void append_u32(Octets& out, std::uint32_t value);
inline void append_octets(Octets& out, OctetView octets) { out.insert(out.end(), octets.begin(), octets.end()); }

}  // namespace redoubt::dnssec
