#pragma once
// Whether a whole zone will validate: every RRset, every signature, every proof, judged from the records alone. Shares
// no code with the signer beyond the formats of dnssec/base, so that a mistake there is not made here again.
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "dns/rrset.hpp"
#include "dnssec/zone/zone.hpp"

namespace redoubt::dnssec {

enum class Severity : std::uint8_t {
  fault,    ///< some validator will not accept it, or not always
  warning,  ///< it validates, and is not as it should be
};

struct ZoneFinding {
  Severity severity = Severity::fault;
  dns::Name owner;
  std::string type;  ///< of the RRset that it is about; may be empty
  std::string what;
  std::string to_text() const;  ///< "fault: www.example. A: what"
};

struct VerifyOptions {
  std::int64_t now = 0;   ///< seconds since 1970
  std::int64_t soon = 0;  ///< signatures that end within so many seconds get a warning
  unsigned threads = 1;
  std::size_t max_findings = 1000;  ///< more are counted, and not listed
  /// About one signature of so many is checked with its key: each by itself is in the sample or not, others at another
  /// `now`. Those over SOA and over what speaks of keys always are. Everything else is checked in full.
  std::size_t one_in = 1;
  /// Signatures of that inception (those of the run that is checked) have a share of their own: one in one_in_new.
  std::optional<std::uint32_t> new_inception = std::nullopt;
  std::size_t one_in_new = 1;
  std::vector<Octets> trusted_ds;  ///< RDATA of DS records: the DNSKEY RRset must be signed by a key that one fits
};

struct ZoneVerdict {
  std::vector<ZoneFinding> findings;
  std::uint64_t faults = 0;
  std::uint64_t warnings = 0;
  std::uint64_t signatures = 0;           ///< that are there
  std::uint64_t verified = 0;             ///< that were checked with their keys
  std::uint32_t earliest_expiration = 0;  ///< of all signatures; 0 when there is none
  bool is_good() const { return faults == 0; }
};

/// zone: as read from a file, signatures and proofs among its RRsets.
ZoneVerdict verify_zone(const Zone& zone, const VerifyOptions& options);

}  // namespace redoubt::dnssec
