#pragma once
// Proofs that something does not exist (RFC 4035 §5.4, RFC 5155 §8, RFC 6840 §4), judged from a zone's NSEC or NSEC3
// records. Pure. Every record given must have been verified by itself with keys of the zone: a proof is no better than
// the worst of its parts (attacks: unsigned proof rides along).
#include <span>
#include <vector>

#include "dns/name.hpp"
#include "dnssec/base/records.hpp"
#include "dnssec/verify/effort.hpp"
#include "dnssec/verify/reason.hpp"

namespace redoubt::dnssec {

/// One NSEC or NSEC3 record. rdata is a view.
struct DenialRecord {
  dns::Name owner;
  dns::RrType type;
  OctetView rdata;
};

/// secure: proven. insecure: as good as it gets, for a span opts out or iterations are too many (RFC 9276 §3.2). bogus:
/// not proven.
struct Proof {
  Security security = Security::bogus;
  Reason reason{};
};

class Prover {
 public:
  /// All outlive the prover. records: any that came along; those that are not of this zone's kind are passed over.
  Prover(const dns::Name& zone, std::span<const DenialRecord> records, const CandidateLimits& limits, Effort& effort);

  /// NXDOMAIN: neither the name nor a wildcard that would make it (RFC 4035 §5.4, RFC 5155 §8.4).
  Proof no_name(const dns::Name& name);
  /// The name, an empty non-terminal, or the wildcard that makes it has neither this type nor CNAME (RFC 4035 §5.4, RFC
  /// 5155 §8.5-8.7). type is not DS.
  Proof no_data(const dns::Name& name, dns::RrType type);
  /// An answer that was expanded from a wildcard whose RRSIG has that many labels: no name closer than it exists (RFC
  /// 4035 §5.3.4, RFC 5155 §8.8).
  Proof expansion(const dns::Name& name, std::uint8_t labels);

  /// What a denial of DS says of the name (RFC 6840 §4.4, RFC 5155 §8.6).
  enum class Cut : std::uint8_t {
    unsigned_zone,   ///< a zone begins there that nobody vouches for: the name's own record says so
    perhaps_a_zone,  ///< an unsigned zone may begin there: a span that opts out, or more iterations than are looked at
    none,            ///< the name exists and is no cut
    no_name,         ///< it does not exist, nor does anything below it
    unproven,
  };
  struct CutProof {
    Cut cut = Cut::unproven;
    Reason reason{};
  };
  CutProof no_ds(const dns::Name& name);

 private:
  const dns::Name* zone_;
  std::vector<const DenialRecord*> nsec_;
  std::vector<const DenialRecord*> nsec3_;
  const CandidateLimits* limits_;
  Effort* effort_;
};

/// Labels that both names have in common at their end.
std::size_t common_labels(const dns::Name& one, const dns::Name& other);

}  // namespace redoubt::dnssec
