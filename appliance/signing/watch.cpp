#include "appliance/signing/watch.hpp"

#include <algorithm>

#include "appliance/signing/ask.hpp"
#include "dns/rdata.hpp"

namespace redoubt::signing {

namespace {

using dnssec::KeyMask;

/// Places of the keys that this DS is of; none for one of another signer's.
KeyMask keys_of_ds(std::span<const std::uint8_t> rdata, const dns::Name& apex, const dnssec::ZoneRolls& zone,
                   std::span<const dnssec::StoredKey> keys) {
  const auto ds = dnssec::Ds::parse(rdata);
  const auto digest = ds ? dnssec::find_ds_digest(ds->digest_type) : std::nullopt;
  if (!digest) return 0;
  for (const dnssec::StoredKey& key : keys) {
    const auto place = zone.place_of(key.stem);
    if (place && std::ranges::equal(dnssec::ds_rdata(apex, key.dnskey, *digest), rdata)) return dnssec::bit(*place);
  }
  return 0;
}

dnssec::ParentAnswer ask_parent(const dns::Endpoint& server, const dns::Name& apex, const dnssec::ZoneRolls& zone,
                                std::span<const dnssec::StoredKey> keys) {
  const auto reply = ask(server, {apex, dns::type::ds});
  dnssec::ParentAnswer answer;
  if (!reply || !reply->header.authoritative || reply->rcode() != dns::Rcode::noerror) return answer;
  answer.ds = 0;
  for (const dns::Record& record : reply->answer) {
    if (record.type != dns::type::ds || !(record.owner == apex)) continue;
    const KeyMask fits = keys_of_ds(record.rdata, apex, zone, keys);
    *answer.ds |= fits;
    answer.foreign = answer.foreign || fits == 0;
  }
  return answer;
}

std::optional<std::uint32_t> ask_serial(const dns::Endpoint& server, const dns::Name& apex) {
  const auto reply = ask(server, {apex, dns::type::soa});
  if (!reply || !reply->header.authoritative || reply->rcode() != dns::Rcode::noerror) return std::nullopt;
  for (const dns::Record& record : reply->answer) {
    if (record.type != dns::type::soa || !(record.owner == apex)) continue;
    const auto soa = dns::parse_soa(record.rdata);
    if (soa) return soa->serial;
  }
  return std::nullopt;
}

}  // namespace

dnssec::Observations watch(const SitePolicy& site, const dns::Name& apex, const dnssec::ZoneRolls& zone,
                           std::span<const dnssec::StoredKey> keys) {
  dnssec::Observations observed;
  for (const dns::Endpoint& server : site.parents) observed.parents.push_back(ask_parent(server, apex, zone, keys));
  for (const dns::Endpoint& server : site.secondaries) observed.secondaries.push_back(ask_serial(server, apex));
  return observed;
}

}  // namespace redoubt::signing
