#include "dns/keyed_hash.hpp"

#include <sodium.h>

#include <bit>

namespace redoubt::dns {

std::uint64_t keyed_hash(std::span<const std::uint8_t> octets, const HashKey& key) {
  static_assert(crypto_shorthash_KEYBYTES == std::tuple_size_v<HashKey> &&
                crypto_shorthash_BYTES == sizeof(std::uint64_t));
  std::array<std::uint8_t, crypto_shorthash_BYTES> digest;
  crypto_shorthash(digest.data(), octets.data(), octets.size(), key.data());
  return std::bit_cast<std::uint64_t>(digest);
}

}  // namespace redoubt::dns
