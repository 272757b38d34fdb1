#include "dns/rr_types.hpp"

#include <algorithm>
#include <charconv>

namespace redoubt::dns {

namespace {

using enum Field;

constexpr std::array<Field, max_fields> fields(std::initializer_list<Field> list) {
  std::array<Field, max_fields> out{};
  std::size_t at = 0;
  for (const Field field : list) out[at++] = field;
  return out;
}

/// IANA, "Resource Record (RR) TYPEs", by number. Rows with `rest` alone have a format whose checking brings no one
/// anything here, or one that nobody uses any more. None of the names inside those may be compressed, so their octets
/// mean the same wherever they stand; A6 (historic, RFC 6563) would lower-case its name in canonical form, and is not
/// validated.
constexpr std::array table{
    RrTypeInfo{{1}, "A", "RFC 1035 §3.4.1", fields({ipv4})},
    RrTypeInfo{{2}, "NS", "RFC 1035 §3.3.11", fields({name_compressed})},
    RrTypeInfo{{3}, "MD", "RFC 1035 §3.3.4", fields({name_compressed})},
    RrTypeInfo{{4}, "MF", "RFC 1035 §3.3.5", fields({name_compressed})},
    RrTypeInfo{{5}, "CNAME", "RFC 1035 §3.3.1", fields({name_compressed})},
    RrTypeInfo{{6}, "SOA", "RFC 1035 §3.3.13", fields({name_compressed, name_compressed, u32, u32, u32, u32, u32})},
    RrTypeInfo{{7}, "MB", "RFC 1035 §3.3.3", fields({name_compressed})},
    RrTypeInfo{{8}, "MG", "RFC 1035 §3.3.6", fields({name_compressed})},
    RrTypeInfo{{9}, "MR", "RFC 1035 §3.3.8", fields({name_compressed})},
    RrTypeInfo{{10}, "NULL", "RFC 1035 §3.3.10", fields({rest})},
    RrTypeInfo{{11}, "WKS", "RFC 1035 §3.4.2", fields({ipv4, u8, rest})},
    RrTypeInfo{{12}, "PTR", "RFC 1035 §3.3.12", fields({name_compressed})},
    RrTypeInfo{{13}, "HINFO", "RFC 1035 §3.3.2", fields({string, string})},
    RrTypeInfo{{14}, "MINFO", "RFC 1035 §3.3.7", fields({name_compressed, name_compressed})},
    RrTypeInfo{{15}, "MX", "RFC 1035 §3.3.9", fields({u16, name_compressed})},
    RrTypeInfo{{16}, "TXT", "RFC 1035 §3.3.14", fields({strings})},
    RrTypeInfo{{17}, "RP", "RFC 1183 §2.2", fields({name_lowered, name_lowered})},
    RrTypeInfo{{18}, "AFSDB", "RFC 1183 §1", fields({u16, name_lowered})},
    RrTypeInfo{{19}, "X25", "RFC 1183 §3.1", fields({string})},
    RrTypeInfo{{20}, "ISDN", "RFC 1183 §3.2", fields({strings})},
    RrTypeInfo{{21}, "RT", "RFC 1183 §3.3", fields({u16, name_lowered})},
    RrTypeInfo{{22}, "NSAP", "RFC 1706 §5", fields({rest})},
    RrTypeInfo{{23}, "NSAP-PTR", "RFC 1348", fields({name_plain})},
    RrTypeInfo{{24}, "SIG", "RFC 2535 §4.1", fields({u16, u8, u8, u32, u32, u32, u16, name_lowered, rest})},
    RrTypeInfo{{25}, "KEY", "RFC 2535 §3.1", fields({u16, u8, u8, rest})},
    RrTypeInfo{{26}, "PX", "RFC 2163 §4", fields({u16, name_lowered, name_lowered})},
    RrTypeInfo{{27}, "GPOS", "RFC 1712 §3", fields({string, string, string})},
    RrTypeInfo{{28}, "AAAA", "RFC 3596 §2.2", fields({ipv6})},
    RrTypeInfo{{29}, "LOC", "RFC 1876 §2", fields({u8, u8, u8, u8, u32, u32, u32})},
    RrTypeInfo{{30}, "NXT", "RFC 2535 §5.2", fields({name_lowered, rest})},
    RrTypeInfo{{31}, "EID", "draft-ietf-nimrod-dns", fields({rest})},
    RrTypeInfo{{32}, "NIMLOC", "draft-ietf-nimrod-dns", fields({rest})},
    RrTypeInfo{{33}, "SRV", "RFC 2782", fields({u16, u16, u16, name_lowered})},
    RrTypeInfo{{34}, "ATMA", "ATM Forum AF-SAA-0069", fields({rest})},
    RrTypeInfo{{35}, "NAPTR", "RFC 3403 §4.1", fields({u16, u16, string, string, string, name_lowered})},
    RrTypeInfo{{36}, "KX", "RFC 2230 §3.1", fields({u16, name_lowered})},
    RrTypeInfo{{37}, "CERT", "RFC 4398 §2", fields({u16, u16, u8, rest})},
    RrTypeInfo{{38}, "A6", "RFC 2874 §3.1", fields({rest})},
    RrTypeInfo{{39}, "DNAME", "RFC 6672 §2.1", fields({name_lowered})},
    RrTypeInfo{{40}, "SINK", "draft-eastlake-kitchen-sink", fields({rest})},
    RrTypeInfo{{41}, "OPT", "RFC 6891 §6.1.2", fields({rest})},
    RrTypeInfo{{42}, "APL", "RFC 3123 §4", fields({rest})},
    RrTypeInfo{{43}, "DS", "RFC 4034 §5.1", fields({u16, u8, u8, rest_nonempty})},
    RrTypeInfo{{44}, "SSHFP", "RFC 4255 §3.1", fields({u8, u8, rest})},
    RrTypeInfo{{45}, "IPSECKEY", "RFC 4025 §2.1", fields({u8, u8, u8, rest})},
    RrTypeInfo{{46}, "RRSIG", "RFC 4034 §3.1", fields({u16, u8, u8, u32, u32, u32, u16, name_lowered, rest_nonempty})},
    RrTypeInfo{{47}, "NSEC", "RFC 4034 §4.1", fields({name_plain, type_bitmap})},
    RrTypeInfo{{48}, "DNSKEY", "RFC 4034 §2.1", fields({u16, u8, u8, rest})},
    RrTypeInfo{{49}, "DHCID", "RFC 4701 §3.1", fields({rest})},
    RrTypeInfo{{50}, "NSEC3", "RFC 5155 §3.2", fields({u8, u8, u16, hash8, hash8, type_bitmap})},
    RrTypeInfo{{51}, "NSEC3PARAM", "RFC 5155 §4.2", fields({u8, u8, u16, hash8})},
    RrTypeInfo{{52}, "TLSA", "RFC 6698 §2.1", fields({u8, u8, u8, rest})},
    RrTypeInfo{{53}, "SMIMEA", "RFC 8162 §2", fields({u8, u8, u8, rest})},
    RrTypeInfo{{55}, "HIP", "RFC 8005 §5", fields({rest})},
    RrTypeInfo{{56}, "NINFO", "draft-reid-dnsext-zs", fields({strings})},
    RrTypeInfo{{57}, "RKEY", "draft-reid-dnsext-rkey", fields({u16, u8, u8, rest})},
    RrTypeInfo{{58}, "TALINK", "draft-wijngaards-dnsop-trust-history", fields({name_plain, name_plain})},
    RrTypeInfo{{59}, "CDS", "RFC 7344 §3.1", fields({u16, u8, u8, rest_nonempty})},
    RrTypeInfo{{60}, "CDNSKEY", "RFC 7344 §3.2", fields({u16, u8, u8, rest})},
    RrTypeInfo{{61}, "OPENPGPKEY", "RFC 7929 §2.1", fields({rest})},
    RrTypeInfo{{62}, "CSYNC", "RFC 7477 §2.1.1", fields({u32, u16, type_bitmap})},
    RrTypeInfo{{63}, "ZONEMD", "RFC 8976 §2.2", fields({u32, u8, u8, rest_nonempty})},
    RrTypeInfo{{64}, "SVCB", "RFC 9460 §2.2", fields({u16, name_plain, rest})},
    RrTypeInfo{{65}, "HTTPS", "RFC 9460 §9", fields({u16, name_plain, rest})},
    RrTypeInfo{{66}, "DSYNC", "RFC 9859 §2", fields({u16, u8, u16, name_plain})},
    RrTypeInfo{{67}, "HHIT", "RFC 9886", fields({rest})},
    RrTypeInfo{{68}, "BRID", "RFC 9886", fields({rest})},
    RrTypeInfo{{99}, "SPF", "RFC 7208 §3.1", fields({strings})},
    RrTypeInfo{{100}, "UINFO", "IANA reserved", fields({rest})},
    RrTypeInfo{{101}, "UID", "IANA reserved", fields({rest})},
    RrTypeInfo{{102}, "GID", "IANA reserved", fields({rest})},
    RrTypeInfo{{103}, "UNSPEC", "IANA reserved", fields({rest})},
    RrTypeInfo{{104}, "NID", "RFC 6742 §2.1", fields({u16, u32, u32})},
    RrTypeInfo{{105}, "L32", "RFC 6742 §2.2", fields({u16, u32})},
    RrTypeInfo{{106}, "L64", "RFC 6742 §2.3", fields({u16, u32, u32})},
    RrTypeInfo{{107}, "LP", "RFC 6742 §2.4", fields({u16, name_plain})},
    RrTypeInfo{{108}, "EUI48", "RFC 7043 §3.1", fields({u48})},
    RrTypeInfo{{109}, "EUI64", "RFC 7043 §4.1", fields({u32, u32})},
    RrTypeInfo{{128}, "NXNAME", "RFC 9824 §2", fields({rest})},
    RrTypeInfo{{249}, "TKEY", "RFC 2930 §2", fields({name_plain, u32, u32, u16, u16, prefixed16, prefixed16})},
    RrTypeInfo{{250}, "TSIG", "RFC 8945 §4.2", fields({name_plain, u48, u16, prefixed16, u16, u16, prefixed16})},
    RrTypeInfo{{251}, "IXFR", "RFC 1995", fields({rest})},
    RrTypeInfo{{252}, "AXFR", "RFC 5936", fields({rest})},
    RrTypeInfo{{253}, "MAILB", "RFC 1035 §3.2.3", fields({rest})},
    RrTypeInfo{{254}, "MAILA", "RFC 1035 §3.2.3", fields({rest})},
    RrTypeInfo{{255}, "ANY", "RFC 8482", fields({rest})},
    RrTypeInfo{{256}, "URI", "RFC 7553 §4.5", fields({u16, u16, rest_nonempty})},
    RrTypeInfo{{257}, "CAA", "RFC 8659 §4.1", fields({u8, string, rest})},
    RrTypeInfo{{258}, "AVC", "IANA, Cisco", fields({strings})},
    RrTypeInfo{{259}, "DOA", "draft-durand-doa-over-dns", fields({u32, u32, u8, string, rest})},
    RrTypeInfo{{260}, "AMTRELAY", "RFC 8777 §4.2", fields({u8, u8, rest})},
    RrTypeInfo{{261}, "RESINFO", "RFC 9606 §5", fields({strings})},
    RrTypeInfo{{262}, "WALLET", "IANA, wallet addresses", fields({strings})},
    RrTypeInfo{{263}, "CLA", "IANA, BP convergence layer", fields({strings})},
    RrTypeInfo{{264}, "IPN", "IANA, BP node number", fields({u32, u32})},
    RrTypeInfo{{32768}, "TA", "DNSSEC Lookaside, Weiler 2004", fields({u16, u8, u8, rest_nonempty})},
    RrTypeInfo{{32769}, "DLV", "RFC 4431 §2", fields({u16, u8, u8, rest_nonempty})},
};
static_assert(std::ranges::is_sorted(table, {}, &RrTypeInfo::type));
static_assert(std::ranges::adjacent_find(table, {}, &RrTypeInfo::type) == table.end());

/// Numbers below this are found by one look; the few above by search.
constexpr std::size_t direct_numbers = 265;
constexpr std::array<std::uint8_t, direct_numbers> direct_rows = [] {
  std::array<std::uint8_t, direct_numbers> rows{};
  for (std::size_t i = 0; i < table.size(); ++i) {
    if (table[i].type.value < direct_numbers) rows[table[i].type.value] = static_cast<std::uint8_t>(i + 1);
  }
  return rows;
}();
static_assert(table.size() < 255);

/// Names by a small hash without case, for zone files have one in each line: row + 1, 0 for none; who is not in its own
/// slot is in one of the next.
constexpr std::uint8_t slot_of(std::string_view name) {
  unsigned hash = static_cast<unsigned>(name.size());
  for (const char c : name) hash = hash * 31 + (static_cast<unsigned char>(c) & 0x5fU);
  return static_cast<std::uint8_t>(hash ^ hash >> 8);
}
constexpr auto names_by_slot = [] {
  std::array<std::uint8_t, 256> slots{};
  for (std::size_t row = 0; row < table.size(); ++row) {
    std::uint8_t slot = slot_of(table[row].name);
    while (slots[slot] != 0) ++slot;
    slots[slot] = static_cast<std::uint8_t>(row + 1);
  }
  return slots;
}();

bool equal_ascii(std::string_view left, std::string_view right) {
  return std::ranges::equal(
      left, right, {}, [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; },
      [](char c) { return c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c; });
}

/// "TYPE123" and "CLASS123".
std::optional<std::uint16_t> numbered(std::string_view text, std::string_view word) {
  if (text.size() <= word.size() || !equal_ascii(text.substr(0, word.size()), word)) return std::nullopt;
  const std::string_view digits = text.substr(word.size());
  std::uint16_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

struct Named {
  std::uint16_t value;
  std::string_view name;
};
constexpr std::array classes{Named{1, "IN"}, Named{3, "CH"}, Named{4, "HS"}, Named{254, "NONE"}, Named{255, "ANY"}};
constexpr std::array rcodes{Named{0, "NOERROR"},  Named{1, "FORMERR"}, Named{2, "SERVFAIL"},  Named{3, "NXDOMAIN"},
                            Named{4, "NOTIMP"},   Named{5, "REFUSED"}, Named{6, "YXDOMAIN"},  Named{7, "YXRRSET"},
                            Named{8, "NXRRSET"},  Named{9, "NOTAUTH"}, Named{10, "NOTZONE"},  Named{11, "DSOTYPENI"},
                            Named{16, "BADVERS"}, Named{17, "BADKEY"}, Named{18, "BADTIME"},  Named{19, "BADMODE"},
                            Named{20, "BADNAME"}, Named{21, "BADALG"}, Named{22, "BADTRUNC"}, Named{23, "BADCOOKIE"}};

}  // namespace

std::span<const RrTypeInfo> rr_type_table() { return table; }

const RrTypeInfo* find_rr_type(RrType type) {
  if (type.value < direct_numbers) {
    const std::uint8_t row = direct_rows[type.value];
    return row == 0 ? nullptr : &table[row - 1U];
  }
  const auto at = std::ranges::lower_bound(table, type, {}, &RrTypeInfo::type);
  return at != table.end() && at->type == type ? &*at : nullptr;
}

std::string to_text(RrType type) {
  const RrTypeInfo* row = find_rr_type(type);
  return row != nullptr ? std::string{row->name} : "TYPE" + std::to_string(type.value);
}

std::optional<RrType> rr_type_from_text(std::string_view text) {
  if (text.empty()) return std::nullopt;
  for (std::uint8_t slot = slot_of(text); names_by_slot[slot] != 0; ++slot) {
    const RrTypeInfo& row = table[names_by_slot[slot] - 1U];
    if (equal_ascii(row.name, text)) return row.type;
  }
  if (const auto value = numbered(text, "TYPE")) return RrType{*value};
  return std::nullopt;
}

std::string to_text(RrClass rr_class) {
  const auto at = std::ranges::find(classes, rr_class.value, &Named::value);
  return at != classes.end() ? std::string{at->name} : "CLASS" + std::to_string(rr_class.value);
}

std::optional<RrClass> rr_class_from_text(std::string_view text) {
  const auto at = std::ranges::find_if(classes, [&](const Named& row) { return equal_ascii(row.name, text); });
  if (at != classes.end()) return RrClass{at->value};
  if (const auto value = numbered(text, "CLASS")) return RrClass{*value};
  return std::nullopt;
}

std::string to_text(Rcode rcode) {
  const auto at = std::ranges::find(rcodes, static_cast<std::uint16_t>(rcode), &Named::value);
  return at != rcodes.end() ? std::string{at->name} : "RCODE" + std::to_string(static_cast<std::uint16_t>(rcode));
}

}  // namespace redoubt::dns
