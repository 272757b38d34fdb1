#include "dnssec/keys/signing_shape.hpp"

#include <algorithm>
#include <utility>

#include "dns/reader.hpp"
#include "dnssec/base/canonical.hpp"

namespace redoubt::dnssec {

namespace {

constexpr std::size_t max_input = 65535;  // what a reader looks at; no message has a larger RRset
constexpr dns::RrType sig{24};            // RFC 2535 §4.1: what RRSIG was called

bool is_in_lower_case(const dns::Name& name) { return std::ranges::equal(name.wire(), name.lowercased().wire()); }

bool is_signable(dns::RrType type) {
  return type.value != 0 && !dns::is_meta(type) && type != sig && type != dns::type::rrsig;
}

bool is_of_the_apex(dns::RrType type) {
  return type == dns::type::soa || type == dns::type::dnskey || type == dns::type::cds || type == dns::type::cdnskey ||
         type == dns::type::nsec3param;
}

/// Serial arithmetic reaches half of the numbers' round only: a time that is out of its reach counts as too far away.
bool is_good_span(const Rrsig& rrsig, std::int64_t now) {
  const auto present = static_cast<std::uint32_t>(now);
  return is_before(rrsig.inception, rrsig.expiration) && is_before(present, rrsig.expiration) &&
         rrsig.expiration - present <= longest_signature && rrsig.expiration - rrsig.inception <= 2 * longest_signature;
}

/// RFC 4034 §3.1, without the signature.
Rrsig read_prefix(dns::WireReader& from) {
  Rrsig rrsig;
  rrsig.covered = dns::RrType{from.u16()};
  rrsig.algorithm = from.u8();
  rrsig.labels = from.u8();
  rrsig.original_ttl = dns::Ttl::from_wire(from.u32());
  rrsig.expiration = from.u32();
  rrsig.inception = from.u32();
  rrsig.key_tag = from.u16();
  rrsig.signer = from.uncompressed_name();
  return rrsig;
}

/// Its records, of which there is one at least, in ascending order and each once (RFC 4034 §6.3).
bool read_canonical_set(dns::WireReader& from, const Rrsig& rrsig, const dns::Name& zone, SigningInput& set) {
  dns::Name owner;
  OctetView before;
  for (bool is_first = true; is_first || from.left() != 0; is_first = false) {
    const dns::Name name = from.uncompressed_name();
    const dns::RrType type{from.u16()};
    const dns::RrClass rr_class{from.u16()};
    const dns::Ttl ttl = dns::Ttl::from_wire(from.u32());
    const OctetView rdata = from.octets(from.u16());
    if (!from.ok() || type != rrsig.covered || rr_class != dns::rr_class::in || ttl != rrsig.original_ttl) return false;
    if (is_first) {
      if (!is_in_lower_case(name) || !name.is_at_or_below(zone) || rrsig.labels != rrsig_labels(name)) return false;
      if (is_of_the_apex(type) && !(name == zone)) return false;
      owner = name;
    } else if (!owner.identical(name) || !std::ranges::lexicographical_compare(before, rdata)) {
      return false;
    }
    before = rdata;
    set.rdata.push_back(rdata);
  }
  return true;
}

Octets with_revoke(OctetView dnskey, bool revoked) {
  Octets other{dnskey.begin(), dnskey.end()};
  if (other.size() > 1)
    other[1] = static_cast<std::uint8_t>((other[1] & ~Dnskey::revoke_bit) | (revoked ? Dnskey::revoke_bit : 0));
  return other;
}

bool is_cds_of(OctetView rdata, const dns::Name& zone, OctetView held) {
  const auto cds = Ds::parse(rdata);
  const auto digest = cds ? find_ds_digest(cds->digest_type) : std::nullopt;
  if (!digest) return false;
  for (const bool revoked : {false, true}) {
    const Octets dnskey = with_revoke(held, revoked);
    if (key_tag(dnskey) != cds->key_tag) continue;  // the digest costs more
    if (const Octets expected = ds_rdata(zone, dnskey, *digest);
        !expected.empty() && std::ranges::equal(rdata, expected))
      return true;
  }
  return false;
}

}  // namespace

bool speaks_of_keys(dns::RrType type) {
  return type == dns::type::dnskey || type == dns::type::cds || type == dns::type::cdnskey;
}

bool names_only(const SigningInput& set, const dns::Name& zone, std::span<const Octets> held) {
  return std::ranges::all_of(set.rdata, [&](OctetView rdata) {
    const Octets plain = with_revoke(rdata, false);
    return std::ranges::any_of(held, [&](const Octets& key) {
      return set.type == dns::type::cds ? is_cds_of(rdata, zone, key) : plain == with_revoke(key, false);
    });
  });
}

std::optional<SigningInput> read_signing_input(OctetView octets, const SigningIdentity& key, std::int64_t now) {
  if (octets.size() > max_input) return std::nullopt;
  dns::NameWork work{octets.size()};
  dns::WireReader from{octets, work};
  const Rrsig rrsig = read_prefix(from);
  SigningInput set{.type = rrsig.covered, .rdata = {}};
  const bool is_good = from.ok() && rrsig.algorithm == static_cast<std::uint8_t>(key.algorithm) &&
                       rrsig.key_tag == key.tag && rrsig.signer.identical(key.zone.lowercased()) &&
                       is_signable(rrsig.covered) && is_good_span(rrsig, now) &&
                       read_canonical_set(from, rrsig, key.zone, set);
  return is_good ? std::optional{std::move(set)} : std::nullopt;
}

}  // namespace redoubt::dnssec
