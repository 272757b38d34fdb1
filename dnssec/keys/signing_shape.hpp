#pragma once
// What a zone's key signs for somebody who is not trusted with it: an RRset of that zone, and nothing else. Pure.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dns/name.hpp"
#include "dnssec/base/records.hpp"

namespace redoubt::dnssec {

/// A signature that is asked for may hold no longer than this from now: whoever is put out of a process that could ask
/// cannot have signed for ever.
inline constexpr std::int64_t longest_signature = std::int64_t{366} * 24 * 60 * 60;  // seconds

/// The key that is to sign.
struct SigningIdentity {
  const dns::Name& zone;
  Algorithm algorithm;
  std::uint16_t tag;
};

/// The RRset that the octets are about.
struct SigningInput {
  dns::RrType type;
  std::vector<OctetView> rdata;  ///< views into them
};

/// Nothing unless they are the octets under a signature of RFC 4034 §3.1.8.1: an RRSIG's fields that name this key,
/// then one RRset in canonical form and order at a name of the zone (whole, not made by a wildcard), of a type that is
/// data, and with the original TTL throughout. Types that speak of the zone as a whole stand at its apex. now   seconds
/// since 1970
std::optional<SigningInput> read_signing_input(OctetView octets, const SigningIdentity& key, std::int64_t now);

/// DNSKEY, CDS, CDNSKEY: what it says decides whose signatures are believed.
bool speaks_of_keys(dns::RrType type);

/// For a set that speaks of keys: whether each record names one of `held`, the RDATA of DNSKEY records; with the REVOKE
/// bit or without it. A CDS names one by its digest. What asks for deletion (RFC 8078 §4) names none.
bool names_only(const SigningInput& set, const dns::Name& zone, std::span<const Octets> held);

}  // namespace redoubt::dnssec
