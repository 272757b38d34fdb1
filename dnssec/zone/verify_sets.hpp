#pragma once
// RRsets and their signatures, name by name: the part of a zone's check that looks at one name at a time. Used on whole
// zones and on parts of them.
#include <bitset>
#include <optional>
#include <vector>

#include "dnssec/base/public_key.hpp"
#include "dnssec/zone/findings.hpp"
#include "dnssec/zone/verify_zone.hpp"

namespace redoubt::dnssec {

struct RingKey {
  std::uint16_t tag;
  std::uint8_t algorithm;
  bool is_entry_point;
  Octets rdata;
  std::optional<PublicKey> key;  ///< nothing when it cannot be used
};

/// The DNSKEY RRset that everything is checked against. Shared by threads, which only read it.
struct KeyRing {
  dns::Name apex;
  std::vector<RingKey> keys;
  std::bitset<256> algorithms;
  /// zone has its apex as first node. What is wrong with it becomes a fault.
  static KeyRing of(const Zone& zone, Findings& findings);
};

/// ring, options, findings and verdict outlive it. One thread at a time.
class SetVerification {
 public:
  SetVerification(const KeyRing& ring, const VerifyOptions& options, Findings& findings, ZoneVerdict& verdict)
      : ring_{&ring}, options_{&options}, findings_{findings}, verdict_{&verdict} {}
  /// All but the cryptography; the signatures are kept in mind. zone stays until verify_signatures() is done.
  void node(const Zone& zone, const ZoneNode& node);
  /// Those that node() kept in mind, or the sample of them that the options ask for.
  void verify_signatures(unsigned threads);
  /// Algorithms that are signed with, and of which the ring has no key.
  const std::bitset<256>& ahead() const { return ahead_; }

 private:
  struct Check {  // one signature that is to be checked with its key
    const ZoneNode* node;
    const ZoneSet* set;
    OctetView rrsig;
    bool in_sample;
    bool good = true;
  };
  void verify_set(const ZoneNode& node, const ZoneSet& set, const ZoneSet* signatures);
  bool verify_fields(const dns::Name& owner, const ZoneSet& set, const Rrsig& rrsig);
  bool is_trusted(const RingKey& key) const;
  bool is_in_sample(dns::RrType type, OctetView rdata, const Rrsig& rrsig) const;
  const RingKey* key_of(const Rrsig& rrsig) const;
  bool holds(const Check& check, Octets& data) const;

  const KeyRing* ring_;
  const VerifyOptions* options_;
  Findings findings_;
  ZoneVerdict* verdict_;
  std::bitset<256> ahead_;
  std::vector<Check> checks_;
  dns::Name owner_;  // of the node at hand
};

/// One warning for each algorithm of SetVerification::ahead().
void tell_ahead(const dns::Name& apex, const std::bitset<256>& ahead, Findings& findings);

}  // namespace redoubt::dnssec
