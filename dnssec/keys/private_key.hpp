#pragma once
// The private half of a key, over OpenSSL's EVP: made, read, written, and used to sign.
#include <expected>
#include <memory>
#include <optional>

#include "dnssec/base/digest.hpp"
#include "dnssec/base/public_key.hpp"
#include "dnssec/keys/secret.hpp"

struct evp_pkey_ctx_st;

namespace redoubt::dnssec {

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
  KeyHandle key_;
  Octets public_key_;
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
  Octets scratch_;
};

}  // namespace redoubt::dnssec
