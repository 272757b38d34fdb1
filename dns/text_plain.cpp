// Reads the plain form of common records. Readers refuse whatever is unusual, so that there is one authority on it,
// text_fields.cpp.
#include "dns/text_plain.hpp"

#include <arpa/inet.h>

#include <charconv>

#include "dns/rdata.hpp"
#include "dns/text_decode.hpp"
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

/// Types in any order (RFC 4034 §4.1.2).
bool read_bitmap(Out& out, Words& words) {
  std::vector<RrType> types;
  while (!words.done()) {
    const auto type = rr_type_from_text(words.next());
    if (!type || types.size() == 256) return false;
    types.push_back(*type);
  }
  append_type_bitmap(out, types);
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
      return !words.done() && all(read_hex);
    case salt:
      return read_salt(out, words.next());
    case base32: {  // SHA-1's
      const std::string_view word = words.next();
      return word.size() == 32 && read_base32(out, word);
    }
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
