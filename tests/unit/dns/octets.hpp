#pragma once
// Octets for tests: written as hexadecimal with blanks, or drawn from a seeded generator.
#include <cstdint>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "dns/name.hpp"

namespace redoubt::dns::test {

using Octets = std::vector<std::uint8_t>;

/// "03 'com' 00": pairs of hexadecimal digits, and text between quotes.
inline Octets octets(std::string_view text) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  Octets out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ' ') continue;
    if (text[i] == '\'') {
      while (text[++i] != '\'') out.push_back(static_cast<std::uint8_t>(text[i]));
      continue;
    }
    out.push_back(static_cast<std::uint8_t>(digit(text[i]) << 4 | digit(text[i + 1])));
    ++i;
  }
  return out;
}

inline Octets operator+(Octets left, const Octets& right) {
  left.insert(left.end(), right.begin(), right.end());
  return left;
}

inline Octets u16(std::size_t value) {
  return {static_cast<std::uint8_t>(value >> 8), static_cast<std::uint8_t>(value & 0xff)};
}

inline Octets repeated(std::size_t times, const Octets& what) {
  Octets out;
  out.reserve(times * what.size());
  for (std::size_t i = 0; i < times; ++i) out.insert(out.end(), what.begin(), what.end());
  return out;
}

inline Octets random_octets(std::mt19937& random, std::size_t count) {
  Octets out(count);
  for (std::uint8_t& octet : out) octet = static_cast<std::uint8_t>(random());
  return out;
}

/// A name of exactly `total` octets (3 to 255, not 65 + 64k), its labels as long as may be.
inline std::string name_text(std::size_t total, char letter = 'x') {
  std::string text;
  for (std::size_t left = total - 1; left != 0;) {
    std::size_t whole = left < 64 ? left : 64;
    if (left - whole == 1) --whole;  // a label takes two octets at least
    text += std::string(whole - 1, letter) + ".";
    left -= whole;
  }
  return text;
}

/// The twelve octets of a header.
inline Octets header(unsigned flags, std::size_t questions, std::size_t answers = 0, std::size_t authorities = 0,
                     std::size_t additionals = 0) {
  return octets("1267") + u16(flags) + u16(questions) + u16(answers) + u16(authorities) + u16(additionals);
}

/// One record as it stands in a message; owner and rdata as they are.
inline Octets record(const Octets& owner, std::size_t type, std::size_t rr_class, const Octets& rdata) {
  return owner + u16(type) + u16(rr_class) + octets("00000e10") + u16(rdata.size()) + rdata;
}

inline Octets opt(const Octets& options, std::size_t payload = 1232, const Octets& ttl = {0, 0, 0x80, 0}) {
  return octets("00 0029") + u16(payload) + ttl + u16(options.size()) + options;
}

inline Octets option(std::size_t code, const Octets& data) { return u16(code) + u16(data.size()) + data; }

}  // namespace redoubt::dns::test
