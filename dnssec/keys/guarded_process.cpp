#include "dnssec/keys/guarded_process.hpp"

#include <openssl/crypto.h>
#include <sys/prctl.h>
#include <sys/resource.h>

#include <cstddef>

namespace redoubt::dnssec {

namespace {

constexpr std::size_t locked_octets = std::size_t{256} * 1024;  // some hundred RSA keys
constexpr std::size_t smallest_piece = 32;

}  // namespace

bool guard_secrets() {
  const rlimit none{0, 0};
  const bool no_core = ::setrlimit(RLIMIT_CORE, &none) == 0;
  const bool no_look = ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
  // 1: locked; 2: there, but not locked.
  const bool locked =
      CRYPTO_secure_malloc_initialized() == 1 || CRYPTO_secure_malloc_init(locked_octets, smallest_piece) == 1;
  return no_core && no_look && locked;
}

}  // namespace redoubt::dnssec
