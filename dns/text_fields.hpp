#pragma once
// RDATA from its text, every type that has one and every way to write it. The plain form of common types has a faster
// reader beside this one (text_plain.cpp), which means the same.
#include <array>
#include <cstdint>
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "dns/name.hpp"
#include "dns/rr_types.hpp"
#include "dns/text_words.hpp"

namespace redoubt::dns {

/// How a field is written.
enum class Written : std::uint8_t {
  end,
  u8,
  u16,
  u32,
  u64,
  period,  ///< 32 bits: "3600", "1h"
  ipv4,
  ipv6,
  name,
  string,
  strings,     ///< one or more, to the end
  one_or_two,  ///< strings (ISDN)
  text,        ///< one string without its length: the rest of the RDATA
  tag,         ///< letters and digits, one to 255 (CAA)
  type,
  time,
  hex,           ///< to the end
  base64,        ///< to the end
  maybe_base64,  ///< may be missing
  dash_base64,   ///< may be missing, or a dash (DOA)
  salt,
  base32,
  bitmap,
  algorithm,  ///< these: numbers of 8 bits, or a word for one
  digest,
  usage,
  selector,
  matching,
  scheme,
  certificate,  ///< 16 bits
  groups,       ///< four of hexadecimal digits (RFC 6742)
  eui48,
  eui64,
  gateway,   ///< of IPSECKEY: the rest
  relay,     ///< of AMTRELAY: the rest
  location,  ///< of LOC: all
  prefixes,  ///< of APL: all
  services,  ///< of WKS, behind its address
  nsap,
  hip,
  parameters,  ///< of SVCB and HTTPS
};

struct WrittenRow {
  RrType type;
  std::array<Written, 10> fields;
};

/// Null for types without a text of their own: they are written as octets (RFC 3597 §5).
const WrittenRow* find_written_row(RrType type);

/// Appends RDATA field by field. The first fault sticks and says what it is; later fields do nothing.
class TextFields {
 public:
  TextFields(TextWords& words, const Name& origin) : words_{words}, origin_{origin} {}
  void read(Written field);
  bool ok() const { return fault_.empty() && !words_.faulty(); }
  /// The octets, if all was well and nothing is left.
  std::expected<std::vector<std::uint8_t>, std::string> finish();

 private:
  void fail(std::string what);
  void fail_word(std::string_view word, std::string_view expected);
  /// A word without quotes, of a field that must be there; empty after a fault.
  std::string_view word(std::string_view expected);
  std::string_view rest(std::string_view expected, bool may_be_missing);
  void number(unsigned octets);
  std::uint8_t small_number(std::uint8_t max);
  void address(int family);
  void name();
  void string();
  void octets_of(std::string_view word, bool good, std::string_view expected);
  void word_or_number(Written kind, unsigned octets);
  void type();
  void bitmap();
  void time();
  void odd(Written field);
  void hex_groups(std::size_t count, std::size_t least_digits, std::size_t most_digits, char between);
  void text();
  void tag();
  void prefix(std::string_view word);
  void gateway();
  void relay();
  void location();
  std::uint32_t angle(std::string_view directions, std::uint32_t max_degrees);
  std::int64_t centimetres(std::int64_t min, std::int64_t max);
  void prefixes();
  void services();
  void nsap();
  void hip();
  void parameters();

  TextWords& words_;
  const Name& origin_;
  std::vector<std::uint8_t> out_;
  std::string fault_;
};

/// Those of SVCB and HTTPS (RFC 9460 §2.1), behind their target. Appended in the order of the wire, or what is wrong.
std::expected<void, std::string> read_service_parameters(TextWords& words, std::vector<std::uint8_t>& out);

}  // namespace redoubt::dns
