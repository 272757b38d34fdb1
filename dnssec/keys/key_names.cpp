#include "dnssec/keys/key_names.hpp"

#include <algorithm>
#include <string_view>

namespace redoubt::dnssec {

std::string zone_file_name(const dns::Name& zone) {
  static constexpr std::string_view hexadecimal = "0123456789ABCDEF";
  std::string text;
  const dns::Name lower = zone.lowercased();
  const auto wire = lower.wire();
  for (std::size_t at = 0; wire[at] != 0; at += wire[at] + 1U) {
    for (const std::uint8_t octet : wire.subspan(at + 1, wire[at])) {
      const bool plain =
          (octet >= 'a' && octet <= 'z') || (octet >= '0' && octet <= '9') || octet == '-' || octet == '_';
      if (plain) {
        text += static_cast<char>(octet);
      } else {
        text += {'%', hexadecimal[octet >> 4], hexadecimal[octet & 15]};
      }
    }
    text += '.';
  }
  return zone.is_root() ? "." : text;
}

std::string key_file_stem(const dns::Name& zone, Algorithm algorithm, std::uint16_t tag) {
  const auto padded = [](unsigned value, std::size_t width) {
    const std::string digits = std::to_string(value);
    return std::string(width - std::min(width, digits.size()), '0') + digits;
  };
  return "K" + zone_file_name(zone) + "+" + padded(static_cast<std::uint8_t>(algorithm), 3) + "+" + padded(tag, 5);
}

}  // namespace redoubt::dnssec
