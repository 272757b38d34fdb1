#pragma once
// Digests over whole zones (RFC 8976): whether a zone is, to the last record, the one that its maker published. Alone
// this guards against damage only; who made the zone is told by the signatures over the ZONEMD and SOA records.
#include <cstdint>
#include <expected>
#include <span>
#include <string_view>
#include <vector>

#include "dns/rrset.hpp"

namespace redoubt::dnssec {

enum class ZonemdFault : std::uint8_t {
  no_soa,           ///< not exactly one SOA at the apex: no zone
  foreign_record,   ///< an owner outside the zone, or a class other than IN
  no_digest,        ///< no ZONEMD at the apex
  malformed,        ///< two of the same scheme and hash, or a digest that is too short (§2.2.4, §4)
  unsupported,      ///< none of the digests has a scheme and hash that we know
  wrong_serial,     ///< the digests are of another version of the zone (§4)
  digest_mismatch,  ///< the zone is not what was published
  no_resources,     ///< the library had no memory
};
std::string_view describe(ZonemdFault fault);

/// Verifies all of a zone's records (RFC 8976 §4): one of its ZONEMD digests (scheme SIMPLE, SHA-384 or SHA-512) fits.
std::expected<void, ZonemdFault> verify_zone_digest(const dns::Name& apex, std::span<const dns::Record> records);

enum class ZonemdHash : std::uint8_t { sha384 = 1, sha512 = 2 };

/// The digest of scheme SIMPLE (§3): records in canonical order and form, each once, without the apex's ZONEMD RRset
/// and its signatures. Empty when the library had no memory.
std::vector<std::uint8_t> simple_digest(const dns::Name& apex, std::span<const dns::Record> records, ZonemdHash hash);

}  // namespace redoubt::dnssec
