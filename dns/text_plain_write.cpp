// Writes the RDATA of common records in their plain form.
#include <arpa/inet.h>

#include <charconv>

#include "dns/text_plain.hpp"
#include "dns/text_reading.hpp"

namespace redoubt::dns {

namespace {

using enum Plain;

void append_number(std::string& out, std::uint64_t value) {
  std::array<char, 20> digits;
  const auto [last, error] = std::to_chars(digits.data(), digits.data() + digits.size(), value);
  out.append(digits.data(), last);
}

std::uint64_t number_of(std::span<const std::uint8_t> octets) {
  std::uint64_t value = 0;
  for (const std::uint8_t octet : octets) value = value << 8 | octet;
  return value;
}

void append_address(std::string& out, int family, std::span<const std::uint8_t> octets) {
  std::array<char, INET6_ADDRSTRLEN> text{};
  out += inet_ntop(family, octets.data(), text.data(), text.size());
}

void append_escaped(std::string& out, std::uint8_t octet) {
  out += '\\';
  for (const int divisor : {100, 10, 1}) out += static_cast<char>('0' + octet / divisor % 10);
}

void append_strings(std::string& out, std::span<const std::uint8_t> octets) {
  for (std::size_t at = 0; at < octets.size(); at += octets[at] + 1U) {
    if (at != 0) out += ' ';
    out += '"';
    for (const std::uint8_t octet : octets.subspan(at + 1, octets[at])) {
      if (octet < 0x20 || octet >= 0x7f) {
        append_escaped(out, octet);
        continue;
      }
      if (octet == '"' || octet == '\\') out += '\\';
      out += static_cast<char>(octet);
    }
    out += '"';
  }
}

/// The reverse of days_of().
void append_time(std::string& out, std::uint32_t seconds) {
  const std::int64_t days = seconds / 86400 + 719468;
  const std::int64_t era = days / 146097;
  const std::int64_t of_era = days - era * 146097;
  const std::int64_t year_of_era = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
  const std::int64_t of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
  const std::int64_t shifted = (5 * of_year + 2) / 153;  // months since March
  const std::int64_t day = of_year - (153 * shifted + 2) / 5 + 1;
  const std::int64_t month = shifted < 10 ? shifted + 3 : shifted - 9;
  const std::int64_t year = year_of_era + era * 400 + (month <= 2 ? 1 : 0);
  const auto padded = [&](std::int64_t value, int width) {
    for (int divisor = width == 4 ? 1000 : 10; divisor != 0; divisor /= 10)
      out += static_cast<char>('0' + value / divisor % 10);
  };
  padded(year, 4);
  padded(month, 2);
  padded(day, 2);
  padded(seconds / 3600 % 24, 2);
  padded(seconds / 60 % 60, 2);
  padded(seconds % 60, 2);
}

void append_hex(std::string& out, std::span<const std::uint8_t> octets) {
  static constexpr std::string_view digits = "0123456789abcdef";
  for (const std::uint8_t octet : octets) {
    out += digits[octet >> 4];
    out += digits[octet & 15];
  }
}

void append_base64(std::string& out, std::span<const std::uint8_t> octets) {
  static constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  const std::size_t at = out.size();
  out.resize(at + (octets.size() + 2) / 3 * 4, '=');
  char* to = out.data() + at;
  for (std::size_t i = 0; i < octets.size(); i += 3) {
    const std::size_t there = std::min<std::size_t>(3, octets.size() - i);
    std::uint32_t held = std::uint32_t{octets[i]} << 16;
    if (there > 1) held |= std::uint32_t{octets[i + 1]} << 8;
    if (there > 2) held |= octets[i + 2];
    for (std::size_t k = 0; k <= there; ++k) to[k] = alphabet[held >> (18 - 6 * k) & 63];
    to += 4;
  }
}

void append_base32(std::string& out, std::span<const std::uint8_t> octets) {
  static constexpr std::string_view digits = "0123456789abcdefghijklmnopqrstuv";
  std::uint64_t held = 0;
  unsigned bits = 0;
  for (const std::uint8_t octet : octets) {
    held = held << 8 | octet;
    for (bits += 8; bits >= 5;) out += digits[held >> (bits -= 5) & 31];
  }
  if (bits != 0) out += digits[held << (5 - bits) & 31];
}

void append_type(std::string& out, RrType type) {
  out += is_rarely_known(type) ? "TYPE" + std::to_string(type.value) : to_text(type);
}

void append_bitmap(std::string& out, std::span<const std::uint8_t> bitmap) {
  while (bitmap.size() >= 2) {
    for (std::size_t bit = 0; bit < bitmap[1] * 8U; ++bit) {
      if ((bitmap[2 + bit / 8] & 0x80 >> bit % 8) == 0) continue;
      out += ' ';
      append_type(out, RrType{static_cast<std::uint16_t>(bitmap[0] << 8 | static_cast<int>(bit))});
    }
    bitmap = bitmap.subspan(2U + bitmap[1]);
  }
}

/// Octets of a field at the front of valid RDATA.
std::size_t octets_of(Plain field, std::span<const std::uint8_t> rdata) {
  switch (field) {
    case u8:
    case scheme:
      return 1;
    case u16:
    case Plain::type:
      return 2;
    case u32:
    case ipv4:
    case Plain::time:
      return 4;
    case ipv6:
      return 16;
    case name: {
      std::size_t at = 0;
      while (rdata[at] != 0) at += rdata[at] + 1U;
      return at + 1;
    }
    case salt:
    case base32:
      return rdata[0] + 1U;
    case strings:
    case hex:
    case base64:
    case bitmap:
    case end:
      return rdata.size();
  }
  return rdata.size();
}

void append_field(std::string& out, Plain field, std::span<const std::uint8_t> octets) {
  switch (field) {
    case u8:
    case u16:
    case u32:
      return append_number(out, number_of(octets));
    case ipv4:
      return append_address(out, AF_INET, octets);
    case ipv6:
      return append_address(out, AF_INET6, octets);
    case name:
      out += Name::from_wire(octets).value_or(Name{}).to_text();
      return;
    case strings:
      return append_strings(out, octets);
    case Plain::type:
      append_type(out, RrType{static_cast<std::uint16_t>(number_of(octets))});
      return;
    case Plain::time:
      return append_time(out, static_cast<std::uint32_t>(number_of(octets)));
    case hex:
      return append_hex(out, octets);
    case salt:
      if (octets.size() == 1) out += '-';
      return append_hex(out, octets.subspan(1));
    case base32:
      return append_base32(out, octets.subspan(1));
    case base64:
      return append_base64(out, octets);
    case bitmap:
      return append_bitmap(out, octets);
    case scheme:
      if (octets[0] == notify_scheme) {
        out += "NOTIFY";
        return;
      }
      return append_number(out, octets[0]);
    case end:
      return;
  }
}

}  // namespace

bool is_rarely_known(RrType type) {
  // What BIND, Knot and ldns know: A, NS, CNAME, SOA, PTR to AFSDB, RT, KEY, AAAA, LOC, SRV, NAPTR to CERT, DNAME, APL
  // to SMIMEA, CDS to HTTPS, SPF, NID to EUI64, URI and CAA.
  struct Range {
    std::uint16_t first, last;
  };
  constexpr std::array known{Range{1, 2},   Range{5, 6},   Range{12, 18},   Range{21, 21},  Range{25, 25},
                             Range{28, 29}, Range{33, 33}, Range{35, 37},   Range{39, 39},  Range{42, 53},
                             Range{59, 65}, Range{99, 99}, Range{104, 109}, Range{256, 257}};
  return std::ranges::none_of(known,
                              [&](Range range) { return type.value >= range.first && type.value <= range.last; });
}

bool append_plain_rdata(std::string& out, RrType type, std::span<const std::uint8_t> rdata) {
  const PlainRow* row = find_plain_row(type);
  // What read_plain_line() leaves to others is left to them here, too.
  if (row == nullptr ||
      (type == type::nsec3 && (rdata.size() < 5 || rdata.size() < 6U + rdata[4] || rdata[5 + rdata[4]] != 20)))
    return false;
  bool first = true;
  const std::size_t begin = out.size();
  for (const Plain field : row->fields) {
    if (field == end) break;
    if ((field == hex || field == base64) && rdata.empty()) {  // a word that is not there is none
      out.resize(begin);
      return false;
    }
    if (!first && field != bitmap) out += ' ';  // a bitmap brings its own blanks, and may be empty
    first = false;
    const std::size_t size = octets_of(field, rdata);
    append_field(out, field, rdata.first(size));
    rdata = rdata.subspan(size);
  }
  return true;
}

}  // namespace redoubt::dns
