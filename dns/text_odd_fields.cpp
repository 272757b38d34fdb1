// Fields that one type or two have: places, gateways, lists of prefixes and ports.
#include <algorithm>
#include <charconv>

#include "dns/text_decode.hpp"
#include "dns/text_fields.hpp"

namespace redoubt::dns {

namespace {

constexpr std::uint32_t thousandths_in_degree = 3'600'000;
constexpr std::int64_t below_spheroid = 10'000'000;  // cm: where LOC's altitudes begin (RFC 1876 §2)

/// Services by their names, the same for TCP and UDP (RFC 1700). No file of the machine is asked: a zone means the same
/// everywhere, and the C library reads such a file anew for each name.
struct Service {
  std::string_view name;
  std::uint16_t port;
};
constexpr std::array known_services{
    Service{"echo", 7},    Service{"discard", 9},  Service{"daytime", 13}, Service{"ftp-data", 20},
    Service{"ftp", 21},    Service{"ssh", 22},     Service{"telnet", 23},  Service{"smtp", 25},
    Service{"time", 37},   Service{"domain", 53},  Service{"tftp", 69},    Service{"gopher", 70},
    Service{"finger", 79}, Service{"http", 80},    Service{"www", 80},     Service{"kerberos", 88},
    Service{"pop3", 110},  Service{"sunrpc", 111}, Service{"nntp", 119},   Service{"ntp", 123},
    Service{"imap2", 143}, Service{"imap", 143},   Service{"snmp", 161},   Service{"ldap", 389},
    Service{"https", 443},
};

bool is_digit(char c) { return c >= '0' && c <= '9'; }
char upper(char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; }

std::optional<std::uint32_t> number_up_to(std::string_view word, std::uint32_t max) {
  std::uint64_t value = 0;
  if (!is_number(word)) return std::nullopt;
  std::from_chars(word.data(), word.data() + word.size(), value);
  if (value > max) return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

/// "12.34" in units of its last decimal, of which there are so many at most. Not above 2^32 units.
std::optional<std::int64_t> fixed_point(std::string_view word, std::size_t decimals) {
  const std::size_t dot = std::min(word.find('.'), word.size());
  std::string digits{word.substr(0, dot)};
  const std::string_view fraction = word.substr(std::min(dot + 1, word.size()));
  if (digits.empty() && fraction.empty()) return std::nullopt;
  if (fraction.size() > decimals) return std::nullopt;
  digits += std::string{fraction} + std::string(decimals - fraction.size(), '0');
  if (digits.size() > 12 || !std::ranges::all_of(digits, is_digit)) return std::nullopt;
  std::int64_t value = 0;
  std::from_chars(digits.data(), digits.data() + digits.size(), value);
  return value;
}

/// One digit and a power of ten (RFC 1876 §2), rounded down.
std::uint8_t digit_and_power(std::int64_t centimetres) {
  unsigned power = 0;
  for (; centimetres >= 10; centimetres /= 10) ++power;
  return static_cast<std::uint8_t>(static_cast<unsigned>(centimetres) << 4 | power);
}

std::optional<std::uint32_t> port_of(std::string_view word, bool by_name) {
  if (!word.empty() && is_digit(word[0])) return number_up_to(word, 65535);
  for (const Service& known : known_services) {
    if (by_name && std::ranges::equal(known.name, word, {}, upper, upper)) return known.port;
  }
  return std::nullopt;
}

}  // namespace

std::uint8_t TextFields::small_number(std::uint8_t max) {
  const std::string expected = "a number up to " + std::to_string(max);
  const std::string_view digits = word(expected);
  const auto value = number_up_to(digits, max);
  if (ok() && !value) fail_word(digits, expected);
  return static_cast<std::uint8_t>(value.value_or(0));
}

void TextFields::text() {
  if (words_.done()) return fail("a string is missing");
  const auto octets = unescaped(words_.next().raw);
  if (!octets) return fail("an escape that is no octet");
  out_.insert(out_.end(), octets->begin(), octets->end());
}

/// RFC 8659 §4.1.
void TextFields::tag() {
  const std::string_view read = word("a tag");
  const bool good = !read.empty() && read.size() <= 255 && std::ranges::all_of(read, [](char c) {
    return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  });
  if (!ok()) return;
  if (!good) return fail_word(read, "a tag of letters and digits");
  out_.push_back(static_cast<std::uint8_t>(read.size()));
  out_.insert(out_.end(), read.begin(), read.end());
}

/// "0014:4fff:ff20:ee64", "00-00-5e-00-53-2a". Groups of four digits at most may be shorter, where that is allowed.
void TextFields::hex_groups(std::size_t count, std::size_t least_digits, std::size_t most_digits, char between) {
  const std::string expected = std::to_string(count) + " groups of hexadecimal digits";
  const std::string_view all = word(expected);
  std::string_view left = all;
  for (std::size_t i = 0; ok() && i < count; ++i) {
    const std::size_t end = i + 1 == count ? left.size() : left.find(between);
    if (end == std::string_view::npos || end < least_digits || end > most_digits) return fail_word(all, expected);
    if (!read_hex(out_, std::string(most_digits - end, '0') + std::string{left.substr(0, end)}))
      return fail_word(all, expected);
    left.remove_prefix(std::min(end + 1, left.size()));
  }
}

/// RFC 4025 §3.1.
void TextFields::gateway() {
  const std::uint8_t kind = small_number(3);
  out_.push_back(kind);
  number(1);
  if (kind == 0) {
    const std::string_view none = word("a dot for no gateway");
    if (ok() && none != ".") return fail_word(none, "a dot, as gateways of kind 0 are");
  } else if (kind == 3) {
    name();
  } else {
    address(kind == 1 ? 4 : 6);
  }
  read(Written::maybe_base64);
}

/// RFC 8777 §4.3.
void TextFields::relay() {
  const std::uint8_t discovery_optional = small_number(1);
  const std::uint8_t kind = small_number(3);
  out_.push_back(static_cast<std::uint8_t>(discovery_optional << 7 | kind));
  if (kind == 0) {
    const std::string_view none = word("a dot for no relay");
    if (ok() && none != ".") return fail_word(none, "a dot, as relays of kind 0 are");
  } else if (kind == 3) {
    name();
  } else {
    address(kind == 1 ? 4 : 6);
  }
}

/// Degrees, minutes, seconds and a direction (RFC 1876 §3), as thousandths of a second from 2^31.
std::uint32_t TextFields::angle(std::string_view directions, std::uint32_t max_degrees) {
  constexpr std::array<std::uint32_t, 3> unit{thousandths_in_degree, 60'000, 1};
  const std::string expected = std::string{"degrees, minutes and seconds and one of "} + std::string{directions};
  std::uint32_t total = 0;
  for (std::size_t part = 0; part <= 3 && ok(); ++part) {
    const std::string_view text = word(expected);
    const std::size_t direction = text.size() == 1 ? directions.find(upper(text[0])) : text.npos;
    if (part != 0 && direction != std::string_view::npos) {
      if (total > max_degrees * thousandths_in_degree) fail("more than " + std::to_string(max_degrees) + " degrees");
      return direction == 0 ? (1U << 31) + total : (1U << 31) - total;
    }
    const auto value = part == 2 ? fixed_point(text, 3).value_or(-1)
                                 : std::int64_t{number_up_to(text, part == 0 ? max_degrees : 59).value_or(0xffff)};
    if (ok() && (part == 3 || value < 0 || value > 59'999 || (part != 2 && value == 0xffff))) fail_word(text, expected);
    if (ok()) total += static_cast<std::uint32_t>(value) * unit[part];
  }
  return 0;
}

/// "12.34m", with or without its letter.
std::int64_t TextFields::centimetres(std::int64_t min, std::int64_t max) {
  const std::string_view text = word("metres");
  std::string_view digits = text;
  if (digits.ends_with('m') || digits.ends_with('M')) digits.remove_suffix(1);
  const bool negative = digits.starts_with('-');
  if (negative) digits.remove_prefix(1);
  const auto read = fixed_point(digits, 2);
  const std::int64_t value = negative ? -read.value_or(0) : read.value_or(0);
  if (ok() && (!read || value < min || value > max)) fail_word(text, "metres that fit, with two decimals at most");
  return ok() ? value : 0;
}

/// RFC 1876 §3.
void TextFields::location() {
  constexpr std::int64_t max_altitude = 0xffffffff - below_spheroid;
  constexpr std::int64_t max_size = 9'000'000'000;
  const std::uint32_t latitude = angle("NS", 90);
  const std::uint32_t longitude = angle("EW", 180);
  const std::int64_t altitude = centimetres(-below_spheroid, max_altitude) + below_spheroid;
  std::array<std::int64_t, 3> sizes{100, 1'000'000, 1'000};  // of the place, and how exact the numbers are
  for (std::int64_t& size : sizes) {
    if (!ok() || words_.done()) break;
    size = centimetres(0, max_size);
  }
  out_.push_back(0);  // version
  for (const std::int64_t size : sizes) out_.push_back(digit_and_power(size));
  put(out_, latitude, 4);
  put(out_, longitude, 4);
  put(out_, static_cast<std::uint64_t>(altitude), 4);
}

/// "!1:192.0.2.0/24" (RFC 3123 §5). Zeros at the end of an address are left out of the wire.
void TextFields::prefix(std::string_view word) {
  const std::string_view all = word;
  const bool negated = word.starts_with('!');
  if (negated) word.remove_prefix(1);
  const std::size_t colon = word.find(':');
  const std::size_t slash = word.rfind('/');
  if (colon == std::string_view::npos || slash == std::string_view::npos || slash < colon)
    return fail_word(all, "FAMILY:ADDRESS/LENGTH");
  const bool is_four = word.substr(0, colon) == "1";
  const auto length = number_up_to(word.substr(slash + 1), is_four ? 32 : 128);
  std::vector<std::uint8_t> octets;
  if ((!is_four && word.substr(0, colon) != "2") || !length ||
      !read_address(octets, word.substr(colon + 1, slash - colon - 1), is_four ? 2 : 10, is_four ? 4 : 16))
    return fail_word(all, "1:IPV4/LENGTH or 2:IPV6/LENGTH");
  while (!octets.empty() && octets.back() == 0) octets.pop_back();
  put(out_, is_four ? 1 : 2, 2);
  put(out_, *length, 1);
  put(out_, octets.size() | (negated ? 0x80U : 0U), 1);
  out_.insert(out_.end(), octets.begin(), octets.end());
}

void TextFields::prefixes() {
  while (ok() && !words_.done()) {
    const std::string_view text = word("a prefix");
    if (ok()) prefix(text);
  }
}

/// A protocol and ports, by number or name, as a bit for each (RFC 1035 §3.4.2).
void TextFields::services() {
  std::string protocol{word("a protocol")};
  std::ranges::transform(protocol, protocol.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c; });
  const auto number = protocol == "tcp" ? 6 : protocol == "udp" ? 17 : number_up_to(protocol, 255);
  if (ok() && !number) return fail_word(protocol, "tcp, udp or a protocol's number");
  out_.push_back(static_cast<std::uint8_t>(number.value_or(0)));
  std::vector<std::uint8_t> ports;
  while (ok() && !words_.done()) {
    const std::string_view text = word("a port");
    const auto port = port_of(text, number == 6 || number == 17);
    if (ok() && !port) return fail_word(text, "a port, or the name of a common service");
    ports.resize(std::max<std::size_t>(ports.size(), port.value_or(0) / 8 + 1));
    std::uint8_t& octet = ports[port.value_or(0) / 8];
    octet = static_cast<std::uint8_t>(octet | 0x80 >> port.value_or(0) % 8);
  }
  out_.insert(out_.end(), ports.begin(), ports.end());
}

/// "0x47.0005.80" (RFC 1706 §7).
void TextFields::nsap() {
  const std::string_view text = word("an address that begins with 0x");
  std::string digits{text.starts_with("0x") || text.starts_with("0X") ? text.substr(2) : ""};
  std::erase(digits, '.');
  octets_of(text, !digits.empty() && read_hex(out_, digits), "0x and two hexadecimal digits for each octet");
}

/// RFC 8005 §6. The lengths come first on the wire.
void TextFields::hip() {
  const std::uint8_t algorithm = small_number(255);
  std::vector<std::uint8_t> tag;
  std::vector<std::uint8_t> key;
  const std::string_view tag_text = word("a host identity tag");
  if (ok() && (!read_hex(tag, tag_text) || tag.empty() || tag.size() > 255))
    return fail_word(tag_text, "hexadecimal, of 255 octets at most");
  const std::string_view key_text = word("a public key");
  if (ok() && (!read_base64(key, key_text) || key.size() > 65535)) return fail_word(key_text, "base64");
  put(out_, tag.size(), 1);
  put(out_, algorithm, 1);
  put(out_, key.size(), 2);
  out_.insert(out_.end(), tag.begin(), tag.end());
  out_.insert(out_.end(), key.begin(), key.end());
  while (ok() && !words_.done()) name();
}

void TextFields::parameters() {
  if (auto done = read_service_parameters(words_, out_); !done) fail(std::move(done.error()));
}

void TextFields::odd(Written field) {
  if (field == Written::text) return text();
  if (field == Written::tag) return tag();
  if (field == Written::groups) return hex_groups(4, 1, 4, ':');
  if (field == Written::eui48) return hex_groups(6, 2, 2, '-');
  if (field == Written::eui64) return hex_groups(8, 2, 2, '-');
  if (field == Written::gateway) return gateway();
  if (field == Written::relay) return relay();
  if (field == Written::location) return location();
  if (field == Written::prefixes) return prefixes();
  if (field == Written::services) return services();
  if (field == Written::nsap) return nsap();
  if (field == Written::hip) return hip();
  if (field == Written::parameters) return parameters();
  const std::string_view digits = word("a number");  // u64
  std::uint64_t value = 0;
  const auto [last, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (ok() && (error != std::errc{} || last != digits.data() + digits.size())) return fail_word(digits, "a number");
  put(out_, value, 8);
}

}  // namespace redoubt::dns
