#pragma once
// Proofs by NSEC3 (RFC 5155 §8, RFC 6840 §4, RFC 9276): inside of the prover, and for who keeps verified records.
#include <optional>
#include <span>
#include <vector>

#include "dnssec/base/nsec3_hash.hpp"
#include "dnssec/verify/denial.hpp"

namespace redoubt::dnssec {

/// An NSEC3 that may prove something. Views into its RDATA.
struct Nsec3Row {
  Nsec3Hash hash;  ///< of its owner
  Nsec3Hash next;
  Nsec3 nsec3;
  /// hash: from its owner, directly below the zone's apex. Nothing for other flags and hash algorithms, which are for
  /// those who know them (RFC 5155 §8.1, §8.2).
  static std::optional<Nsec3Row> of(const Nsec3Hash& hash, OctetView rdata);
  static std::optional<Nsec3Row> of(const dns::Name& zone, const dns::Name& owner, OctetView rdata);
};

/// Computed before with the records' own parameters: costs nothing again.
struct KnownHash {
  dns::Name name;
  Nsec3Hash hash;
};

class Nsec3Prover {
 public:
  /// zone and effort outlive the prover.
  Nsec3Prover(const dns::Name& zone, std::span<const DenialRecord* const> records, const CandidateLimits& limits,
              Effort& effort);
  /// known outlives it, too.
  Nsec3Prover(const dns::Name& zone, std::vector<Nsec3Row> rows, std::span<const KnownHash> known,
              const CandidateLimits& limits, Effort& effort);
  Proof no_name(const dns::Name& name);
  Proof no_data(const dns::Name& name, dns::RrType type);
  Proof expansion(const dns::Name& name, std::uint8_t labels);
  Prover::CutProof no_ds(const dns::Name& name);

 private:
  using Row = Nsec3Row;
  struct Encloser {
    dns::Name name;
    const Row* next_closer = nullptr;  ///< what covers the name one label longer
  };
  void look_over(const CandidateLimits& limits);
  /// Nothing when there is no memory or no allowance left; then spent_ says so.
  std::optional<Nsec3Hash> hash_of(const dns::Name& name);
  const Row* of(const dns::Name& name);
  const Row* covering(const dns::Name& name);
  /// The deepest ancestor that exists, with proof that the next name towards `name` does not (RFC 5155 §8.3).
  std::optional<Encloser> closest_encloser(const dns::Name& name);
  /// Why nothing can be proven with these records at all; nothing when it can.
  std::optional<Proof> unusable() const;
  Proof unproven(std::string text) const;

  const dns::Name* zone_;
  Effort* effort_;
  std::vector<Row> rows_;
  std::span<const KnownHash> known_;
  std::optional<Nsec3Hasher> hasher_;
  std::size_t salt_octets_ = 0;
  std::uint16_t iterations_ = 0;
  bool too_many_iterations_ = false;
  bool mixed_ = false;
  bool spent_ = false;
};

}  // namespace redoubt::dnssec
