#pragma once
// Proofs by NSEC (RFC 4034 §4, RFC 4035 §5.4, RFC 6840 §4.1, §4.3). Inside of the prover only.
#include "dnssec/verify/denial.hpp"

namespace redoubt::dnssec {

class NsecProver {
 public:
  NsecProver(const dns::Name& zone, std::span<const DenialRecord* const> records);
  Proof no_name(const dns::Name& name) const;
  Proof no_data(const dns::Name& name, dns::RrType type) const;
  Proof expansion(const dns::Name& name, std::uint8_t labels) const;
  Prover::CutProof no_ds(const dns::Name& name) const;

 private:
  struct Row {
    dns::Name owner;
    Nsec nsec;
  };
  const Row* of(const dns::Name& name) const;
  const Row* covering(const dns::Name& name) const;
  /// The name is an ancestor of one that exists.
  bool is_empty_non_terminal(const dns::Name& name) const;
  const dns::Name* zone_;
  std::vector<Row> rows_;
};

}  // namespace redoubt::dnssec
