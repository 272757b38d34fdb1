#include "dnssec/base/nsec3_hash.hpp"

// A name is one block of SHA-1, and the library's general interface takes four times as long to begin and end with it
// as the block itself: this older one, which it still has, works on a state that lies on our own stack.
#define OPENSSL_SUPPRESS_DEPRECATED
#include <openssl/sha.h>

#include <algorithm>

namespace redoubt::dnssec {

namespace {

constexpr std::string_view digits = "0123456789abcdefghijklmnopqrstuv";

int value_of(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'v') return c - 'a' + 10;
  if (c >= 'A' && c <= 'V') return c - 'A' + 10;
  return -1;
}

}  // namespace

Nsec3Hasher::Nsec3Hasher(std::span<const std::uint8_t> salt, std::uint16_t iterations)
    : salt_(salt.begin(), salt.end()), iterations_{iterations} {}

std::optional<Nsec3Hash> Nsec3Hasher::hash(const dns::Name& name) const {
  std::array<std::uint8_t, dns::max_name_octets + 255> input;
  const dns::Name lower = name.lowercased();
  std::size_t size = lower.wire().size();
  std::ranges::copy(lower.wire(), input.begin());
  Nsec3Hash out;
  for (unsigned round = 0; round <= iterations_; ++round) {
    std::ranges::copy(salt_, input.begin() + static_cast<std::ptrdiff_t>(size));
    SHA_CTX state;
    if (SHA1_Init(&state) != 1 || SHA1_Update(&state, input.data(), size + salt_.size()) != 1 ||
        SHA1_Final(out.data(), &state) != 1)
      return std::nullopt;
    size = out.size();
    std::ranges::copy(out, input.begin());
  }
  return out;
}

std::string base32hex(std::span<const std::uint8_t> octets) {
  std::string text;
  text.reserve((octets.size() * 8 + 4) / 5);
  unsigned held = 0;
  unsigned bits = 0;
  for (const std::uint8_t octet : octets) {
    held = held << 8 | octet;
    for (bits += 8; bits >= 5;) text += digits[held >> (bits -= 5) & 31];
    held &= 0x1f;
  }
  if (bits != 0) text += digits[held << (5 - bits) & 31];
  return text;
}

std::optional<std::vector<std::uint8_t>> from_base32hex(std::string_view text) {
  std::vector<std::uint8_t> octets;
  octets.reserve(text.size() * 5 / 8);
  unsigned held = 0;
  unsigned bits = 0;
  for (const char c : text) {
    const int value = value_of(c);
    if (value < 0) return std::nullopt;
    held = (held << 5 | static_cast<unsigned>(value)) & 0xfff;
    bits += 5;
    if (bits >= 8) octets.push_back(static_cast<std::uint8_t>(held >> (bits -= 8) & 0xff));
  }
  const bool left_over = (held & ((1U << bits) - 1)) != 0;
  if (bits >= 5 || left_over) return std::nullopt;
  return octets;
}

std::optional<Nsec3Hash> hash_of_owner(const dns::Name& owner) {
  const auto label = owner.first_label();
  Nsec3Hash hash;
  if (label.size() != hash.size() / 5 * 8) return std::nullopt;  // 160 bits fill their 32 digits: nothing is left over
  for (std::size_t at = 0; at < hash.size(); at += 5) {
    std::uint64_t group = 0;
    for (const std::uint8_t digit : label.subspan(at / 5 * 8, 8)) {
      const int value = value_of(static_cast<char>(digit));
      if (value < 0) return std::nullopt;
      group = group << 5 | static_cast<std::uint64_t>(value);
    }
    for (std::size_t i = 0; i < 5; ++i) hash[at + i] = static_cast<std::uint8_t>(group >> (32 - 8 * i));
  }
  return hash;
}

}  // namespace redoubt::dnssec
