#pragma once
// The public half of a key, and the check of one signature with it: cryptography only. Whether a signature may be used
// at all (signer, times, labels, flags) is for others to say.
#include <expected>
#include <memory>
#include <optional>
#include <string_view>

#include "dnssec/base/records.hpp"

struct evp_pkey_st;
struct evp_pkey_ctx_st;

namespace redoubt::dnssec {

enum class KeyFault : std::uint8_t {
  unsupported_algorithm,  ///< not in the registry, or the library refuses it
  malformed,              ///< octets that are no such key
  too_large,              ///< RSA with a modulus over 4096 bits or an exponent over 35: each check would cost too much
  too_small,              ///< RSA with a modulus under 512 bits (RFC 5702 §2.1)
  no_resources,           ///< the library had no memory
};
std::string_view describe(KeyFault fault);

inline constexpr std::size_t max_rsa_modulus_octets = 512;  // RFC 5702 §2.1
inline constexpr std::size_t min_rsa_modulus_octets = 64;
inline constexpr std::size_t max_rsa_exponent_bits = 35;  // attacks: keys whose checks cost a hundred times as much

struct FreeKey {
  void operator()(evp_pkey_st* key) const;
};
using KeyHandle = std::unique_ptr<evp_pkey_st, FreeKey>;

/// May be shared by threads.
class PublicKey {
 public:
  /// public_key: as a DNSKEY has it.
  static std::expected<PublicKey, KeyFault> from_dnskey(std::uint8_t algorithm, OctetView public_key);
  /// Whether the signature over `data` (append_signed_data()) is this key's.
  bool verifies(OctetView data, OctetView signature) const;
  Algorithm algorithm() const { return info_->algorithm; }

 private:
  friend class Verifier;
  PublicKey(const AlgorithmInfo& info, KeyHandle key) : info_{&info}, key_{std::move(key)} {}
  const AlgorithmInfo* info_;
  KeyHandle key_;
};

/// A key for many checks: what the library looks up for the first of them is kept for the others. One thread at a time.
class Verifier {
 public:
  /// As PublicKey::from_dnskey().
  static std::expected<Verifier, KeyFault> from_dnskey(std::uint8_t algorithm, OctetView public_key);
  /// As PublicKey::verifies().
  bool verifies(OctetView data, OctetView signature);

 private:
  struct Free {
    void operator()(evp_pkey_ctx_st* context) const;
  };
  explicit Verifier(PublicKey key) : key_{std::move(key)} {}
  PublicKey key_;
  std::unique_ptr<evp_pkey_ctx_st, Free> context_;  // none before the first check
};

/// RFC 3110 §2: an RSA public key as DNSKEY has it.
struct RsaPublic {
  OctetView exponent;
  OctetView modulus;
};
std::optional<RsaPublic> parse_rsa_public(OctetView public_key);
Octets rsa_public_octets(const RsaPublic& key);

/// ECDSA signatures: two numbers side by side in DNS (RFC 6605 §4), DER in OpenSSL. Empty for octets that are neither.
Octets ecdsa_to_der(OctetView raw);
/// raw has the size of both numbers. False when they do not fit, or it is no such DER.
[[nodiscard]] bool ecdsa_from_der(OctetView der, std::span<std::uint8_t> raw);

}  // namespace redoubt::dnssec
