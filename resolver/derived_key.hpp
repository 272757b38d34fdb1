#pragma once
#include <sodium.h>

#include <string_view>

#include "dns/name.hpp"

namespace redoubt::resolver {

/// A key of its own for each purpose: what one use gives away says nothing about another.
inline dns::HashKey derived_key(const dns::HashKey& key, std::string_view purpose) {
  dns::HashKey derived;
  static_assert(crypto_generichash_BYTES_MIN <= std::tuple_size_v<dns::HashKey> &&
                crypto_generichash_KEYBYTES_MIN <= std::tuple_size_v<dns::HashKey>);
  crypto_generichash(derived.data(), derived.size(),
                     reinterpret_cast<const unsigned char*>(purpose.data()),  // octets as libsodium wants them
                     purpose.size(), key.data(), key.size());
  return derived;
}

}  // namespace redoubt::resolver
