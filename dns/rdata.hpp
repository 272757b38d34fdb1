#pragma once
// RDATA between its three forms: as it arrived, uncompressed, canonical. All of them walk the type's row in rr_types.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "dns/name.hpp"
#include "dns/reader.hpp"
#include "dns/rr_types.hpp"

namespace redoubt::dns {

/// RDATA of `window` (a WireReader::window over exactly the RDATA), uncompressed and checked: every field is there,
/// nothing is left over, no name is compressed where its type forbids that. Types without a row pass as they are (RFC
/// 3597). Classes other than IN are opaque too where the format depends on the class (A, AAAA and the like). out is
/// appended to. On a fault the window holds it and out is unspecified.
void read_rdata(RrType type, RrClass rr_class, WireReader& window, std::vector<std::uint8_t>& out);

/// Whether octets are valid uncompressed RDATA of that type.
bool is_valid_rdata(RrType type, RrClass rr_class, std::span<const std::uint8_t> rdata);

/// The fields of valid uncompressed RDATA, one after the other. Opaque types are one Field::rest.
class RdataFields {
 public:
  RdataFields(RrType type, std::span<const std::uint8_t> rdata);
  /// False when there are no more.
  bool next();
  Field field() const { return field_; }
  std::size_t offset() const { return offset_; }
  std::size_t octets() const { return octets_; }

 private:
  const RrTypeInfo* row_;
  std::span<const std::uint8_t> rdata_;
  std::size_t index_ = 0;
  std::size_t offset_ = 0;
  std::size_t octets_ = 0;
  Field field_ = Field::none;
};

/// Canonical form (RFC 4034 §6.2, RFC 6840 §5.1): names of the row's lower-cased kinds in lower case. Same length.
void canonicalise(RrType type, std::span<std::uint8_t> rdata);

/// The name at the front of NS, CNAME, DNAME, PTR; behind the preference of MX; behind three numbers of SRV. Nothing
/// for other types.
std::optional<Name> target_name(RrType type, std::span<const std::uint8_t> rdata);

/// RFC 1035 §3.3.13.
struct Soa {
  Name primary;
  Name mailbox;
  std::uint32_t serial;
  std::uint32_t refresh;
  std::uint32_t retry;
  std::uint32_t expire;
  std::uint32_t minimum;
};
Parsed<Soa> parse_soa(std::span<const std::uint8_t> rdata);

}  // namespace redoubt::dns
