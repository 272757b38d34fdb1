#pragma once
// The plain form of common records, read and written fast: what a type is made of stands in one table.
#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>

#include "dns/rr_types.hpp"

namespace redoubt::dns {

/// How a field of a common type is written; the octets are as in rr_types.
enum class Plain : std::uint8_t {
  end,
  u8,
  u16,
  u32,
  ipv4,
  ipv6,
  name,
  strings,
  type,
  time,
  hex,
  salt,
  base32,
  base64,
  bitmap,
  scheme,  ///< DSYNC's, by name or number (RFC 9859 §2.3)
};

inline constexpr RrType dsync_type{66};
inline constexpr std::uint8_t notify_scheme = 1;

struct PlainRow {
  RrType type;
  std::array<Plain, 10> fields;
};

/// Null for types that are not common.
const PlainRow* find_plain_row(RrType type);

}  // namespace redoubt::dns
