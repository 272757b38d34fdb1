#pragma once
// What the test's own PKCS#11 module (fake_module.cpp) shall do, and what it was asked to. The program that loads it
// shares this with it, as the symbol redoubt_fake_token.
#include <p11-kit/pkcs11.h>

namespace redoubt::tests {

struct FakeToken {
  CK_FLAGS flags = 0;            ///< of the token, beside those that it always has
  CK_RV sign_says = CKR_OK;      ///< to C_Sign
  bool point_is_good = true;     ///< of the public halves
  const char* folder = nullptr;  ///< removed as soon as a key pair is made
  unsigned logins = 0;
  unsigned made = 0;       ///< key pairs
  unsigned destroyed = 0;  ///< objects
  unsigned sessions_that_write = 0;
  CK_FLAGS signed_in = 0;  ///< flags of the session that signed last
};

}  // namespace redoubt::tests
