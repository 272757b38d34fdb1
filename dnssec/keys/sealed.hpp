#pragma once
// Private keys at rest: closed with libsodium's secretbox (XSalsa20-Poly1305) under a key that Argon2id makes of a
// passphrase. Each sealed text has a salt and a nonce of its own.
#include <expected>
#include <string_view>

#include "dnssec/base/records.hpp"
#include "dnssec/keys/secret.hpp"

namespace redoubt::dnssec {

enum class SealFault : std::uint8_t {
  not_sealed,        ///< not such a text, or a broken one
  wrong_passphrase,  ///< or an altered text: nobody can tell the two apart
  too_costly,        ///< it asks for more work or memory than we ever set
  no_resources,
};
std::string_view describe(SealFault fault);

/// What Argon2id may cost. `interactive` is for tests.
enum class SealCost : std::uint8_t { interactive, sensible };

/// One line of text, so that it is easily told from what it closes: "redoubt-sealed-1 ..." and base64.
/// errors   no_resources
std::expected<std::string, SealFault> seal(OctetView plain, OctetView passphrase, SealCost cost = SealCost::sensible);
std::expected<Secret, SealFault> open_sealed(std::string_view sealed, OctetView passphrase);
bool is_sealed(std::string_view text);

}  // namespace redoubt::dnssec
