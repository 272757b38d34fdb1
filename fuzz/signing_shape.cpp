// Entrance: what keykeeper is asked to sign. Property: whatever is taken can be read as an RRset of that key's zone, of
// a type that is data, to its end.
#include "dnssec/keys/signing_shape.hpp"

#include "dns/reader.hpp"
#include "dns/rrset.hpp"
#include "fuzz/require.hpp"

using namespace redoubt;
using namespace redoubt::dnssec;
using fuzz::require;

namespace {

constexpr std::int64_t now = 1'795'000'000;

/// What follows the RRSIG's fields, as owner and RDATA.
void check_set(OctetView octets, const dns::Name& zone) {
  dns::NameWork work{octets.size()};
  dns::WireReader from{octets, work};
  static_cast<void>(from.octets(18));
  static_cast<void>(from.uncompressed_name());
  const std::size_t prefix = from.at();
  dns::Name owner;
  dns::RrType type{};
  dns::RdataList rdata;
  while (from.ok() && from.left() != 0) {
    owner = from.uncompressed_name();
    type = dns::RrType{from.u16()};
    static_cast<void>(from.u16());
    static_cast<void>(from.u32());
    rdata.add(from.octets(from.u16()));
  }
  require(from.ok(), "what is taken can be read");
  require(owner.is_at_or_below(zone) && rdata.begin() != rdata.end(), "it is a set of the zone");
  require(type != dns::type::rrsig && !dns::is_meta(type), "of a type that is data");
  require(prefix < octets.size(), "behind the RRSIG's fields");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const dns::Name zone = dns::Name::literal("zone.example.");
  const OctetView octets{data, size};
  if (read_signing_input(octets, {zone, Algorithm::ecdsa_p256_sha256, 4711}, now)) check_set(octets, zone);
  return 0;
}
