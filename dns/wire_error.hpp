#pragma once
// What can be wrong with octets from the network, and where.
#include <cstdint>
#include <expected>
#include <string_view>

namespace redoubt::dns {

enum class Fault : std::uint8_t {
  short_read,             ///< fewer octets than the field needs
  bad_label_type,         ///< label type 0b01 or 0b10 (RFC 1035 §4.1.4, RFC 6891 §5)
  pointer_not_backwards,  ///< a compression pointer to itself or forward
  name_too_long,          ///< over 255 octets (RFC 1035 §2.3.4)
  work_exceeded,          ///< more label visits than the message's size allows
  left_over,              ///< octets after the last field
  bad_count,              ///< a section count that the body cannot hold, or QDCOUNT other than 1 (RFC 9619)
  bad_rdata,              ///< RDATA that its type forbids
  bad_option,             ///< a malformed or too long list of EDNS options
  duplicate_opt,          ///< a second OPT (RFC 6891 §6.1.1)
  misplaced_record,       ///< OPT outside the additional section or not at the root, TSIG not last
  compressed_name,        ///< a pointer where RFC 3597 §4 forbids one
  too_large,              ///< over a limit of ours on records or octets
};

/// offset counts octets from the start of the message.
struct WireError {
  Fault fault;
  std::uint16_t offset;
  bool operator==(const WireError&) const = default;
};

/// A phrase for logs, e.g. "pointer does not point backwards".
std::string_view describe(Fault fault);

template <class T>
using Parsed = std::expected<T, WireError>;

}  // namespace redoubt::dns
