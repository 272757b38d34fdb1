#pragma once
// The twelve octets at the front of each message (RFC 1035 §4.1.1, RFC 4035 §3.2 for AD and CD).
#include <cstdint>

#include "dns/rr_types.hpp"

namespace redoubt::dns {

inline constexpr std::size_t header_octets = 12;

class WireReader;

struct Header {
  std::uint16_t id = 0;
  bool response = false;             ///< QR
  Opcode opcode = Opcode::query;     ///< any four-bit value may be in here
  bool authoritative = false;        ///< AA
  bool truncated = false;            ///< TC
  bool recursion_desired = false;    ///< RD
  bool recursion_available = false;  ///< RA
  bool reserved = false;             ///< Z
  bool authentic = false;            ///< AD
  bool checking_disabled = false;    ///< CD
  std::uint8_t rcode_low = 0;        ///< the low four bits; Message::rcode joins them with EDNS's eight

  std::uint16_t questions = 0;
  std::uint16_t answers = 0;
  std::uint16_t authorities = 0;
  std::uint16_t additionals = 0;

  /// Octets 2 and 3 as they stand in the message.
  std::uint16_t flags_to_wire() const;
  void flags_from_wire(std::uint16_t flags);
  bool operator==(const Header&) const = default;
};

/// The first twelve octets; a fault stays with the reader.
Header read_header(WireReader& reader);

}  // namespace redoubt::dns
