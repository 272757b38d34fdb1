// Reads the plain form of common records. Readers refuse whatever is unusual, so that there is one authority on it,
// ldns.
#include "dns/text_plain.hpp"

#include <arpa/inet.h>
#include <sodium.h>

#include <charconv>

#include "dns/rdata.hpp"
#include "dns/text_reading.hpp"

namespace redoubt::dns {

namespace {

using enum Plain;

constexpr std::array<Plain, 10> form(std::initializer_list<Plain> list) {
  std::array<Plain, 10> out{};
  std::ranges::copy(list, out.begin());
  return out;
}

constexpr std::array rows{
    PlainRow{type::a, form({ipv4})},
    PlainRow{type::ns, form({name})},
    PlainRow{type::cname, form({name})},
    PlainRow{type::soa, form({name, name, u32, u32, u32, u32, u32})},
    PlainRow{type::ptr, form({name})},
    PlainRow{type::mx, form({u16, name})},
    PlainRow{type::txt, form({strings})},
    PlainRow{type::aaaa, form({ipv6})},
    PlainRow{type::srv, form({u16, u16, u16, name})},
    PlainRow{type::dname, form({name})},
    PlainRow{type::ds, form({u16, u8, u8, hex})},
    PlainRow{type::rrsig, form({Plain::type, u8, u8, u32, time, time, u16, name, base64})},
    PlainRow{type::nsec, form({name, bitmap})},
    PlainRow{type::dnskey, form({u16, u8, u8, base64})},
    PlainRow{type::nsec3, form({u8, u8, u16, salt, base32, bitmap})},
    PlainRow{type::nsec3param, form({u8, u8, u16, salt})},
    PlainRow{type::tlsa, form({u8, u8, u8, hex})},
    PlainRow{type::cds, form({u16, u8, u8, hex})},
    PlainRow{type::cdnskey, form({u16, u8, u8, base64})},
    PlainRow{type::zonemd, form({u32, u8, u8, hex})},
    PlainRow{dsync_type, form({Plain::type, scheme, u16, name})},
};

using Out = std::vector<std::uint8_t>;
constexpr std::size_t usual_octets = 160;  // an RRSIG's by P-256 or Ed25519, with a name of middle length

/// Words of a line, one after the other; a word that is missing is empty.
class Words {
 public:
  explicit Words(std::string_view text) : left_{text} { skip(); }
  std::string_view next() {
    const auto end = std::min(left_.find(' '), left_.size());
    const std::string_view word = left_.substr(0, end);
    left_.remove_prefix(end);
    skip();
    return word;
  }
  std::string_view peek() const { return left_.substr(0, std::min(left_.find(' '), left_.size())); }
  std::string_view rest() const { return left_; }
  bool done() const { return left_.empty(); }

