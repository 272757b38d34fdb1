#pragma once
// Record types, classes, opcodes and response codes by number and by name. The types are a table, one row each, that
// reading, printing, compression and canonical form share; a type without a row keeps its octets (RFC 3597).
#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace redoubt::dns {

struct RrType {
  std::uint16_t value = 0;
  constexpr auto operator<=>(const RrType&) const = default;
};
struct RrClass {
  std::uint16_t value = 1;
  constexpr auto operator<=>(const RrClass&) const = default;
};

namespace type {
inline constexpr RrType a{1}, ns{2}, cname{5}, soa{6}, ptr{12}, hinfo{13}, mx{15}, txt{16}, sig{24}, key{25}, aaaa{28},
    srv{33}, naptr{35}, dname{39}, opt{41}, ds{43}, rrsig{46}, nsec{47}, dnskey{48}, nsec3{50}, nsec3param{51},
    tlsa{52}, cds{59}, cdnskey{60}, zonemd{63}, svcb{64}, https{65}, nxname{128}, tkey{249}, tsig{250}, ixfr{251},
    axfr{252}, mailb{253}, maila{254}, any{255}, caa{257};
}
namespace rr_class {
inline constexpr RrClass in{1}, ch{3}, hs{4}, none{254}, any{255};
}

/// One field of RDATA, in wire order. The last field of a row may be one that takes what is left.
enum class Field : std::uint8_t {
  none,  ///< ends a row
  u8,
  u16,
  u32,
  u48,  ///< TSIG's time
  ipv4,
  ipv6,
  name_compressed,  ///< may arrive compressed and may be sent so (the types of RFC 1035); lower-cased in canonical form
  name_lowered,  ///< may arrive compressed from old servers, never sent so (RFC 3597 §4); lower-cased in canonical form
  name_plain,    ///< never compressed, never lower-cased (RFC 6840 §5.1: NSEC's next name; SVCB's target)
  string,        ///< one length octet and that many octets
  strings,       ///< one or more of those, to the end
  prefixed16,    ///< two length octets and that many octets (TSIG)
  hash8,         ///< one length octet and that many octets (NSEC3 salt and next hashed owner)
  type_bitmap,   ///< RFC 4034 §4.1.2, checked, to the end
  rest,          ///< whatever is left, may be empty
  rest_nonempty,
};

inline constexpr std::size_t max_fields = 10;

struct RrTypeInfo {
  RrType type;
  std::string_view name;
  std::string_view reference;  ///< the RFC section of its RDATA format
  std::array<Field, max_fields> fields;
};

/// Every type that IANA lists by name, ordered by number.
std::span<const RrTypeInfo> rr_type_table();
/// The row, or null for a type that has none.
const RrTypeInfo* find_rr_type(RrType type);

/// "MX", or "TYPE65280" (RFC 3597 §5).
std::string to_text(RrType type);
std::optional<RrType> rr_type_from_text(std::string_view text);
/// "IN", "CH", or "CLASS42".
std::string to_text(RrClass rr_class);
std::optional<RrClass> rr_class_from_text(std::string_view text);

/// Types that only questions or transactions carry, never a zone (RFC 6895 §3.1): 128-255, and OPT.
constexpr bool is_meta(RrType type) { return type == type::opt || (type.value >= 128 && type.value <= 255); }

enum class Opcode : std::uint8_t { query = 0, iquery = 1, status = 2, notify = 4, update = 5, stateful = 6 };

/// With the extended codes of EDNS, so twelve bits (RFC 6895 §2.3).
enum class Rcode : std::uint16_t {
  noerror = 0,
  formerr = 1,
  servfail = 2,
  nxdomain = 3,
  notimp = 4,
  refused = 5,
  yxdomain = 6,
  yxrrset = 7,
  nxrrset = 8,
  notauth = 9,
  notzone = 10,
  dsotypeni = 11,
  badvers = 16,
  badkey = 17,
  badtime = 18,
  badmode = 19,
  badname = 20,
  badalg = 21,
  badtrunc = 22,
  badcookie = 23,
};
/// "NXDOMAIN", or "RCODE3841".
std::string to_text(Rcode rcode);

}  // namespace redoubt::dns
