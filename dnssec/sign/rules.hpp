#pragma once
// What a signer is told: how to sign, and with which keys.
#include <chrono>
#include <cstdint>
#include <memory>
#include <vector>

#include "dnssec/keys/private_key.hpp"

namespace redoubt::dnssec {

enum class DenialKind : std::uint8_t {
  nsec,
  nsec3,
  none,  ///< the zone is put out unsigned: no keys, no signatures, no proofs
};

/// What a new version of the zone is numbered (RFC 1982): always after the version before.
enum class SerialRule : std::uint8_t {
  keep,       ///< as the zone file has it; who writes that file counts
  increment,  ///< one more than the larger of the file's and the earlier output's
  unixtime,   ///< seconds since 1970
  date,       ///< YYYYMMDDnn
};

struct SigningRules {
  DenialKind denial = DenialKind::nsec;
  bool opt_out = false;  ///< NSEC3 only: unsigned delegations get no proof (RFC 5155 §6)
  std::chrono::seconds lifetime{std::chrono::days{14}};  ///< of a signature, from now
  std::chrono::seconds jitter{std::chrono::days{1}};     ///< at most so much less, so that not all end at once
  std::chrono::seconds refresh{std::chrono::days{5}};    ///< one with less than this left is made anew
  std::chrono::seconds backdate{std::chrono::hours{1}};  ///< inception so long ago, for clocks that are behind
  SerialRule serial = SerialRule::increment;
  bool zonemd = false;
  bool cds = true;  ///< CDS and CDNSKEY for the keys that say so (RFC 7344)
  std::uint32_t dnskey_ttl = 3600;
};

/// A signature that was made elsewhere, over an RRset of the apex that speaks of keys.
struct PresignedSignature {
  dns::RrType type;
  std::uint32_t ttl = 0;
  std::vector<Octets> rdata;  ///< of the RRset, in canonical order
  Octets rrsig;               ///< RDATA
};

/// One key and what it does at this time.
struct SigningKey {
  Octets dnskey;  ///< RDATA
  std::uint16_t tag = 0;
  Algorithm algorithm = Algorithm::ecdsa_p256_sha256;
  std::shared_ptr<const PrivateKey> secret;   ///< null: published only, or kept elsewhere
  std::vector<PresignedSignature> presigned;  ///< what a key that is kept elsewhere has signed ahead
  bool published = true;                      ///< in the DNSKEY RRset
  bool signs_keys = false;                    ///< DNSKEY, CDS and CDNSKEY RRsets
  bool signs_zone = false;                    ///< all others
  bool in_cds = false;                        ///< the parent should have its DS
};

}  // namespace redoubt::dnssec
