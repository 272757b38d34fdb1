// Fields of RDATA from words: numbers, addresses, dates, hexadecimal and the like.
#include "dns/text_decode.hpp"

#include <arpa/inet.h>
#include <sodium.h>

#include <algorithm>
#include <array>
#include <charconv>

namespace redoubt::dns {

namespace {

using Out = std::vector<std::uint8_t>;

/// Days since 1970 of a date (proleptic Gregorian): the year runs from March, so that the leap day is its last.
constexpr std::int64_t days_of(std::int64_t year, std::int64_t month, std::int64_t day) {
  if (month <= 2) --year;
  const std::int64_t era = year / 400;
  const std::int64_t of_era = year - era * 400;
  const std::int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}
static_assert(days_of(1970, 1, 1) == 0 && days_of(2000, 3, 1) == 11017);

constexpr unsigned days_in(unsigned year, unsigned month) {
  if (month == 2) return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

constexpr auto base64_values = [] {
  std::array<std::int8_t, 256> table{};
  table.fill(-1);
  constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  for (std::size_t i = 0; i < alphabet.size(); ++i)
    table[static_cast<unsigned char>(alphabet[i])] = static_cast<std::int8_t>(i);
  return table;
}();

/// Whole groups of four without blanks: what programs write. False, and nothing written, for any other text.
bool read_base64_groups(Out& out, std::string_view text) {
  const std::size_t at = out.size();
  const std::size_t padding = text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0;
  if (text.empty() || text.size() % 4 != 0) return false;
  out.resize(at + text.size() / 4 * 3);
  std::uint8_t* to = out.data() + at;
  for (std::size_t i = 0; i < text.size(); i += 4) {
    int held = 0;
    const bool last = i + 4 == text.size();
    for (std::size_t k = 0; k < 4; ++k) {
      const int value = last && k + padding >= 4 ? 0 : base64_values[static_cast<unsigned char>(text[i + k])];
      held = value < 0 || held < 0 ? -1 : held << 6 | value;
    }
    // Bits that nothing stands for must be zero, as libsodium demands.
    if (held < 0 || (last && padding != 0 && (held & (padding == 2 ? 0xffff : 0xff)) != 0)) {
      out.resize(at);
      return false;
    }
    *to++ = static_cast<std::uint8_t>(held >> 16);
    *to++ = static_cast<std::uint8_t>(held >> 8);
    *to++ = static_cast<std::uint8_t>(held);
  }
  out.resize(out.size() - padding);
  return true;
}

}  // namespace

void put(Out& out, std::uint64_t value, unsigned octets) {
  while (octets-- != 0) out.push_back(static_cast<std::uint8_t>(value >> (8 * octets)));
}

bool is_number(std::string_view word) {
  return !word.empty() && word.size() <= 10 && std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; });
}

bool read_number(Out& out, std::string_view word, unsigned octets) {
  if (!is_number(word)) return false;
  std::uint64_t value = 0;
  std::from_chars(word.data(), word.data() + word.size(), value);
  if (value >> (8 * octets) != 0) return false;
  put(out, value, octets);
  return true;
}

bool read_address(Out& out, std::string_view word, int family, std::size_t octets) {
  std::array<char, 64> text{};
  std::array<std::uint8_t, 16> address;
  if (word.size() >= text.size() || word.find('\0') != std::string_view::npos) return false;  // \000 in a parameter
  std::ranges::copy(word, text.begin());
  if (inet_pton(family, text.data(), address.data()) != 1) return false;
  out.insert(out.end(), address.begin(), address.begin() + static_cast<std::ptrdiff_t>(octets));
  return true;
}

/// YYYYMMDDHHmmSS from 1970 to 2105 (RFC 4034 §3.2).
bool read_time(Out& out, std::string_view word) {
  if (word.size() != 14 || !std::ranges::all_of(word, [](char c) { return c >= '0' && c <= '9'; })) return false;
  const auto part = [&](std::size_t at, std::size_t size) {
    unsigned value = 0;
    std::from_chars(word.data() + at, word.data() + at + size, value);
    return value;
  };
  const unsigned year = part(0, 4);
  const unsigned month = part(4, 2);
  const unsigned day = part(6, 2);
  if (year < 1970 || month < 1 || month > 12 || day < 1 || day > days_in(year, month)) return false;
  if (part(8, 2) > 23 || part(10, 2) > 59 || part(12, 2) > 59) return false;
  const std::int64_t seconds = days_of(year, month, day) * 86400 + part(8, 2) * 3600 + part(10, 2) * 60 + part(12, 2);
  if (seconds > 0xffffffff) return false;
  put(out, static_cast<std::uint64_t>(seconds), 4);
  return true;
}

bool read_hex(Out& out, std::string_view text) {
  const auto value = [](char c) {
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
  };
  int high = -1;
  for (const char c : text) {
    if (c == ' ') continue;
    const int digit = value(c);
    if (digit < 0) return false;
    if (high >= 0) out.push_back(static_cast<std::uint8_t>(high << 4 | digit));
    high = high < 0 ? digit : -1;
  }
  return high < 0;
}

bool read_base64(Out& out, std::string_view text) {
  if (read_base64_groups(out, text)) return true;
  const std::size_t at = out.size();
  std::size_t size = 0;
  out.resize(at + text.size());
  // libsodium takes a NUL for one of the characters to be ignored.
  const bool good = !text.empty() && text.find('\0') == std::string_view::npos &&
                    sodium_base642bin(out.data() + at, text.size(), text.data(), text.size(), " ", &size, nullptr,
                                      sodium_base64_VARIANT_ORIGINAL) == 0;
  out.resize(at + size);
  return good;
}

bool read_salt(Out& out, std::string_view word) {
  const std::size_t at = out.size();
  out.push_back(0);
  if (word.empty() || (word != "-" && !read_hex(out, word)) || out.size() - at - 1 > 255) return false;
  out[at] = static_cast<std::uint8_t>(out.size() - at - 1);
  return true;
}

bool read_base32(Out& out, std::string_view word) {
  const std::size_t octets = word.size() * 5 / 8;
  if (octets == 0 || octets > 255 || (octets * 8 + 4) / 5 != word.size()) return false;
  out.push_back(static_cast<std::uint8_t>(octets));
  std::uint64_t held = 0;
  unsigned bits = 0;
  for (const char c : word) {
    const int value = c >= '0' && c <= '9'   ? c - '0'
                      : c >= 'a' && c <= 'v' ? c - 'a' + 10
                      : c >= 'A' && c <= 'V' ? c - 'A' + 10
                                             : -1;
    if (value < 0) return false;
    held = held << 5 | static_cast<unsigned>(value);
    if ((bits += 5) >= 8) out.push_back(static_cast<std::uint8_t>(held >> (bits -= 8)));
  }
  return (held & ((1U << bits) - 1)) == 0;
}

void append_type_bitmap(Out& out, std::span<RrType> types) {
  std::ranges::sort(types);
  std::size_t length_at = 0;
  int window = -1;
  for (const RrType type : types) {
    if (type.value >> 8 != window) {
      window = type.value >> 8;
      out.push_back(static_cast<std::uint8_t>(window));
      length_at = out.size();
      out.push_back(0);
    }
    const std::size_t octets = (type.value & 0xffU) / 8 + 1;
    out.resize(length_at + 1 + octets);
    out[length_at] = static_cast<std::uint8_t>(octets);
    out.back() = static_cast<std::uint8_t>(out.back() | 0x80 >> type.value % 8);
  }
}

}  // namespace redoubt::dns
