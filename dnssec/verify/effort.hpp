#pragma once
// What checking may cost. The caller's ledger decides; whoever checks asks before each step (attacks: KeyTrap, NSEC3
// encloser).
#include <cstdint>

namespace redoubt::dnssec {

enum class Work : std::uint8_t {
  signature,         ///< one verification
  failed_signature,  ///< one that came to nothing: the signature is not this key's, or the key is none
  hash_block,        ///< one SHA-1 block of an NSEC3 hash
};

/// Of what a message or a zone may hold more than is looked at (CandidateLimits).
enum class Candidates : std::uint8_t { signatures_of_set, keys_of_tag, ds_of_zone, denial_records };

class Effort {
 public:
  virtual ~Effort() = default;
  /// False: that is more than is left, and nothing more of it may be done for this question.
  [[nodiscard]] virtual bool spend(Work work, std::uint64_t amount) = 0;
  /// What came to nothing might have come to something, had more of these been looked at.
  virtual void skipped(Candidates candidates) { static_cast<void>(candidates); }
};

/// How many candidates are looked at where a message holds more than an honest one would.
struct CandidateLimits {
  std::size_t signatures_of_set = 4;    ///< RRSIGs of one RRset
  std::size_t keys_of_tag = 2;          ///< keys of one zone with equal tag and algorithm
  std::size_t ds_of_zone = 8;           ///< DS records of one zone
  std::size_t denial_records = 8;       ///< NSEC or NSEC3 records of one answer
  std::uint16_t nsec3_iterations = 50;  ///< more is insecure (RFC 9276 §3.2)
};

}  // namespace redoubt::dnssec
