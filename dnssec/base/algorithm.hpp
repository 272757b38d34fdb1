#pragma once
// Signature algorithms, DS digests and NSEC3 hashes by number: the registry that signing, validating and the tools
// share (IANA, "DNS Security Algorithm Numbers" and "DS RR Type Digest Algorithms"; RFC 8624, RFC 9905).
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace redoubt::dnssec {

/// The algorithms that are known here. A number from the wire becomes one through find_algorithm() only.
enum class Algorithm : std::uint8_t {
  rsa_sha1 = 5,
  rsa_sha1_nsec3 = 7,
  rsa_sha256 = 8,
  rsa_sha512 = 10,
  ecdsa_p256_sha256 = 13,
  ecdsa_p384_sha384 = 14,
  ed25519 = 15,
  ed448 = 16,
};

enum class KeyKind : std::uint8_t { rsa, ecdsa, eddsa };

struct AlgorithmInfo {
  Algorithm algorithm;
  std::string_view mnemonic;   ///< as BIND's files and the registry write it
  std::string_view reference;  ///< the RFC section of key and signature format
  KeyKind kind;
  std::string_view digest;       ///< OpenSSL's name of the digest; empty for EdDSA, which has its own
  std::string_view curve;        ///< OpenSSL's name of the curve; empty for RSA
  std::size_t public_octets;     ///< of the public key in a DNSKEY; 0: it varies
  std::size_t signature_octets;  ///< 0: it varies
  bool signs;                    ///< false: verified only, for RFC 9905 forbids to sign with SHA-1, RFC 8624 with 10
};

/// Every known algorithm, ordered by number.
std::span<const AlgorithmInfo> algorithm_table();
/// The row, or null for a number that is not known here.
const AlgorithmInfo* find_algorithm(std::uint8_t number);
const AlgorithmInfo& info_of(Algorithm algorithm);
/// "ECDSAP256SHA256", or the number.
std::string algorithm_to_text(std::uint8_t number);
/// The mnemonic in any case, or the number.
std::optional<Algorithm> algorithm_from_text(std::string_view text);

/// DS digests (RFC 4034 §5.1.3, RFC 4509, RFC 6605).
enum class DsDigest : std::uint8_t { sha1 = 1, sha256 = 2, sha384 = 4 };
std::optional<DsDigest> find_ds_digest(std::uint8_t number);
std::size_t digest_octets(DsDigest digest);

}  // namespace redoubt::dnssec
