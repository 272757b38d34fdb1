#pragma once
// Canonical form and order of an RRset, and the octets that a signature is over (RFC 4034 §3.1.8.1, §6).
#include <cstdint>
#include <string>

#include "dns/rrset.hpp"
#include "dnssec/base/records.hpp"

namespace redoubt::dnssec {

/// RDATA one after the other, wherever they lie: an RdataList, or a block of the same layout.
struct RdataRange {
  dns::RdataList::Iterator first;
  dns::RdataList::Iterator last;
  RdataRange(const dns::RdataList& list) : first{list.begin()}, last{list.end()} {}  // NOLINT: a view of it
  /// Two length octets and the octets, again and again: the layout of RdataList.
  explicit RdataRange(OctetView block) : first{block.data()}, last{block.data() + block.size()} {}
  dns::RdataList::Iterator begin() const { return first; }
  dns::RdataList::Iterator end() const { return last; }
};

/// Everything of an RRset but its TTL, which signatures take from the RRSIG.
struct SetView {
  const dns::Name& owner;
  dns::RrType type;
  RdataRange rdata;
  dns::RrClass rr_class = dns::rr_class::in;
};

/// Appends what a signature is over: `prefix` (rrsig_prefix(), or an RRSIG's RDATA without its signature and with the
/// signer in lower case), then the RRset in canonical form and order, each record once, with the RRSIG's original TTL,
/// and as owner the wildcard where the RRSIG has fewer labels (RFC 4035 §5.3.2).
/// False, with nothing appended, when the RRSIG has more labels than the owner (§5.3.1), or when there is no record:
/// such a signature is over nothing.
[[nodiscard]] bool append_signed_data(Octets& out, OctetView prefix, const SetView& set);

/// What RRSIG's Labels says of an owner: labels without the root and without a leading `*` (RFC 4034 §3.1.3).
std::uint8_t rrsig_labels(const dns::Name& owner);

/// Keys that compare octet by octet as names do in canonical order (RFC 4034 §6.1): labels from the right, in lower
/// case, with 0 behind each and 0 and 1 escaped inside. A name's key is a prefix of the keys below it, and of no other.
void append_order_key(std::string& out, OctetView name_wire);

}  // namespace redoubt::dnssec
