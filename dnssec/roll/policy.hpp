#pragma once
// How a zone is signed and how its keys roll: what an operator chooses. Names of the times as in RFC 7583.
#include <chrono>
#include <expected>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dnssec/keys/private_key.hpp"
#include "dnssec/sign/rules.hpp"

namespace redoubt::dnssec {

using std::chrono::seconds;

enum class KeyLayout : std::uint8_t {
  split,          ///< a KSK that the parent knows, a ZSK that signs the zone
  csk,            ///< one key for both
  unsigned_zone,  ///< no keys: a signed zone is led back, step by step (RFC 8078 §4)
};

struct Policy {
  std::string name = "standard";
  KeyLayout layout = KeyLayout::split;
  Algorithm algorithm = Algorithm::ecdsa_p256_sha256;
  unsigned rsa_bits = default_rsa_bits;
  std::string token;        ///< PKCS#11 URI of the token that new keys are made in; empty: in files
  seconds ksk_lifetime{0};  ///< of a KSK or CSK; 0: it rolls when somebody asks
  seconds zsk_lifetime{std::chrono::days{90}};
  bool offline_ksk =
      false;  ///< KSKs are kept elsewhere: their .key files are here, and key sets that they signed ahead
  bool standby_ksk = false;  ///< a second KSK in the DNSKEY RRset, which signs nothing until it is needed

  seconds max_zone_ttl{std::chrono::days{2}};         ///< TTLsig: no TTL of the zone may be larger
  seconds zone_propagation{std::chrono::hours{1}};    ///< Dprp: until every secondary serves a new version
  seconds parent_ds_ttl{std::chrono::days{1}};        ///< TTLds
  seconds parent_propagation{std::chrono::hours{1}};  ///< DprpP: until every server of the parent serves a new DS
  seconds safety{std::chrono::hours{1}};              ///< added to each wait

  SigningRules signing;

  seconds dnskey_ttl() const { return seconds{signing.dnskey_ttl}; }
  /// How long after its last server left it a DNSKEY RRset, a signature or a DS may be cached somewhere.
  seconds keys_linger() const { return dnskey_ttl() + zone_propagation + safety; }
  seconds signatures_linger() const { return max_zone_ttl + zone_propagation + safety; }
  seconds ds_linger() const { return parent_ds_ttl + parent_propagation + safety; }
};

/// What makes no sense in it, one line each ("zsk-lifetime: ..."); empty when all is well.
std::vector<std::string> faults_of(const Policy& policy);

/// standard, csk, nsec3, fast (of seconds, for tests), unsigned.
std::span<const std::string_view> built_in_policies();
/// errors: the names that there are
std::expected<Policy, std::string> built_in_policy(std::string_view name);

}  // namespace redoubt::dnssec
