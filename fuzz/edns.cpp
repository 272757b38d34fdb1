// Entrance: parse_edns. Properties: what parses can be written as a record and reads back equal; writing again gives
// the same octets; at most 32 options come out of any input.
#include "dns/edns.hpp"

#include "fuzz/require.hpp"

using namespace redoubt::dns;
using redoubt::fuzz::require;

namespace {

/// The record that edns_to_wire wrote.
Parsed<Edns> read_record(std::span<const std::uint8_t> wire) {
  NameWork work{wire.size()};
  WireReader reader{wire, work};
  require(reader.u8() == 0 && reader.u16() == type::opt.value, "an OPT record at the root");
  const std::uint16_t payload = reader.u16();
  const std::uint32_t ttl_field = reader.u32();
  const WireReader rdata = reader.window(reader.u16());
  require(reader.ok() && reader.left() == 0, "the record's length is right");
  return parse_edns(payload, ttl_field, rdata);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  NameWork work{size};
  WireReader reader{{data, size}, work};
  const std::uint16_t payload = reader.u16();
  const std::uint32_t ttl_field = reader.u32();
  const auto first = parse_edns(payload, ttl_field, reader);
  if (!first) return 0;
  require(first->extended_errors.size() + first->unknown.size() <= max_options, "options are bounded");
  const auto wire = edns_to_wire(*first);
  const auto second = read_record(wire);
  require(second && *second == *first, "what was written reads back equal");
  require(edns_to_wire(*second) == wire, "writing is stable");
  return 0;
}
