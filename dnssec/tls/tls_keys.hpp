#pragma once
// The private keys of TLS: our own, derived from the secret, and those of certificates that somebody else issued.
#include <array>
#include <cstdint>
#include <deque>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dns/address.hpp"
#include "dnssec/tls/objects.hpp"
#include "dnssec/tls/secret.hpp"

namespace redoubt::keykeeper {

/// SHA-256 of the SubjectPublicKeyInfo.
using KeyHash = std::array<std::uint8_t, 32>;
using Octets = std::vector<std::uint8_t>;

/// Keys that can sign at the same time: those of all certificates, twice, for handshakes with the certificate before
/// are under way when a new one comes.
inline constexpr std::size_t max_tls_keys = 32;
inline constexpr std::size_t max_chain_certificates = 8;
inline constexpr std::size_t max_certificate = 8192;  // octets of DER

class TlsKeys {
 public:
  /// Reads a chain and the key of its first certificate, both PEM. returns  the chain in DER  errors   one line, which
  /// quotes nothing of either
  std::expected<std::vector<Octets>, std::string> take(std::span<const std::uint8_t> certificates,
                                                       std::span<const std::uint8_t> key);
  /// A self-signed certificate (DER) of our own key for these names and addresses; `former` if it still fits and has a
  /// month left.
  std::expected<Octets, std::string> self_signed(const Secret& secret, std::span<const std::string> names,
                                                 std::span<const dns::IpAddress> addresses,
                                                 std::span<const std::uint8_t> former);
  /// The signature of a TLS handshake; empty when the key is not here, or this is none of a handshake.
  /// scheme: SignatureScheme, RFC 8446 §4.2.3
  Octets sign(const KeyHash& key, std::uint16_t scheme, std::span<const std::uint8_t> message);
  std::size_t size() const { return keys_.size(); }

 private:
  /// Made ready at its first signature: to make it ready costs a fifth of a signature.
  struct Ready {
    std::uint16_t scheme;
    DigestContext context;
  };
  struct Held {
    KeyHash hash;
    Key key;
    std::vector<Ready> ready{};  ///< one for each scheme, of which there are few
  };
  bool hold(Key key);

  std::deque<Held> keys_;  ///< the newest in front
};

}  // namespace redoubt::keykeeper
