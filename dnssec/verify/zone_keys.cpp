#include "dnssec/verify/zone_keys.hpp"

namespace redoubt::dnssec {

namespace {
/// More than any zone has; the rest of a set made to be searched for ever is not there (attacks: LockCram).
constexpr std::size_t most_keys = 64;
/// The same of their octets: of many zones such keys are remembered (resolver/validate/trust.hpp). 15 keys of RSA 2048.
constexpr std::size_t most_octets = 4096;
}  // namespace

ZoneKeys::ZoneKeys(const dns::Name& zone, RdataRange dnskeys, Take take) : zone_{zone} {
  std::size_t octets = 0;
  for (const OctetView rdata : dnskeys) {
    const auto key = Dnskey::parse(rdata);
    if (!key || !key->is_zone_key() || key->is_revoked() != (take == Take::revoked)) continue;
    octets += key->public_key.size();
    if (keys_.size() == most_keys || octets > most_octets) break;
    keys_.emplace_back(key_tag(rdata), key->algorithm, key->public_key);
  }
}

std::vector<const ZoneKey*> ZoneKeys::of_tag(std::uint16_t tag, std::uint8_t algorithm, std::size_t most) const {
  std::vector<const ZoneKey*> found;
  for (const ZoneKey& key : keys_) {
    if (key.tag() != tag || key.algorithm() != algorithm) continue;
    if (found.size() == most) break;
    found.push_back(&key);
  }
  return found;
}

}  // namespace redoubt::dnssec
