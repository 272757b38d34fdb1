#pragma once
// The keys of a zone that signatures are checked with.
#include <vector>

#include "dns/rrset.hpp"
#include "dnssec/base/canonical.hpp"

namespace redoubt::dnssec {

/// One key of the zone, as its DNSKEY has it: what a check makes of it is for ReadyKeys to keep.
class ZoneKey {
 public:
  ZoneKey(std::uint16_t tag, std::uint8_t algorithm, OctetView public_key)
      : tag_{tag}, algorithm_{algorithm}, octets_{public_key.begin(), public_key.end()} {}
  std::uint16_t tag() const { return tag_; }
  std::uint8_t algorithm() const { return algorithm_; }
  OctetView public_key() const { return octets_; }

 private:
  std::uint16_t tag_;
  std::uint8_t algorithm_;
  Octets octets_;
};

/// All keys of a zone that may sign its data (RFC 4034 §2.1.1; RFC 5011 §2.1: revoked ones may not).
class ZoneKeys {
 public:
  /// revoked: those alone, to see whether a key itself has signed that it is revoked (RFC 5011 §2.1).
  enum class Take : std::uint8_t { usable, revoked };
  ZoneKeys(const dns::Name& zone, RdataRange dnskeys, Take take = Take::usable);
  const dns::Name& zone() const { return zone_; }
  bool empty() const { return keys_.empty(); }
  std::size_t count() const { return keys_.size(); }
  /// At most `most` keys of that tag and algorithm.
  std::vector<const ZoneKey*> of_tag(std::uint16_t tag, std::uint8_t algorithm, std::size_t most) const;

 private:
  dns::Name zone_;
  std::vector<ZoneKey> keys_;
};

}  // namespace redoubt::dnssec
