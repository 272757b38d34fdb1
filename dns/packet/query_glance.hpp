#pragma once
// A look at a client's query that costs no more than reading it once: enough for the packet cache. Whatever is not of
// the plain kind that nearly all queries are is left to parse_query.
#include <array>
#include <cstdint>
#include <span>

#include "dns/edns.hpp"
#include "dns/name.hpp"
#include "dns/rr_types.hpp"

namespace redoubt::dns {

struct QueryGlance {
  /// In lower case, name_octets of it; behind it two octets of the type and one with a bit each for DO and CD.
  std::array<std::uint8_t, max_name_octets + 3> name;
  std::uint8_t name_octets = 0;  ///< root label included
  RrType type;
  bool edns = false;
  bool dnssec_ok = false;
  bool checking_disabled = false;
  bool authentic = false;  ///< AD: the asker wants to hear whether the answer is secure (RFC 6840 §5.7)
  bool padded = false;     ///< had padding (RFC 7830); with it an answer that leaves encrypted has some too
  std::uint16_t udp_payload = minimum_udp_payload;  ///< never less than 512
  std::span<const std::uint8_t> cookie;             ///< within the query: client's part, then the server's; empty: none

  std::span<const std::uint8_t> lower_name() const { return std::span{name}.first(name_octets); }
  /// All that decides which answer it is, beside the class.
  std::span<const std::uint8_t> key() const { return std::span{name}.first(name_octets + 3U); }
};

/// False when the query is not plain; nothing is said then of what stands in `glance`. Plain is: one question of class
/// IN for a type of data, recursion desired, of the other flags at most AD and CD; no EDNS, or version 0 without
/// options but a cookie and padding and without flags but for DO; nothing behind it. parse_query accepts every plain
/// query and reads the same from it.
bool look_at(std::span<const std::uint8_t> query, QueryGlance& glance);

}  // namespace redoubt::dns
