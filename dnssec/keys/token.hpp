#pragma once
// Keys in PKCS#11 tokens: the private half never leaves the device, which signs what it is given. The module is a
// shared library of the device's maker that is loaded into this process, so only the tools do this, never a role of
// resolverd.
#include <expected>
#include <memory>
#include <string>
#include <string_view>

#include "dnssec/keys/private_key.hpp"
#include "dnssec/keys/token_uri.hpp"

namespace redoubt::dnssec {

/// A token that has been logged in to, with the PIN of the URI's file. May be shared by threads.
/// All errors are one line, and name the token.
class Token : public std::enable_shared_from_this<Token> {
 public:
  virtual ~Token() = default;
  /// errors: no such module, no such token or several, no PIN or a wrong one, a token that is locked
  static std::expected<std::shared_ptr<Token>, std::string> open(const TokenUri& uri);

  /// The one key pair with the URI's id and label. Both halves must be there.
  virtual std::expected<PrivateKey, std::string> find(const TokenUri& uri, Algorithm algorithm) = 0;
  /// A new key pair that the token keeps: sensitive, and never to be extracted. RSA, P-256, P-384 and, where the token
  /// can, Ed25519.
  /// id  that it has from now on; the caller sees to it that it is new
  virtual std::expected<PrivateKey, std::string> generate(Algorithm algorithm, unsigned rsa_bits,
                                                          const std::string& label, OctetView id) = 0;
  /// Both halves.
  virtual std::expected<void, std::string> destroy(OctetView id) = 0;
};

}  // namespace redoubt::dnssec
