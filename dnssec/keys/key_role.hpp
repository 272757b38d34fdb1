#pragma once
// What a key of a zone is for: which RRsets it signs.
#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

namespace redoubt::dnssec {

/// ksk: DNSKEY, CDS and CDNSKEY RRsets. zsk: all others. csk: both. foreign: another signer's, which is published only.
enum class KeyRole : std::uint8_t { ksk, zsk, csk, foreign };

constexpr std::string_view to_text(KeyRole role) {
  switch (role) {
    case KeyRole::ksk:
      return "ksk";
    case KeyRole::zsk:
      return "zsk";
    case KeyRole::csk:
      return "csk";
    case KeyRole::foreign:
      return "foreign";
  }
  return "";
}

/// Of a key of our own.
constexpr std::optional<KeyRole> own_role_from_text(std::string_view text) {
  for (const KeyRole role : std::array{KeyRole::ksk, KeyRole::zsk, KeyRole::csk}) {
    if (text == to_text(role)) return role;
  }
  return std::nullopt;
}

constexpr bool is_for_keys(KeyRole role) { return role == KeyRole::ksk || role == KeyRole::csk; }
constexpr bool is_for_zone(KeyRole role) { return role == KeyRole::zsk || role == KeyRole::csk; }

}  // namespace redoubt::dnssec
