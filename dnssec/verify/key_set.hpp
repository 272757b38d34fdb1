#pragma once
// From a DS RRset or a trust anchor to the keys of a zone (RFC 4035 §5.2).
#include <expected>
#include <memory>

#include "dnssec/verify/signature.hpp"

namespace redoubt::dnssec {

/// What vouches for a zone's keys: a DS RRset, or an anchor of the configuration.
struct Vouchers {
  std::vector<Octets> ds;      ///< RDATA of DS records
  std::vector<Octets> dnskey;  ///< RDATA of DNSKEY records, of an anchor alone
  bool operator==(const Vouchers&) const = default;
};

/// Whether any of them can be checked here: its algorithm and digest are known and not switched off. When not, the zone
/// counts as unsigned (RFC 4035 §5.2, RFC 6840 §5.2); the error says which number it was.
/// errors: unsupported_dnskey_algorithm, unsupported_ds_digest
std::expected<void, Reason> can_be_checked(const dns::Name& zone, const Vouchers& vouchers,
                                           const SignatureRules& rules);

/// Whether more DS records could be checked than are looked at.
bool has_too_many_ds(const Vouchers& vouchers, const SignatureRules& rules);

/// Those of the zone's keys that are vouched for: one of them has to have signed all. A digest by SHA-1 counts only
/// where none by anything better stands beside it (RFC 4509 §3).
/// errors: dnskey_missing when no voucher has its key there, no_zone_key_bit when it is none of a zone,
/// unsupported_ds_digest and unsupported_dnskey_algorithm as above
[[nodiscard]] std::expected<ZoneKeys, Reason> entry_points(const dns::Name& zone, RdataRange dnskeys,
                                                           const Vouchers& vouchers, const SignatureRules& rules);

/// The zone's keys, when one of them is vouched for and has signed them all.
/// errors: those of entry_points() and check_signatures()
struct CheckedKeys {
  std::shared_ptr<const ZoneKeys> keys;
  dns::Ttl ttl;
  Signed signature;
};
[[nodiscard]] std::expected<CheckedKeys, Reason> check_keys(const dns::Name& zone, RdataRange dnskeys, dns::Ttl ttl,
                                                            RdataRange rrsigs, const Vouchers& vouchers,
                                                            const SignatureRules& rules, Effort& effort);

}  // namespace redoubt::dnssec
