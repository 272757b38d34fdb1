#pragma once
// Which names a proof of non-existence speaks of, and what each says: the NSEC chain (RFC 4034 §4, RFC 4035 §2.3) and
// the NSEC3 chain (RFC 5155 §7.1; RFC 9276: no salt, no further iteration).
#include <cstdint>
#include <expected>
#include <string>
#include <vector>

#include "dnssec/base/nsec3_hash.hpp"
#include "dnssec/sign/rules.hpp"
#include "dnssec/zone/zone.hpp"

namespace redoubt::dnssec {

/// A name of the NSEC3 chain. Empty non-terminals have no node, and no types.
struct HashedName {
  static constexpr std::uint32_t no_node = 0xffffffff;
  Nsec3Hash hash;
  std::uint32_t node;
};

class DenialChain {
 public:
  /// zone outlives it. errors: two names with one hash
  static std::expected<DenialChain, std::string> build(const Zone& zone, const SigningRules& rules, unsigned threads);

  /// The NSEC chain: RDATA of that node's NSEC. Only for nodes that are not occluded.
  Octets nsec_rdata(std::size_t node) const;
  /// The NSEC3 chain, by hash. Empty for NSEC.
  std::span<const HashedName> hashed() const { return hashed_; }
  /// RDATA of the k-th NSEC3.
  Octets nsec3_rdata(std::size_t k) const;
  dns::Name nsec3_owner(std::size_t k) const;
  /// RFC 9077: the smaller of the SOA's TTL and its minimum.
  std::uint32_t ttl() const { return ttl_; }

 private:
  DenialChain(const Zone& zone, const SigningRules& rules) : zone_{&zone}, rules_{&rules} {}
  bool is_in_nsec3_chain(const ZoneNode& node) const;
  std::vector<dns::RrType> types_at(const ZoneNode& node) const;
  std::expected<void, std::string> hash_all(unsigned threads);

  const Zone* zone_;
  const SigningRules* rules_;
  std::uint32_t ttl_ = 0;
  std::vector<HashedName> hashed_;
};

/// Whether the zone signs that RRset of that node: all of an authoritative name, DS of a cut, nothing else.
bool is_signed_set(const ZoneNode& node, dns::RrType type);
/// NSEC3PARAM's RDATA for our NSEC3 chains. The opt-out flag is not said here (RFC 5155 §4.1.2).
Octets nsec3param_rdata();

}  // namespace redoubt::dnssec
