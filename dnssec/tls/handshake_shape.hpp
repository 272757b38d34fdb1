#pragma once
// What the TLS key signs: what a TLS server signs in a handshake, and nothing else. A transport that was taken over can
// have handshakes signed while it is; it cannot have a certificate, a message of another protocol or a client's
// authentication signed. Pure.
#include <cstdint>
#include <span>

namespace redoubt::keykeeper {

/// The octets under a CertificateVerify of a TLS 1.3 server (RFC 8446 §4.4.3), or under a ServerKeyExchange of TLS 1.2
/// with an ephemeral key on X25519, P-256 or P-384 (RFC 8422 §5.4).
bool is_server_handshake(std::span<const std::uint8_t> message);

/// TLS 1.3 does without PKCS #1 v1.5 (RFC 8446 §4.2.3): with it, only messages of TLS 1.2 are signed.
bool is_tls12_key_exchange(std::span<const std::uint8_t> message);

}  // namespace redoubt::keykeeper
