#include "dnssec/zone/verify_digest.hpp"

#include <algorithm>

#include "dns/rdata.hpp"
#include "dns/record_stream.hpp"
#include "dnssec/base/digest.hpp"

namespace redoubt::dnssec {

namespace {

constexpr std::size_t digest_at = 6;  // behind serial, scheme and hash (RFC 8976 §2.2)

/// RFC 8976 §3.3.1: the digest and its signatures are not in it.
bool is_digested(bool at_apex, dns::RrType type, OctetView rdata) {
  if (!at_apex) return true;
  return type != dns::type::zonemd &&
         !(type == dns::type::rrsig && rdata.size() >= 2 && (rdata[0] << 8 | rdata[1]) == dns::type::zonemd.value);
}

/// Nodes, types and RDATA are in canonical order already.
Octets digest_of_zone(const Zone& zone, std::string_view algorithm) {
  Digest digest{find_digest(algorithm)};
  if (!digest.start()) return {};
  Octets octets;
  for (const ZoneNode& node : zone.nodes()) {
    const bool at_apex = &node == &zone.nodes().front();
    const dns::Name owner = node.name().lowercased();
    for (const ZoneSet& set : zone.sets(node)) {
      for (const OctetView rdata : set.rdata()) {
        if (!is_digested(at_apex, set.type, rdata)) continue;
        // RRSIG records of one name have the TTLs of what they cover (RFC 4034 §3), so they make no RRset with one TTL.
        const auto rrsig = set.type == dns::type::rrsig ? Rrsig::parse(rdata) : std::nullopt;
        const dns::Ttl ttl = rrsig ? rrsig->original_ttl : dns::Ttl::from_wire(set.ttl);
        dns::Record record{owner, set.type, dns::rr_class::in, ttl, {rdata.begin(), rdata.end()}};
        dns::canonicalise(set.type, record.rdata);
        octets.clear();
        dns::append_record(octets, record);
        if (!digest.add(octets)) return {};
      }
    }
  }
  Octets out(digest.octets());
  if (!digest.finish(out)) return {};
  return out;
}

}  // namespace

void verify_digest(const Zone& zone, Findings& findings) {
  const ZoneSet* set = zone.find(zone.nodes().front(), dns::type::zonemd);
  if (set == nullptr) return;
  const auto soa = dns::parse_soa(*zone.find(zone.nodes().front(), dns::type::soa)->rdata().begin());
  for (const OctetView rdata : set->rdata()) {
    if (rdata.size() < digest_at || rdata[4] != 1 || rdata[5] < 1 || rdata[5] > 2) {
      findings.warning(zone.apex(), "ZONEMD", "of a scheme or hash that is not known here");
      continue;
    }
    const std::uint32_t serial =
        std::uint32_t{rdata[0]} << 24 | std::uint32_t{rdata[1]} << 16 | std::uint32_t{rdata[2]} << 8 | rdata[3];
    if (!soa || soa->serial != serial) {
      findings.fault(zone.apex(), "ZONEMD", "it is of another serial than the SOA's");
    } else if (!std::ranges::equal(digest_of_zone(zone, rdata[5] == 1 ? "SHA384" : "SHA512"),
                                   rdata.subspan(digest_at))) {
      findings.fault(zone.apex(), "ZONEMD", "the digest does not fit the zone");
    }
  }
}

}  // namespace redoubt::dnssec
