#pragma once
// Who signs handshakes: this process holds no private key. A key is named by the SHA-256 of its SubjectPublicKeyInfo.
#include <array>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

namespace redoubt::transport {

using KeyHash = std::array<std::uint8_t, 32>;
/// Numbers a request for as long as this process lives; never used again.
using SignatureId = std::uint64_t;

/// scheme: TLS SignatureScheme (RFC 8446 §4.2.3). message: the octets under the signature, not their digest: what
/// RFC 8446 §4.4.3 or RFC 5246 §7.4.3 say; the holder of the key looks at their form.
struct SignatureRequest {
  KeyHash key;
  std::uint16_t scheme;
  std::span<const std::uint8_t> message;
};

class HandshakeSigner {
 public:
  virtual ~HandshakeSigner() = default;
  /// An empty signature: there is none.
  using Done = std::function<void(std::vector<std::uint8_t> signature)>;
  /// done comes from the loop, once; nothing, and no done, when too many wait already.
  virtual std::optional<SignatureId> sign(const SignatureRequest& request, Done done) = 0;
  /// No done any more.
  virtual void forget(SignatureId id) = 0;
};

}  // namespace redoubt::transport
