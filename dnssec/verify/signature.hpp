#pragma once
// Whether an RRset is signed by one of its zone's keys (RFC 4035 §5.3).
#include <array>
#include <expected>
#include <optional>
#include <string_view>
#include <vector>

#include "dns/ttl.hpp"
#include "dnssec/base/canonical.hpp"
#include "dnssec/verify/effort.hpp"
#include "dnssec/verify/ready_keys.hpp"
#include "dnssec/verify/reason.hpp"
#include "dnssec/verify/zone_keys.hpp"

namespace redoubt::dnssec {

/// Remembers signatures that were found good. A memory of any kind and length will do.
class GoodSignatures {
 public:
  /// SHA-256 of the key, the signature and what it is over.
  using Print = std::array<std::uint8_t, 32>;
  virtual ~GoodSignatures() = default;
  virtual bool has(const Print& print) = 0;
  virtual void add(const Print& print) = 0;
};

/// What is taken for a signature at all.
struct SignatureRules {
  std::uint32_t now = 0;  ///< seconds since 1970 modulo 2^32
  bool sha1 = false;      ///< algorithms 5 and 7 are known (RFC 9905 asks that they may not be)
  CandidateLimits limits{};
  ReadyKeys* ready = nullptr;      ///< of the thread that checks; null: each check makes its key ready for itself
  GoodSignatures* good = nullptr;  ///< what is among them is not checked again, and costs no effort; null: none
};

/// Whether signatures and keys of that algorithm count: known here, and not switched off.
bool is_supported(std::uint8_t algorithm, const SignatureRules& rules);

/// How far a clock may be off for a signature that holds from inception to expiration: a tenth of that, at least an
/// hour and at most a day.
std::uint32_t clock_skew(std::uint32_t inception, std::uint32_t expiration);

struct Signed {
  dns::Ttl ttl;               ///< the least of the RRset's, the original one and what is left of the signature
  std::uint8_t labels = 0;    ///< of the RRSIG
  bool is_expanded = false;   ///< from a wildcard: that no closer name exists is still to be proven (RFC 4035 §5.3.4)
  std::uint16_t key_tag = 0;  ///< of the key that fits
  std::uint32_t inception = 0;
  std::uint32_t expiration = 0;
};

/// Whether signature `rrsig`, taken alone, may be over that RRset: type, labels, signer. keys.zone() is who must have
/// signed. Labels fewer than the signer's would reach above the zone (attacks: RRSIG labels).
bool is_of(const Rrsig& rrsig, const SetView& set, const dns::Name& zone);

/// Looks for a signature that fits, a step at a time: whoever has others to serve does so between two verifications,
/// which take most of the time. All that is given outlives it.
class SignatureCheck {
 public:
  /// rrsigs: RDATA of the RRSIG records beside the RRset, of whatever type they cover; ttl: as received.
  SignatureCheck(const SetView& set, dns::Ttl ttl, RdataRange rrsigs, const ZoneKeys& keys, const SignatureRules& rules,
                 Effort& effort)
      : set_{set},
        ttl_{ttl},
        next_{rrsigs.begin()},
        end_{rrsigs.end()},
        keys_{&keys},
        rules_{&rules},
        effort_{&effort} {}

  /// Whether there is something to verify. False: the result stands.
  bool is_due();
  /// What is due: one verification at most.
  void verify();
  /// errors: rrsigs_missing when none could be of that zone and type, signature_expired, signature_not_yet_valid,
  /// signature_expired_before_valid, dnskey_missing when no key has its tag, dnssec_bogus when it does not verify.
  std::expected<Signed, Reason> take_result() { return std::move(result_); }

 private:
  /// The next that may be over the set, by keys of the zone, at this time. False: there is none left.
  bool next_signature();
  bool is_known_good() const { return print_ && rules_->good->has(*print_); }
  void accept();
  void give_up(std::string_view what);
  void end();

  SetView set_;
  dns::Ttl ttl_;
  dns::RdataList::Iterator next_;
  dns::RdataList::Iterator end_;
  const ZoneKeys* keys_;
  const SignatureRules* rules_;
  Effort* effort_;
  std::size_t looked_at_ = 0;

  // The signature that is looked at, and the keys that it may be of.
  std::optional<Rrsig> rrsig_;
  std::vector<const ZoneKey*> candidates_;
  std::size_t candidate_ = 0;
  Octets octets_;  // that it is over
  std::optional<GoodSignatures::Print> print_;
  std::string_view what_;  // is wrong with it
  std::optional<Candidates> skipped_;

  bool is_over_ = false;
  std::optional<Reason> why_;
  std::expected<Signed, Reason> result_ = std::unexpected{Reason{}};
};

/// All of it at once.
[[nodiscard]] std::expected<Signed, Reason> check_signatures(const SetView& set, dns::Ttl ttl, RdataRange rrsigs,
                                                             const ZoneKeys& keys, const SignatureRules& rules,
                                                             Effort& effort);

}  // namespace redoubt::dnssec
