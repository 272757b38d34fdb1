// Entrance: ZoneAssembly, the messages of a zone transfer; and read_records, a whole zone from another process.
// Properties: a zone that is whole holds only its own records and one SOA; what was written is read back equal.
#include "appliance/control/zone_assembly.hpp"

#include <algorithm>
#include <vector>

#include "dns/record_stream.hpp"
#include "fuzz/require.hpp"

using namespace redoubt;
using fuzz::require;

namespace {

constexpr control::ZoneBounds bounds{.octets = 1U << 16U, .records = 2000};

void check_zone(const std::vector<dns::Record>& records, const dns::Name& apex) {
  require(!records.empty() && records.size() <= bounds.records, "as many records as are allowed");
  std::vector<std::uint8_t> stream;
  for (const dns::Record& record : records) {
    require(record.owner.is_at_or_below(apex), "records of the zone alone");
    dns::append_record(stream, record);
  }
  require(std::ranges::count(records, dns::type::soa, &dns::Record::type) == 1, "one SOA");
  const auto read = dns::read_records(stream, bounds.records);
  require(read && *read == records, "what was written is read back equal");
}

/// Messages, each behind two octets that say how long it is.
void assemble(std::span<const std::uint8_t> input, const dns::Name& apex) {
  if (input.size() < 4) return;
  control::ZoneAssembly assembly{apex, static_cast<std::uint16_t>(input[2] << 8 | input[3]), bounds};
  while (input.size() >= 2) {
    const std::size_t octets = std::min(std::size_t{input[0]} << 8U | input[1], input.size() - 2);
    const auto progress = assembly.take(input.subspan(2, octets));
    if (!progress) return;
    if (*progress == control::ZoneAssembly::Progress::whole) return check_zone(std::move(assembly).records(), apex);
    input = input.subspan(2 + octets);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const std::span input{data, size};
  assemble(input, dns::Name{});
  if (const auto records = dns::read_records(input, bounds.records)) {
    std::vector<std::uint8_t> stream;
    for (const dns::Record& record : *records) dns::append_record(stream, record);
    require(std::ranges::equal(stream, input), "what was read is written equal");
  }
  return 0;
}
