#pragma once
// An OpenSSL provider for keys that are elsewhere: it knows their public halves, and has a handshake wait, without
// blocking the thread, for a signature that another process makes. EC and RSA keys.
#include <cstdint>
#include <functional>
#include <optional>
#include <utility>
#include <vector>

#include "transport/tls/handshake_signer.hpp"
#include "transport/tls/openssl.hpp"

namespace redoubt::transport {

/// The signature that one handshake needs. While it is waited for, the handshake's SSL_do_handshake() returns with
/// SSL_ERROR_WANT_ASYNC (SSL_MODE_ASYNC); it is called again once `wake` came.
class HandshakeSignature {
 public:
  HandshakeSignature(HandshakeSigner& signer, std::function<void()> wake) : signer_{signer}, wake_{std::move(wake)} {}
  ~HandshakeSignature() { give_up(); }
  HandshakeSignature(const HandshakeSignature&) = delete;
  HandshakeSignature& operator=(const HandshakeSignature&) = delete;

  /// For as long as it lives, what this thread signs is signed by way of `signature`.
  class Scope {
   public:
    explicit Scope(HandshakeSignature& signature);
    ~Scope();
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    HandshakeSignature* before_;
  };

  bool waiting() const { return id_.has_value(); }
  /// A handshake that waits fails at its next step.
  void give_up();

  /// For the provider, within an asynchronous job: empty when there is no signature.
  std::vector<std::uint8_t> wait_for(const SignatureRequest& request);
  static HandshakeSignature* current();

 private:
  HandshakeSigner& signer_;
  std::function<void()> wake_;
  std::optional<SignatureId> id_;
  std::optional<std::vector<std::uint8_t>> signature_;
};

/// A key that signs through HandshakeSignature, to be used with that certificate; nothing for kinds of keys that are
/// not known here.
KeyPointer remote_key_of(const X509& certificate);
/// SHA-256 of the SubjectPublicKeyInfo.
std::optional<KeyHash> hash_of_key(EVP_PKEY& key);

}  // namespace redoubt::transport
