// The fields that many types share. What a type is made of stands in one table.
#include "dns/text_fields.hpp"

#include <algorithm>
#include <charconv>

#include "dns/text_decode.hpp"
#include "dns/text_reading.hpp"

namespace redoubt::dns {

namespace {

using enum Written;
namespace of = redoubt::dns::type;

constexpr std::array<Written, 10> form(std::initializer_list<Written> list) {
  std::array<Written, 10> out{};
  std::ranges::copy(list, out.begin());
  return out;
}

constexpr auto signature = form({Written::type, algorithm, u8, u32, Written::time, Written::time, u16, name, base64});
constexpr auto digest_of_key = form({u16, algorithm, digest, hex});
constexpr auto key = form({u16, u8, algorithm, base64});
constexpr auto one_name = form({name});
constexpr auto preference_and_name = form({u16, name});
constexpr auto two_names = form({name, name});
constexpr auto some_strings = form({strings});
constexpr auto certificate_data = form({usage, selector, matching, hex});
constexpr auto service = form({u16, name, parameters});
constexpr auto locator = form({u16, groups});

constexpr std::array rows{
    WrittenRow{of::a, form({ipv4})},
    WrittenRow{of::ns, one_name},
    WrittenRow{{3}, one_name},  // MD, MF
    WrittenRow{{4}, one_name},
    WrittenRow{of::cname, one_name},
    WrittenRow{of::soa, form({name, name, u32, period, period, period, period})},
    WrittenRow{{7}, one_name},  // MB, MG, MR
    WrittenRow{{8}, one_name},
    WrittenRow{{9}, one_name},
    WrittenRow{{11}, form({ipv4, services})},  // WKS
    WrittenRow{of::ptr, one_name},
    WrittenRow{{13}, form({string, string})},  // HINFO
    WrittenRow{{14}, two_names},               // MINFO
    WrittenRow{of::mx, preference_and_name},
    WrittenRow{of::txt, some_strings},
    WrittenRow{{17}, two_names},                                 // RP
    WrittenRow{{18}, preference_and_name},                       // AFSDB
    WrittenRow{{19}, form({string})},                            // X25
    WrittenRow{{20}, form({one_or_two})},                        // ISDN
    WrittenRow{{21}, preference_and_name},                       // RT
    WrittenRow{{22}, form({nsap})},                              // NSAP
    WrittenRow{{23}, one_name},                                  // NSAP-PTR
    WrittenRow{{24}, signature},                                 // SIG
    WrittenRow{{25}, form({u16, u8, algorithm, maybe_base64})},  // KEY
    WrittenRow{{26}, form({u16, name, name})},                   // PX
    WrittenRow{{27}, form({string, string, string})},            // GPOS
    WrittenRow{of::aaaa, form({ipv6})},
    WrittenRow{{29}, form({location})},  // LOC
    WrittenRow{{31}, form({hex})},       // EID, NIMLOC
    WrittenRow{{32}, form({hex})},
    WrittenRow{of::srv, form({u16, u16, u16, name})},
    WrittenRow{{35}, form({u16, u16, string, string, string, name})},  // NAPTR
    WrittenRow{{36}, preference_and_name},                             // KX
    WrittenRow{{37}, form({certificate, u16, algorithm, base64})},     // CERT
    WrittenRow{of::dname, one_name},
    WrittenRow{{42}, form({prefixes})},  // APL
    WrittenRow{of::ds, digest_of_key},
    WrittenRow{{44}, form({u8, u8, hex})},  // SSHFP
    WrittenRow{{45}, form({u8, gateway})},  // IPSECKEY
    WrittenRow{of::rrsig, signature},
    WrittenRow{of::nsec, form({name, bitmap})},
    WrittenRow{of::dnskey, key},
    WrittenRow{{49}, form({base64})},  // DHCID
    WrittenRow{of::nsec3, form({u8, u8, u16, salt, base32, bitmap})},
    WrittenRow{of::nsec3param, form({u8, u8, u16, salt})},
    WrittenRow{of::tlsa, certificate_data},
    WrittenRow{{53}, certificate_data},  // SMIMEA
    WrittenRow{{55}, form({hip})},       // HIP
    WrittenRow{{56}, some_strings},      // NINFO
    WrittenRow{{57}, key},               // RKEY
    WrittenRow{{58}, two_names},         // TALINK
    WrittenRow{of::cds, digest_of_key},
    WrittenRow{of::cdnskey, key},
    WrittenRow{{61}, form({base64})},            // OPENPGPKEY
    WrittenRow{{62}, form({u32, u16, bitmap})},  // CSYNC
    WrittenRow{of::zonemd, form({u32, u8, u8, hex})},
    WrittenRow{{64}, service},  // SVCB, HTTPS
    WrittenRow{{65}, service},
    WrittenRow{{66}, form({Written::type, scheme, u16, name})},    // DSYNC
    WrittenRow{{99}, some_strings},                                // SPF
    WrittenRow{{104}, locator},                                    // NID
    WrittenRow{{105}, form({u16, ipv4})},                          // L32
    WrittenRow{{106}, locator},                                    // L64
    WrittenRow{{107}, preference_and_name},                        // LP
    WrittenRow{{108}, form({eui48})},                              // EUI48
    WrittenRow{{109}, form({eui64})},                              // EUI64
    WrittenRow{{256}, form({u16, u16, text})},                     // URI
    WrittenRow{{257}, form({u8, tag, text})},                      // CAA
    WrittenRow{{258}, some_strings},                               // AVC
    WrittenRow{{259}, form({u32, u32, u8, string, dash_base64})},  // DOA
    WrittenRow{{260}, form({u8, relay})},                          // AMTRELAY
    WrittenRow{{261}, some_strings},                               // RESINFO, WALLET, CLA
    WrittenRow{{262}, some_strings},
    WrittenRow{{263}, some_strings},
    WrittenRow{{264}, form({u64})},      // IPN
    WrittenRow{{32768}, digest_of_key},  // TA, DLV
    WrittenRow{{32769}, digest_of_key},
};
static_assert(std::ranges::is_sorted(rows, {}, &WrittenRow::type));

struct Word {
  Written kind;
  std::string_view text;
  std::uint8_t value;
};
/// Words that may stand for a number, in any case: IANA's, and those that BIND and ldns write.
constexpr std::array words_for_numbers{
    Word{algorithm, "RSAMD5", 1},
    Word{algorithm, "DH", 2},
    Word{algorithm, "DSA", 3},
    Word{algorithm, "ECC", 4},
    Word{algorithm, "RSASHA1", 5},
    Word{algorithm, "NSEC3DSA", 6},
    Word{algorithm, "DSA-NSEC3-SHA1", 6},
    Word{algorithm, "NSEC3RSASHA1", 7},
    Word{algorithm, "RSASHA1-NSEC3-SHA1", 7},
    Word{algorithm, "RSASHA256", 8},
    Word{algorithm, "RSASHA512", 10},
    Word{algorithm, "ECCGOST", 12},
    Word{algorithm, "ECC-GOST", 12},
    Word{algorithm, "ECDSAP256SHA256", 13},
    Word{algorithm, "ECDSAP384SHA384", 14},
    Word{algorithm, "ED25519", 15},
    Word{algorithm, "ED448", 16},
    Word{algorithm, "INDIRECT", 252},
    Word{algorithm, "PRIVATEDNS", 253},
    Word{algorithm, "PRIVATEOID", 254},
    Word{digest, "SHA-1", 1},
    Word{digest, "SHA1", 1},
    Word{digest, "SHA-256", 2},
    Word{digest, "SHA256", 2},
    Word{digest, "GOST", 3},
    Word{digest, "SHA-384", 4},
    Word{digest, "SHA384", 4},
    Word{usage, "PKIX-TA", 0},  // RFC 7218
    Word{usage, "PKIX-EE", 1},
    Word{usage, "DANE-TA", 2},
    Word{usage, "DANE-EE", 3},
    Word{usage, "PrivCert", 255},
    Word{selector, "Cert", 0},
    Word{selector, "SPKI", 1},
    Word{selector, "PrivSel", 255},
    Word{matching, "Full", 0},
    Word{matching, "SHA2-256", 1},
    Word{matching, "SHA2-512", 2},
    Word{matching, "PrivMatch", 255},
    Word{scheme, "NOTIFY", 1},
    Word{certificate, "PKIX", 1},
    Word{certificate, "SPKI", 2},
    Word{certificate, "PGP", 3},
    Word{certificate, "IPKIX", 4},
    Word{certificate, "ISPKI", 5},
    Word{certificate, "IPGP", 6},
    Word{certificate, "ACPKIX", 7},
    Word{certificate, "IACPKIX", 8},
    Word{certificate, "URI", 253},
    Word{certificate, "OID", 254},
};

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

}  // namespace

const WrittenRow* find_written_row(RrType type) {
  const auto* row = std::ranges::lower_bound(rows, type, {}, &WrittenRow::type);
  return row == rows.end() || row->type != type ? nullptr : row;
}

void TextFields::fail(std::string what) {
  if (fault_.empty()) fault_ = std::move(what);
}

void TextFields::fail_word(std::string_view word, std::string_view expected) {
  fail(shown(word) + " is not " + std::string{expected});
}

std::string_view TextFields::word(std::string_view expected) {
  if (!ok()) return {};
  const bool missing = words_.done();
  const TextWord found = words_.next();
  if (missing) {
    fail(std::string{expected} + " is missing");
  } else if (found.quoted) {
    fail("a string in quotes, and not " + std::string{expected});
  }
  return ok() ? found.raw : std::string_view{};
}

std::string_view TextFields::rest(std::string_view expected, bool may_be_missing) {
  if (!ok()) return {};
  if (words_.done() && !may_be_missing) fail(std::string{expected} + " is missing");
  std::string_view all = words_.left();
  words_ = TextWords{{}};
  all.remove_suffix(all.size() - (all.find_last_not_of(" \t") + 1));  // those before a comment
  return all;
}

void TextFields::octets_of(std::string_view word, bool good, std::string_view expected) {
  if (ok() && !good) fail_word(word, expected);
}

void TextFields::number(unsigned octets) {
  const std::string expected = "a number up to " + std::to_string((std::uint64_t{1} << (8 * octets)) - 1);
  const std::string_view digits = word(expected);
  if (ok() && !read_number(out_, digits, octets)) fail_word(digits, expected);
}

void TextFields::address(int family) {
  const bool is_four = family == 4;
  const std::string_view expected = is_four ? "an IPv4 address" : "an IPv6 address";
  const std::string_view text = word(expected);
  if (ok() && !read_address(out_, text, is_four ? 2 : 10, is_four ? 4 : 16)) fail_word(text, expected);
}

void TextFields::name() {
  const std::string_view text = word("a name");
  if (!ok()) return;
  const auto read = read_owner(text, origin_);
  if (!read) return fail(shown(text) + ": " + read.error());
  out_.insert(out_.end(), read->wire().begin(), read->wire().end());
}

void TextFields::string() {
  if (!ok()) return;
  if (words_.done()) return fail("a string is missing");
  const auto octets = unescaped(words_.next().raw);
  if (!octets) return fail("an escape that is no octet");
  if (octets->size() > 255) return fail("a string of more than 255 octets");
  out_.push_back(static_cast<std::uint8_t>(octets->size()));
  out_.insert(out_.end(), octets->begin(), octets->end());
}

void TextFields::word_or_number(Written kind, unsigned octets) {
  const std::string expected = "a number up to " + std::to_string((1U << (8 * octets)) - 1) + ", or a word for one";
  const std::string_view text = word(expected);
  if (!ok()) return;
  for (const Word& known : words_for_numbers) {
    if (known.kind == kind && std::ranges::equal(known.text, text, {}, lower, lower))
      return put(out_, known.value, octets);
  }
  if (!read_number(out_, text, octets)) fail_word(text, expected);
}

void TextFields::type() {
  const std::string_view text = word("a type");
  if (!ok()) return;
  const auto known = rr_type_from_text(text);
  if (!known) return fail("an unknown type, " + shown(text));
  put(out_, known->value, 2);
}

void TextFields::bitmap() {
  std::vector<RrType> types;
  while (ok() && !words_.done()) {
    const std::string_view text = word("a type");
    const auto known = rr_type_from_text(text);
    if (ok() && !known) return fail("an unknown type, " + shown(text));
    if (known) types.push_back(*known);
  }
  if (ok()) append_type_bitmap(out_, types);
}

/// A date, or seconds since 1970 (RFC 4034 §3.2).
void TextFields::time() {
  constexpr std::string_view expected = "a time, YYYYMMDDHHmmSS";
  const std::string_view text = word(expected);
  if (ok() && !(text.size() == 14 ? read_time(out_, text) : read_number(out_, text, 4))) fail_word(text, expected);
}

void TextFields::read(Written field) {
  if (!ok()) return;
  switch (field) {
    case end:
      return;
    case u8:
      return number(1);
    case u16:
      return number(2);
    case u32:
      return number(4);
    case period: {
      const std::string_view text = word("a time");
      const auto seconds = period_of(text);
      if (ok() && !seconds) return fail_word(text, "a time in 32 bits");
      return put(out_, seconds.value_or(0), 4);
    }
    case ipv4:
      return address(4);
    case ipv6:
      return address(6);
    case Written::name:
      return name();
    case Written::string:
      return string();
    case strings:
      do string();
      while (ok() && !words_.done());
      return;
    case one_or_two:
      string();
      if (ok() && !words_.done()) string();
      return;
    case Written::type:
      return type();
    case Written::time:
      return time();
    case Written::bitmap:
      return bitmap();
    case salt: {
      const std::string_view text = word("a salt, or -");
      return octets_of(text, ok() && read_salt(out_, text), "hexadecimal, or -");
    }
    case base32: {
      const std::string_view text = word("a hash");
      return octets_of(text, ok() && read_base32(out_, text), "in base32hex");
    }
    case hex: {
      const std::string_view text = rest("hexadecimal", false);
      return octets_of(text, ok() && read_hex(out_, text), "hexadecimal, two digits for each octet");
    }
    case base64:
    case maybe_base64:
    case dash_base64: {
      const std::string_view text = rest("base64", field != base64);
      const bool none = (field != base64 && text.empty()) || (field == dash_base64 && text == "-");
      return octets_of(text, ok() && (none || read_base64(out_, text)), "base64");
    }
    case algorithm:
    case digest:
    case usage:
    case selector:
    case matching:
    case scheme:
      return word_or_number(field, 1);
    case certificate:
      return word_or_number(field, 2);
    case Written::text:
    case Written::tag:
    case u64:
    case groups:
    case eui48:
    case eui64:
    case Written::gateway:
    case Written::relay:
    case Written::location:
    case Written::prefixes:
    case Written::services:
    case Written::nsap:
    case Written::hip:
    case Written::parameters:
      return odd(field);
  }
}

std::expected<std::vector<std::uint8_t>, std::string> TextFields::finish() {
  if (words_.faulty()) return std::unexpected{"a quote that does not stand at the ends of a string"};
  if (ok() && !words_.done()) fail("more than the record has, from " + shown(words_.next().raw) + " on");
  if (ok() && out_.size() > 65535) fail("more than 65535 octets");
  if (!ok()) return std::unexpected{fault_};
  return std::move(out_);
}

}  // namespace redoubt::dns
