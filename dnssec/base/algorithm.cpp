#include "dnssec/base/algorithm.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cstdlib>

namespace redoubt::dnssec {

namespace {

constexpr std::array table{
    AlgorithmInfo{Algorithm::rsa_sha1, "RSASHA1", "RFC 3110", KeyKind::rsa, "SHA1", "", 0, 0, false},
    AlgorithmInfo{Algorithm::rsa_sha1_nsec3, "NSEC3RSASHA1", "RFC 5155 §2", KeyKind::rsa, "SHA1", "", 0, 0, false},
    AlgorithmInfo{Algorithm::rsa_sha256, "RSASHA256", "RFC 5702 §2.1", KeyKind::rsa, "SHA256", "", 0, 0, true},
    AlgorithmInfo{Algorithm::rsa_sha512, "RSASHA512", "RFC 5702 §2.2", KeyKind::rsa, "SHA512", "", 0, 0, false},
    AlgorithmInfo{Algorithm::ecdsa_p256_sha256, "ECDSAP256SHA256", "RFC 6605 §4", KeyKind::ecdsa, "SHA256", "P-256", 64,
                  64, true},
    AlgorithmInfo{Algorithm::ecdsa_p384_sha384, "ECDSAP384SHA384", "RFC 6605 §4", KeyKind::ecdsa, "SHA384", "P-384", 96,
                  96, true},
    AlgorithmInfo{Algorithm::ed25519, "ED25519", "RFC 8080 §3", KeyKind::eddsa, "", "ED25519", 32, 64, true},
    AlgorithmInfo{Algorithm::ed448, "ED448", "RFC 8080 §3", KeyKind::eddsa, "", "ED448", 57, 114, true},
};
static_assert(std::ranges::is_sorted(table, {}, &AlgorithmInfo::algorithm));

bool equal_ascii(std::string_view left, std::string_view right) {
  const auto upper = [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; };
  return std::ranges::equal(left, right, {}, upper, upper);
}

}  // namespace

std::span<const AlgorithmInfo> algorithm_table() { return table; }

const AlgorithmInfo* find_algorithm(std::uint8_t number) {
  const auto* row = std::ranges::find(table, Algorithm{number}, &AlgorithmInfo::algorithm);
  return row == table.end() ? nullptr : row;
}

const AlgorithmInfo& info_of(Algorithm algorithm) {
  const AlgorithmInfo* row = find_algorithm(static_cast<std::uint8_t>(algorithm));
  if (row == nullptr) std::abort();  // each enumerator has its row
  return *row;
}

std::string algorithm_to_text(std::uint8_t number) {
  const AlgorithmInfo* row = find_algorithm(number);
  return row == nullptr ? std::to_string(number) : std::string{row->mnemonic};
}

std::optional<Algorithm> algorithm_from_text(std::string_view text) {
  for (const AlgorithmInfo& row : table) {
    if (equal_ascii(row.mnemonic, text)) return row.algorithm;
  }
  std::uint8_t number = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  const AlgorithmInfo* row = find_algorithm(number);
  if (row == nullptr) return std::nullopt;
  return row->algorithm;
}

std::optional<DsDigest> find_ds_digest(std::uint8_t number) {
  if (number == 1 || number == 2 || number == 4) return DsDigest{number};
  return std::nullopt;
}

std::size_t digest_octets(DsDigest digest) {
  switch (digest) {
    case DsDigest::sha1:
      return 20;
    case DsDigest::sha256:
      return 32;
    case DsDigest::sha384:
      return 48;
  }
  return 0;
}

}  // namespace redoubt::dnssec
