#pragma once
// Signs a whole zone: proofs, signatures, digest. What an earlier output still has good is taken over; the rest is
// signed on several threads. The text comes out in order, piece by piece, so that beside the zone itself only a few
// thousand records are in memory at any time.
#include <atomic>
#include <cstdint>
#include <expected>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dnssec/base/digest.hpp"
#include "dnssec/sign/denial.hpp"
#include "dnssec/sign/earlier_text.hpp"
#include "dnssec/sign/rules.hpp"
#include "dnssec/zone/zone.hpp"

namespace redoubt::dnssec {

struct SigningTask {
  const Zone* zone = nullptr;            ///< prepared: with the records of records_of_signer()
  const EarlierText* earlier = nullptr;  ///< the earlier output, with its signatures; null: there is none
  std::span<const SigningKey> keys;
  SigningRules rules;
  std::int64_t now = 0;  ///< seconds since 1970
  unsigned threads = 1;
};

struct SigningCounts {
  std::uint64_t names = 0;
  std::uint64_t sets = 0;     ///< that are signed, proofs among them
  std::uint64_t proofs = 0;   ///< NSEC or NSEC3 records
  std::uint64_t made = 0;     ///< signatures
  std::uint64_t kept = 0;     ///< signatures taken over
  std::uint64_t changed = 0;  ///< RRsets that are not in the earlier output as they are now, proofs among them
  std::uint64_t gone = 0;     ///< by plan() alone: signatures of the earlier output, at names that stay, not taken over
  SigningCounts& operator+=(const SigningCounts& other);
};

class NodeSigner;
struct SignedPiece;

/// A piece of the zone file's text is ready; false ends the work.
using TakeText = std::function<bool(std::string_view text, std::size_t items_done, std::size_t items)>;

class ZoneSigner {
 public:
  /// What `task` refers to outlives the signer.
  static std::expected<ZoneSigner, std::string> create(const SigningTask& task);

  /// What would be done: nothing is signed. `whole` false: it may end as soon as something is found to do.
  SigningCounts plan(bool whole) const;
  /// errors: the library failed, or `take` said false.
  std::expected<SigningCounts, std::string> sign(const TakeText& take) const;
  const DenialChain& chain() const { return *chain_; }

 private:
  explicit ZoneSigner(const SigningTask& task) : task_{task} {}
  void arrange();
  std::size_t piece_count() const;
  SignedPiece piece(NodeSigner& worker, std::size_t number) const;
  SignedPiece pass(NodeSigner& worker, std::size_t number) const;
  std::vector<std::unique_ptr<NodeSigner>> workers(bool dry) const;
  std::expected<std::string, std::string> zonemd_text(OctetView digest) const;

  SigningTask task_;
  std::unique_ptr<DenialChain> chain_;
  std::uint64_t seed_ = 0;  ///< of the jitter
  /// Nodes and NSEC3 records in canonical order: a node's index, or with the top bit the place in the hashed chain.
  std::vector<std::uint32_t> items_;
};

}  // namespace redoubt::dnssec
