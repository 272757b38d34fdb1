#pragma once
// Which key of which token: PKCS#11 URIs (RFC 7512), as far as signing zones needs them.
#include <expected>
#include <string>
#include <string_view>

#include "dnssec/base/records.hpp"

namespace redoubt::dnssec {

inline constexpr std::size_t max_token_uri = 4096;  // characters

/// "pkcs11:token=dns;id=%01%02?module-path=/usr/lib/x.so&pin-source=file:/etc/redoubt/pin". Empty: not said.
struct TokenUri {
  std::string token;  ///< the token's label
  std::string manufacturer;
  std::string model;
  std::string serial;
  std::string object;  ///< the key's label
  Octets id;           ///< CKA_ID
  std::string module_path;
  std::string pin_source;  ///< the path of the PIN's file
  bool operator==(const TokenUri&) const = default;
};

/// pin-value is refused: a PIN has no place in a setting. So is what would make the URI mean less than it says:
/// attributes that are not known here, and the same one twice.
/// errors: one line
std::expected<TokenUri, std::string> token_uri_from_text(std::string_view text);
std::string to_text(const TokenUri& uri);

}  // namespace redoubt::dnssec
