#pragma once
// One thread's part of signing a zone: the text of one name after the other, with its proof and its signatures.
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "dnssec/keys/private_key.hpp"
#include "dnssec/sign/denial.hpp"
#include "dnssec/sign/earlier_text.hpp"
#include "dnssec/sign/zone_signer.hpp"

namespace redoubt::dnssec {

/// What one piece of work gave.
struct SignedPiece {
  std::string text;
  Octets digested;  ///< records in canonical order and form, for ZONEMD
  SigningCounts counts;
  bool failed = false;  ///< the library could not sign
};

class NodeSigner {
 public:
  /// dry: count, and write nothing.
  NodeSigner(const SigningTask& task, const DenialChain& chain, std::uint64_t seed, bool dry);

  /// A node with everything that stands at its name.
  void node(std::size_t index, SignedPiece& piece);
  /// The k-th NSEC3.
  void hashed(std::size_t k, SignedPiece& piece);
  /// For keys that sign in batches: what node() and hashed() do from now on only notes what is to be signed, and is
  /// done once more after sign_noted().
  void note();
  bool has_noted() const;
  [[nodiscard]] bool sign_noted();
  /// The signatures over one RRset of the apex, as lines; nothing when the library fails.
  std::optional<std::string> apex_signatures(dns::RrType type, std::uint32_t ttl, const dns::RdataList& rdata);

 private:
  struct Item {  // one RRset of the name at hand
    dns::RrType type;
    std::uint32_t ttl;
    RdataRange rdata;
    bool is_signed;
  };
  void emit(const std::vector<Item>& items, bool is_hash, SignedPiece& piece);
  void emit_set(const Item& item, SignedPiece& piece);
  bool unchanged(dns::RrType type, std::string_view text) const;
  void plan_zonemd(const Item& item, SignedPiece& piece) const;
  bool is_made_last(dns::RrType type) const;
  void sign_set(const Item& item, bool is_unchanged, SignedPiece& piece);
  std::string_view kept_signature(const SigningKey& key, const Item& item) const;
  void keep_signature(const Item& item, std::string_view line, SignedPiece& piece);
  std::optional<Octets> make_signature(std::size_t key, const Item& item);
  std::optional<Octets> presigned_signature(const SigningKey& key, const Item& item) const;
  bool is_in_earlier(std::string_view line) const;
  std::uint32_t expiration_for(dns::RrType type) const;
  void digest(const std::vector<Item>& items, SignedPiece& piece);

  const SigningTask* task_;
  const DenialChain* chain_;
  std::uint64_t seed_;
  bool dry_;
  std::vector<std::unique_ptr<Signer>> signers_;  // null where the key does not sign
  std::optional<EarlierText::Reader> earlier_;
  std::string signer_text_;
  // Between these a signature may begin, and from the later one on it may end; as signatures write such times.
  std::string now_text_;
  std::string refresh_text_;
  // Of the name at hand:
  dns::Name owner_;
  std::string owner_text_;
  std::span<const EarlierText::Line> lines_;                  // in the earlier output
  std::vector<EarlierText::Line> apex_lines_;                 // those of the apex, with what stands at the end
  std::vector<std::pair<std::uint32_t, Octets>> signatures_;  // TTL and RDATA
  Octets buffer_;
};

}  // namespace redoubt::dnssec