 private:
  void skip() { left_.remove_prefix(std::min(left_.find_first_not_of(' '), left_.size())); }
  std::string_view left_;
};

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
  if (word.size() >= text.size()) return false;
  std::ranges::copy(word, text.begin());
  if (inet_pton(family, text.data(), address.data()) != 1) return false;
  out.insert(out.end(), address.begin(), address.begin() + static_cast<std::ptrdiff_t>(octets));
  return true;
}

bool read_name(Out& out, std::string_view word, const Name& origin) {
  if (word.empty()) return false;
  const auto name = read_owner(word, origin);
  if (!name) return false;
  out.insert(out.end(), name->wire().begin(), name->wire().end());
  return true;
}

/// Quoted strings without escapes, or words without quotes and escapes.
bool read_strings(Out& out, std::string_view text) {
  if (text.empty() || text.find('\\') != std::string_view::npos) return false;
  while (!text.empty()) {
    const bool quoted = text[0] == '"';
    if (quoted) text.remove_prefix(1);
    const auto end = std::min(text.find(quoted ? '"' : ' '), text.size());
    const std::string_view one = text.substr(0, end);
    if (one.size() > 255 || (quoted && end == text.size()) || (!quoted && one.find('"') != std::string_view::npos))
      return false;
    out.push_back(static_cast<std::uint8_t>(one.size()));
    out.insert(out.end(), one.begin(), one.end());
    text.remove_prefix(std::min(end + 1, text.size()));
    if (quoted && !text.empty() && text[0] != ' ') return false;
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
  }
  return true;
}

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
  if (year < 1970 || year > 2105 || month < 1 || month > 12 || day < 1 || day > days_in(year, month)) return false;
  if (part(8, 2) > 23 || part(10, 2) > 59 || part(12, 2) > 59) return false;
  put(out,
      static_cast<std::uint64_t>(days_of(year, month, day) * 86400 + part(8, 2) * 3600 + part(10, 2) * 60 +
                                 part(12, 2)),
      4);
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

bool read_base64(Out& out, std::string_view text) {
  if (read_base64_groups(out, text)) return true;
  const std::size_t at = out.size();
  std::size_t size = 0;
  out.resize(at + text.size());
  const bool good = !text.empty() && sodium_base642bin(out.data() + at, text.size(), text.data(), text.size(), " ",
                                                       &size, nullptr, sodium_base64_VARIANT_ORIGINAL) == 0;
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

/// SHA-1's 32 characters, no padding and nothing left over.
bool read_base32(Out& out, std::string_view word) {
  if (word.size() != 32) return false;
  out.push_back(20);
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
  return true;
}

/// Types in any order (RFC 4034 §4.1.2).
bool read_bitmap(Out& out, Words& words) {
  std::vector<RrType> types;
  while (!words.done()) {
    const auto type = rr_type_from_text(words.next());
    if (!type || types.size() == 256) return false;
    types.push_back(*type);
  }
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
  return true;
}

bool read_field(Plain field, Out& out, Words& words, const Name& origin) {
  const auto all = [&](auto read) {
    const bool good = read(out, words.rest());
    words = Words{{}};
    return good;
  };
  switch (field) {
    case u8:
      return read_number(out, words.next(), 1);
    case u16:
      return read_number(out, words.next(), 2);
    case u32:
      return read_number(out, words.next(), 4);
    case ipv4:
      return read_address(out, words.next(), AF_INET, 4);
    case ipv6:
      return read_address(out, words.next(), AF_INET6, 16);
    case name:
      return read_name(out, words.next(), origin);
    case strings:
      return all(read_strings);
    case Plain::type: {
      const auto type = rr_type_from_text(words.next());
      if (type) put(out, type->value, 2);
      return type.has_value();
    }
    case Plain::time:
      return read_time(out, words.next());
    case hex:
      return all(read_hex);
    case salt:
      return read_salt(out, words.next());
    case base32:
      return read_base32(out, words.next());
    case base64:
      return all(read_base64);
    case bitmap:
      return read_bitmap(out, words);
    case scheme: {
      const std::string_view word = words.next();
      if (word != "NOTIFY" && word != "notify") return read_number(out, word, 1);
      out.push_back(notify_scheme);
      return true;
    }
    case end:
      return true;
  }
  return false;
}

/// What was read of these types is valid by the way it was read: whole names and numbers, and something behind them.
bool is_valid_as_read(RrType type) {
  namespace of = redoubt::dns::type;
  for (const RrType known :
       {of::a, of::aaaa, of::ns, of::cname, of::ptr, of::dname, of::mx, of::srv, of::soa, of::rrsig}) {
    if (known == type) return true;
  }
  return false;
}

bool is_class_in(std::string_view word) { return word == "IN" || word == "in"; }

}  // namespace

const PlainRow* find_plain_row(RrType type) {
  const auto* row = std::ranges::find(rows, type, &PlainRow::type);
  return row == rows.end() ? nullptr : row;
}

std::optional<Record> read_plain_line(std::string_view text, const Surroundings& around) {
  Record record;
  Words words{text};
  if (text.empty()) return std::nullopt;
  if (text[0] == ' ') {
    if (!around.previous_owner) return std::nullopt;
    record.owner = *around.previous_owner;
  } else {
    const auto owner = read_owner(words.next(), around.origin);
    if (!owner) return std::nullopt;
    record.owner = *owner;
  }
  record.ttl = around.ttl;
  for (bool ttl_read = false, class_read = false;;) {
    const std::string_view word = words.peek();
    if (!class_read && is_class_in(word)) {
      class_read = true;
    } else if (!ttl_read && is_number(word)) {
      std::uint64_t seconds = 0;
      std::from_chars(word.data(), word.data() + word.size(), seconds);
      if (seconds > 0x7fffffff) return std::nullopt;
      record.ttl = Ttl::from_wire(static_cast<std::uint32_t>(seconds));
      ttl_read = true;
    } else {
      break;
    }
    words.next();
  }
  const auto type = rr_type_from_text(words.next());
  const PlainRow* row = type ? find_plain_row(*type) : nullptr;
  if (row == nullptr || words.peek() == "\\#") return std::nullopt;
  record.type = *type;
  record.rdata.reserve(std::min(words.rest().size(), usual_octets));
  for (const Plain field : row->fields) {
    if (field == end) break;
    if (!read_field(field, record.rdata, words, around.origin)) return std::nullopt;
  }
  if (!words.done() || record.rdata.size() > 65535 ||
      !(is_valid_as_read(record.type) || is_valid_rdata(record.type, record.rr_class, record.rdata)))
    return std::nullopt;
  return record;
}

}  // namespace redoubt::dns
