#pragma once
#include <algorithm>
#include <array>
#include <cstdint>

#include "dnssec/base/records.hpp"

namespace redoubt::tests {

/// Of a DNSKEY, as it is and once it is revoked (RFC 5011 §3). Of two keys made by chance one in 22,000 pairs has one
/// in common.
inline std::array<std::uint16_t, 2> tags_of(dnssec::OctetView dnskey) {
  dnssec::Octets revoked{dnskey.begin(), dnskey.end()};
  revoked[1] |= dnssec::Dnskey::revoke_bit;
  return {dnssec::key_tag(dnskey), dnssec::key_tag(revoked)};
}

inline bool tags_meet(dnssec::OctetView left, dnssec::OctetView right) {
  const auto theirs = tags_of(right);
  return std::ranges::any_of(tags_of(left),
                             [&](std::uint16_t mine) { return std::ranges::find(theirs, mine) != theirs.end(); });
}

}  // namespace redoubt::tests
