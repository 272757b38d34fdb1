#include "dnssec/verify/key_set.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace redoubt::dnssec {

namespace {

/// Digests that are computed for one zone, whatever its records are (attacks: HashTrap).
constexpr std::size_t most_digests = 16;

std::vector<Ds> checkable(const Vouchers& vouchers, const SignatureRules& rules) {
  std::vector<Ds> found;
  for (const Octets& rdata : vouchers.ds) {
    const auto ds = Ds::parse(rdata);
    if (!ds || !is_supported(ds->algorithm, rules)) continue;
    const auto digest = find_ds_digest(ds->digest_type);
    if (!digest || ds->digest.size() != digest_octets(*digest)) continue;
    found.push_back(*ds);
  }
  const auto is_sha1 = [](const Ds& ds) { return ds.digest_type == static_cast<std::uint8_t>(DsDigest::sha1); };
  if (!std::ranges::all_of(found, is_sha1)) std::erase_if(found, is_sha1);
  return found;
}

/// The zone's keys that a voucher is about.
class Matcher {
 public:
  Matcher(const dns::Name& zone, const Vouchers& vouchers, const SignatureRules& rules)
      : zone_{&zone}, vouchers_{&vouchers}, ds_{checkable(vouchers, rules)}, rules_{&rules} {
    if (ds_.size() > rules.limits.ds_of_zone) ds_.resize(rules.limits.ds_of_zone);
  }

  bool fits(OctetView rdata, const Dnskey& key) {
    if (!is_supported(key.algorithm, *rules_)) return false;
    const bool is_anchor =
        std::ranges::any_of(vouchers_->dnskey, [&](const Octets& anchor) { return std::ranges::equal(anchor, rdata); });
    return is_anchor || has_ds(rdata, key);
  }

 private:
  bool has_ds(OctetView rdata, const Dnskey& key) {
    const std::uint16_t tag = key_tag(rdata);
    for (const Ds& ds : ds_) {
      if (ds.key_tag != tag || ds.algorithm != key.algorithm) continue;
      if (digests_++ == most_digests) return false;
      const Octets digest = ds_digest(*zone_, rdata, *find_ds_digest(ds.digest_type));
      if (!digest.empty() && std::ranges::equal(digest, ds.digest)) return true;
    }
    return false;
  }

  const dns::Name* zone_;
  const Vouchers* vouchers_;
  std::vector<Ds> ds_;
  const SignatureRules* rules_;
  std::size_t digests_ = 0;
};

}  // namespace

std::expected<void, Reason> can_be_checked(const dns::Name& zone, const Vouchers& vouchers,
                                           const SignatureRules& rules) {
  if (!checkable(vouchers, rules).empty()) return {};
  for (const Octets& rdata : vouchers.dnskey) {
    const auto key = Dnskey::parse(rdata);
    if (key && is_supported(key->algorithm, rules)) return {};
  }
  Reason why{dns::EdeCode::unsupported_ds_digest, fmt::format("zone {}: no DS that can be read", zone.to_text())};
  for (const Octets& rdata : vouchers.ds) {
    const auto ds = Ds::parse(rdata);
    if (!ds) continue;
    if (is_supported(ds->algorithm, rules)) {
      return std::unexpected{Reason{dns::EdeCode::unsupported_ds_digest,
                                    fmt::format("zone {}: DS of key {} has digest type {}", zone.to_text(), ds->key_tag,
                                                static_cast<unsigned>(ds->digest_type))}};
    }
    why = {dns::EdeCode::unsupported_dnskey_algorithm, fmt::format("zone {}: key {} has algorithm {}", zone.to_text(),
                                                                   ds->key_tag, algorithm_to_text(ds->algorithm))};
  }
  return std::unexpected{std::move(why)};
}

bool has_too_many_ds(const Vouchers& vouchers, const SignatureRules& rules) {
  return checkable(vouchers, rules).size() > rules.limits.ds_of_zone;
}

std::expected<ZoneKeys, Reason> entry_points(const dns::Name& zone, RdataRange dnskeys, const Vouchers& vouchers,
                                             const SignatureRules& rules) {
  if (auto checkable = can_be_checked(zone, vouchers, rules); !checkable)
    return std::unexpected{std::move(checkable.error())};
  Matcher matcher{zone, vouchers, rules};
  std::optional<Reason> why;
  Octets vouched;  // in RdataList's layout
  for (const OctetView rdata : dnskeys) {
    const auto key = Dnskey::parse(rdata);
    if (!key || !matcher.fits(rdata, *key)) continue;
    if (!key->is_zone_key()) {
      why = Reason{dns::EdeCode::no_zone_key_bit,
                   fmt::format("zone {}: key {} is no zone key", zone.to_text(), key_tag(rdata))};
      continue;
    }
    if (key->is_revoked()) {
      why = Reason{why ? why->code : dns::EdeCode::dnskey_missing,
                   fmt::format("zone {}: key {} is revoked", zone.to_text(), key_tag(rdata))};
      continue;
    }
    append_u16(vouched, static_cast<std::uint16_t>(rdata.size()));
    append_octets(vouched, rdata);
  }
  if (vouched.empty() && why) return std::unexpected{*std::move(why)};
  if (vouched.empty()) {
    return std::unexpected{
        Reason{dns::EdeCode::dnskey_missing,
               fmt::format("zone {}: none of its keys is the one that its DS or trust anchor names", zone.to_text())}};
  }
  return ZoneKeys{zone, RdataRange{OctetView{vouched}}};
}

std::expected<CheckedKeys, Reason> check_keys(const dns::Name& zone, RdataRange dnskeys, dns::Ttl ttl,
                                              RdataRange rrsigs, const Vouchers& vouchers, const SignatureRules& rules,
                                              Effort& effort) {
  const auto entries = entry_points(zone, dnskeys, vouchers, rules);
  if (!entries) return std::unexpected{entries.error()};
  auto checked = check_signatures({zone, dns::type::dnskey, dnskeys}, ttl, rrsigs, *entries, rules, effort);
  if (!checked) return std::unexpected{std::move(checked.error())};
  return CheckedKeys{std::make_shared<const ZoneKeys>(zone, dnskeys), checked->ttl, *checked};
}

}  // namespace redoubt::dnssec
