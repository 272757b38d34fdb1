#include "dns/record_stream.hpp"

#include "dns/rdata.hpp"
#include "dns/reader.hpp"

namespace redoubt::dns {

namespace {

constexpr std::size_t fixed_octets = 2 + 2 + 4 + 2;  // type, class, TTL, length of RDATA

void append_number(std::vector<std::uint8_t>& stream, std::uint32_t value, unsigned octets) {
  while (octets-- != 0) stream.push_back(static_cast<std::uint8_t>(value >> (8 * octets)));
}

}  // namespace

void append_record(std::vector<std::uint8_t>& stream, const Record& record) {
  const auto owner = record.owner.wire();
  stream.insert(stream.end(), owner.begin(), owner.end());
  append_number(stream, record.type.value, 2);
  append_number(stream, record.rr_class.value, 2);
  append_number(stream, record.ttl.seconds(), 4);
  append_number(stream, static_cast<std::uint32_t>(record.rdata.size()), 2);
  stream.insert(stream.end(), record.rdata.begin(), record.rdata.end());
}

std::expected<std::vector<Record>, StreamError> read_records(std::span<const std::uint8_t> stream,
                                                             std::size_t max_records) {
  std::vector<Record> records;
  std::size_t at = 0;
  while (at != stream.size()) {
    if (records.size() == max_records) return std::unexpected{StreamError{Fault::too_large, at}};
    // A reader sees no more than a message; owner and fixed fields fit into that many times over.
    NameWork work{max_name_octets};
    WireReader reader{stream.subspan(at), work};
    Record record;
    record.owner = reader.uncompressed_name();
    record.type = RrType{reader.u16()};
    record.rr_class = RrClass{reader.u16()};
    record.ttl = Ttl::from_wire(reader.u32());
    const std::size_t octets = reader.u16();
    if (const auto error = reader.error()) return std::unexpected{StreamError{error->fault, at + error->offset}};
    at += record.owner.wire().size() + fixed_octets;
    if (stream.size() - at < octets) return std::unexpected{StreamError{Fault::short_read, at}};
    const auto rdata = stream.subspan(at, octets);
    if (!is_valid_rdata(record.type, record.rr_class, rdata)) return std::unexpected{StreamError{Fault::bad_rdata, at}};
    record.rdata.assign(rdata.begin(), rdata.end());
    records.push_back(std::move(record));
    at += octets;
  }
  return records;
}

}  // namespace redoubt::dns
