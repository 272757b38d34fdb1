#pragma once
// Proofs by NSEC3 (RFC 5155 §8, RFC 6840 §4, RFC 9276). Inside of the prover only.
#include <optional>

#include "dnssec/base/nsec3_hash.hpp"
#include "dnssec/verify/denial.hpp"

namespace redoubt::dnssec {

class Nsec3Prover {
 public:
  Nsec3Prover(const dns::Name& zone, std::span<const DenialRecord* const> records, const CandidateLimits& limits,
              Effort& effort);
  Proof no_name(const dns::Name& name);
  Proof no_data(const dns::Name& name, dns::RrType type);
  Proof expansion(const dns::Name& name, std::uint8_t labels);
  Prover::CutProof no_ds(const dns::Name& name);

 private:
  struct Row {
    Nsec3Hash hash;
    Nsec3Hash next;
    Nsec3 nsec3;
  };
  struct Encloser {
    dns::Name name;
    const Row* next_closer = nullptr;  ///< what covers the name one label longer
  };
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
  std::optional<Nsec3Hasher> hasher_;
  std::size_t salt_octets_ = 0;
  std::uint16_t iterations_ = 0;
  bool too_many_iterations_ = false;
  bool mixed_ = false;
  bool spent_ = false;
};

}  // namespace redoubt::dnssec
