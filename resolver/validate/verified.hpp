#pragma once
// Signatures that were found good, so that nobody checks one twice: a zone's SOA and the proofs of its apex come with
// each of its denials. Whether a signature is good never changes; whether it counts (times, keys, labels) is looked at
// each time.
#include <array>
#include <mutex>
#include <vector>

#include "dnssec/verify/signature.hpp"

namespace redoubt::resolver {

/// Shared by workers. Takes a fixed 256 KiB; what falls on the same place takes it.
class VerifiedSignatures final : public dnssec::GoodSignatures {
 public:
  static constexpr std::size_t places = 8192;

  VerifiedSignatures() : table_(places) {}
  bool has(const Print& print) override;
  void add(const Print& print) override;

 private:
  static std::size_t place_of(const Print& print) { return (std::size_t{print[0]} << 8 | print[1]) % places; }
  std::mutex lock_;
  std::vector<Print> table_;  // all zeros: nothing; SHA-256 of nothing that anybody knows
};

}  // namespace redoubt::resolver
