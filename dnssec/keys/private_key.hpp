#pragma once
// The private half of a key, over OpenSSL's EVP: made, read, written, and used to sign.
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dnssec/base/digest.hpp"
#include "dnssec/base/public_key.hpp"
#include "dnssec/base/records.hpp"
#include "dnssec/keys/key_role.hpp"
#include "dnssec/keys/secret.hpp"

struct evp_pkey_ctx_st;

namespace redoubt::dnssec {

inline constexpr std::uint16_t zsk_flags = Dnskey::zone_bit;
inline constexpr std::uint16_t ksk_flags = Dnskey::zone_bit | Dnskey::entry_point_bit;
/// With which a key of that role is published.
constexpr std::uint16_t flags_of(KeyRole role) { return role == KeyRole::zsk ? zsk_flags : ksk_flags; }

inline constexpr unsigned default_rsa_bits = 2048;  // RFC 6781 §3.4.2
inline constexpr unsigned min_rsa_bits = 1024;      // of keys that are made or taken in here
inline constexpr unsigned max_rsa_bits = 4096;

/// The numbers of an RSA key (RFC 8017 §3.2), big-endian without leading zeros.
struct RsaParts {
  Octets modulus;
  Octets public_exponent;
  Secret private_exponent;
  Secret prime1;
  Secret prime2;
  Secret exponent1;
  Secret exponent2;
  Secret coefficient;
};

/// Signs with a private half that is in a device and is never seen. One thread at a time.
class RemoteSigner {
 public:
  virtual ~RemoteSigner() = default;
  /// Appends the signature as an RRSIG has it. False, and nothing appended, when the device does not sign.
  [[nodiscard]] virtual bool sign(OctetView data, Octets& out) = 0;
  /// Whether many signatures at once cost it less.
  virtual bool prefers_batches() const { return false; }
  /// One signature for each. False when not all could be made.
  [[nodiscard]] virtual bool sign_all(std::span<const Octets> data, std::vector<Octets>& out);
};
/// Such a private half; may be shared by threads.
class RemoteKey {
 public:
  virtual ~RemoteKey() = default;
  virtual std::unique_ptr<RemoteSigner> signer() const = 0;
  /// Why a signer of it failed first; empty when none has.
  virtual std::string trouble() const = 0;
};

/// May be shared by threads; each signs with a Signer of its own.
class PrivateKey {
 public:
  /// rsa_bits counts for RSA only, from min_rsa_bits to max_rsa_bits.
  static std::expected<PrivateKey, KeyFault> generate(Algorithm algorithm, unsigned rsa_bits = default_rsa_bits);
  static std::expected<PrivateKey, KeyFault> from_rsa(Algorithm algorithm, const RsaParts& parts);
  /// ECDSA's number, as wide as the curve's, or EdDSA's octets; the public half is computed.
  static std::expected<PrivateKey, KeyFault> from_secret(Algorithm algorithm, OctetView secret);
  /// PKCS#8 (RFC 5958) in PEM, not encrypted. rsa: what an RSA key signs with, for PKCS#8 does not say.
  static std::expected<PrivateKey, KeyFault> from_pem(OctetView pem, Algorithm rsa = Algorithm::rsa_sha256);
  /// public_key  as a DNSKEY has it
  static std::expected<PrivateKey, KeyFault> remote(Algorithm algorithm, Octets public_key,
                                                    std::shared_ptr<const RemoteKey> key);

  /// Its private half is in a device: secret(), rsa_parts() and to_pem() have nothing.
  bool is_remote() const { return remote_ != nullptr; }
  /// What its device said when it first did not sign; empty when that has not been.
  std::string trouble() const { return remote_ ? remote_->trouble() : std::string{}; }
  Algorithm algorithm() const { return info_->algorithm; }
  /// As a DNSKEY has it.
  const Octets& public_key() const { return public_key_; }
  /// Empty when the library had no memory, or for a key of the other kind.
  Secret secret() const;
  std::optional<RsaParts> rsa_parts() const;
  /// PKCS#8 in PEM. Empty when the library had no memory.
  Secret to_pem() const;

 private:
  friend class Signer;
  static std::expected<PrivateKey, KeyFault> finish(Algorithm algorithm, KeyHandle key);
  PrivateKey(const AlgorithmInfo& info, KeyHandle key, Octets public_key)
      : info_{&info}, key_{std::move(key)}, public_key_{std::move(public_key)} {}

  const AlgorithmInfo* info_;
  KeyHandle key_;  // null for one in a device
  Octets public_key_;
  std::shared_ptr<const RemoteKey> remote_;
};

/// Signs with one key, again and again. One thread at a time. The key outlives it.
/// ECDSA's nonces come from OpenSSL, which mixes the private key and the digest into its random numbers: a bad random
/// source alone does not repeat one (attacks: nonce reuse).
class Signer {
 public:
  explicit Signer(const PrivateKey& key);
  /// Appends the signature as an RRSIG has it. False, and nothing appended, when the library fails.
  [[nodiscard]] bool sign(OctetView data, Octets& out);
  const PrivateKey& key() const { return *key_; }

  /// For work that can be done twice: where the key's device prefers batches, sign() only notes what is to be signed,
  /// and appends nothing, until sign_noted(); then it gives the signatures out in the same order.
  void note();
  /// How many were noted.
  std::size_t noted() const { return noted_.size(); }
  [[nodiscard]] bool sign_noted();

 private:
  struct Free {
    void operator()(evp_pkey_ctx_st* context) const;
    void operator()(evp_md_ctx_st* context) const;
  };
  bool sign_eddsa(OctetView data, Octets& out);

  const PrivateKey* key_;
  Digest digest_;
  std::unique_ptr<evp_pkey_ctx_st, Free> context_;
  std::unique_ptr<evp_md_ctx_st, Free> whole_;  // EdDSA takes the message, not a digest of it
  std::unique_ptr<RemoteSigner> remote_;        // where the private half is in a device
  Octets scratch_;
  bool is_noting_ = false;
  std::vector<Octets> noted_;  // what is to be signed,
  std::vector<Octets> given_;  // and the signatures over it,
  std::size_t next_ = 0;       // of which this one is due
};

}  // namespace redoubt::dnssec
