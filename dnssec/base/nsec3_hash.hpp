#pragma once
// Hashed owner names (RFC 5155 §5) and the text they are made of (RFC 4648 §7).
#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dns/name.hpp"

namespace redoubt::dnssec {

inline constexpr std::uint8_t nsec3_sha1 = 1;  ///< the one hash there is (RFC 5155 §11)
using Nsec3Hash = std::array<std::uint8_t, 20>;

/// Hashes names under one set of parameters. May be shared by threads.
/// Work is 1 + iterations digests a name: who takes parameters from outside limits and charges them first.
class Nsec3Hasher {
 public:
  /// As RFC 9276 §3.1 asks of those who sign: no salt, no further iteration.
  Nsec3Hasher() : Nsec3Hasher({}, 0) {}
  Nsec3Hasher(std::span<const std::uint8_t> salt, std::uint16_t iterations);
  /// Of the name in lower case. Nothing when the library had no memory.
  std::optional<Nsec3Hash> hash(const dns::Name& name) const;
  bool is_of(std::span<const std::uint8_t> salt, std::uint16_t iterations) const {
    return iterations == iterations_ && std::ranges::equal(salt, salt_);
  }

 private:
  std::vector<std::uint8_t> salt_;
  std::uint16_t iterations_;
};

/// Lower case, no padding.
std::string base32hex(std::span<const std::uint8_t> octets);
/// Either case, no padding; nothing for other characters, impossible lengths or bits left over.
std::optional<std::vector<std::uint8_t>> from_base32hex(std::string_view text);
/// The hash in the first label of an NSEC3's owner. Nothing when it is none of SHA-1's size.
std::optional<Nsec3Hash> hash_of_owner(const dns::Name& owner);

}  // namespace redoubt::dnssec
