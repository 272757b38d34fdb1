#pragma once
// From the records of a zone file to the zone that is to be signed: what a signer made before is taken out, and the
// RRsets that speak of keys and of the chain are put in.
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dnssec/sign/rules.hpp"
#include "dnssec/zone/zone.hpp"

namespace redoubt::dnssec {

/// Whether the signer makes that record itself, so that one in the source is left out.
bool is_made_by_signer(const dns::Name& apex, const dns::Record& record, const SigningRules& rules);

/// DNSKEY, CDS and CDNSKEY, NSEC3PARAM, and a ZONEMD to be filled in.
/// soa_ttl     TTL of what stands for the whole zone
/// withdrawn   publish the CDS that asks the parent to delete the DS (RFC 8078 §4)
std::vector<dns::Record> records_of_signer(const dns::Name& apex, std::span<const SigningKey> keys,
                                           const SigningRules& rules, std::uint32_t soa_ttl, bool withdrawn = false);

/// ZONEMD's RDATA (RFC 8976 §2.2), scheme SIMPLE with SHA-384.
Octets zonemd_rdata(std::uint32_t serial, OctetView digest);

/// The serial of the version that is about to be made.
/// source    in the zone file
/// earlier   of the earlier output, if there is one
std::uint32_t next_serial(SerialRule rule, std::uint32_t source, std::optional<std::uint32_t> earlier,
                          std::int64_t now);

/// The SOA's RDATA with another serial.
Octets with_serial(OctetView soa_rdata, std::uint32_t serial);
std::optional<std::uint32_t> serial_of(const Zone& zone);

}  // namespace redoubt::dnssec
