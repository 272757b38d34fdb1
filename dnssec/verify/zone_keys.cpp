#include "dnssec/verify/zone_keys.hpp"

namespace redoubt::dnssec {

namespace {
/// More than any zone has; the rest of a set made to be searched for ever is not there (attacks: LockCram).
constexpr std::size_t most_keys = 64;
}  // namespace

const std::expected<PublicKey, KeyFault>& ZoneKey::usable() const {
  std::call_once(once_, [this] { key_.emplace(PublicKey::from_dnskey(algorithm_, octets_)); });
  return *key_;
}

ZoneKeys::ZoneKeys(const dns::Name& zone, RdataRange dnskeys, Take take) : zone_{zone} {
  for (const OctetView rdata : dnskeys) {
    const auto key = Dnskey::parse(rdata);
    if (!key || !key->is_zone_key() || key->is_revoked() != (take == Take::revoked)) continue;
    if (keys_.size() == most_keys) break;
    keys_.push_back(std::make_unique<const ZoneKey>(key_tag(rdata), key->algorithm, key->public_key));
  }
}

std::vector<const ZoneKey*> ZoneKeys::of_tag(std::uint16_t tag, std::uint8_t algorithm, std::size_t most) const {
  std::vector<const ZoneKey*> found;
  for (const auto& key : keys_) {
    if (key->tag() != tag || key->algorithm() != algorithm) continue;
    if (found.size() == most) break;
    found.push_back(key.get());
  }
  return found;
}

}  // namespace redoubt::dnssec
