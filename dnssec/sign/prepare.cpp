#include "dnssec/sign/prepare.hpp"

#include <chrono>

#include "dns/rdata.hpp"
#include "dnssec/sign/denial.hpp"

namespace redoubt::dnssec {

namespace {

constexpr std::size_t zonemd_digest_octets = 48;  // SHA-384
constexpr std::size_t behind_serial = 16;         // refresh, retry, expire, minimum

}  // namespace

bool is_made_by_signer(const dns::Name& apex, const dns::Record& record, const SigningRules& rules) {
  using namespace dns::type;
  if (record.type == rrsig || record.type == nsec || record.type == nsec3 || record.type == nsec3param) return true;
  if (!(record.owner == apex)) return false;
  return record.type == dnskey || (rules.cds && (record.type == cds || record.type == cdnskey)) ||
         (rules.zonemd && record.type == zonemd);
}

std::vector<dns::Record> records_of_signer(const dns::Name& apex, std::span<const SigningKey> keys,
                                           const SigningRules& rules, std::uint32_t soa_ttl, bool withdrawn) {
  std::vector<dns::Record> records;
  const auto add = [&](dns::RrType type, std::uint32_t ttl, Octets rdata) {
    records.push_back({apex, type, dns::rr_class::in, dns::Ttl::from_wire(ttl), std::move(rdata)});
  };
  for (const SigningKey& key : keys) {
    if (key.published) add(dns::type::dnskey, rules.dnskey_ttl, key.dnskey);
    if (!rules.cds || withdrawn || !key.in_cds) continue;
    add(dns::type::cds, rules.dnskey_ttl, ds_rdata(apex, key.dnskey, DsDigest::sha256));
    add(dns::type::cdnskey, rules.dnskey_ttl, key.dnskey);
  }
  if (rules.cds && withdrawn) {  // RFC 8078 §4
    add(dns::type::cds, rules.dnskey_ttl, {0, 0, 0, 0, 0});
    add(dns::type::cdnskey, rules.dnskey_ttl, {0, 0, Dnskey::dnssec_protocol, 0, 0});
  }
  if (rules.denial == DenialKind::nsec3) add(dns::type::nsec3param, 0, nsec3param_rdata());
  if (rules.zonemd) add(dns::type::zonemd, soa_ttl, zonemd_rdata(0, Octets(zonemd_digest_octets)));
  return records;
}

Octets zonemd_rdata(std::uint32_t serial, OctetView digest) {
  Octets rdata;
  append_u32(rdata, serial);
  rdata.push_back(1);  // SIMPLE
  rdata.push_back(1);  // SHA-384
  append_octets(rdata, digest);
  return rdata;
}

std::uint32_t next_serial(SerialRule rule, std::uint32_t source, std::optional<std::uint32_t> earlier,
                          std::int64_t now) {
  const std::uint32_t base = earlier && is_before(source, *earlier) ? *earlier : source;
  const std::uint32_t one_more = earlier ? base + 1 : source;  // the first output may have the source's own
  std::uint32_t wanted = one_more;
  switch (rule) {
    case SerialRule::keep:
      return source;
    case SerialRule::increment:
      return one_more;
    case SerialRule::unixtime:
      wanted = static_cast<std::uint32_t>(now);
      break;
    case SerialRule::date: {
      const std::chrono::year_month_day day{
          std::chrono::floor<std::chrono::days>(std::chrono::sys_seconds{std::chrono::seconds{now}})};
      wanted = static_cast<std::uint32_t>(static_cast<int>(day.year())) * 1000000U +
               static_cast<unsigned>(day.month()) * 10000U + static_cast<unsigned>(day.day()) * 100U;
      break;
    }
  }
  // A serial may not go back, nor stay while the zone changes: then it counts on from where it is.
  return is_before(wanted, one_more) ? one_more : wanted;
}

Octets with_serial(OctetView soa_rdata, std::uint32_t serial) {
  Octets rdata(soa_rdata.begin(), soa_rdata.end());
  const std::size_t at = rdata.size() - behind_serial - 4;
  for (std::size_t i = 0; i < 4; ++i) rdata[at + i] = static_cast<std::uint8_t>(serial >> (24 - 8 * i));
  return rdata;
}

std::optional<std::uint32_t> serial_of(const Zone& zone) {
  const ZoneSet* soa = zone.find(zone.nodes().front(), dns::type::soa);
  const auto fields = dns::parse_soa(*soa->rdata().begin());
  if (!fields) return std::nullopt;
  return fields->serial;
}

}  // namespace redoubt::dnssec
