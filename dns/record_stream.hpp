#pragma once
// Records one behind the other in uncompressed wire form (RFC 1035 §3.2.1): how a whole zone lies in a file or goes
// from one process to another.
#include <cstdint>
#include <expected>
#include <span>
#include <vector>

#include "dns/rrset.hpp"
#include "dns/wire_error.hpp"

namespace redoubt::dns {

/// record.rdata is at most 65,535 octets.
void append_record(std::vector<std::uint8_t>& stream, const Record& record);

/// Why a stream is none. offset counts from its start; a zone is larger than any message.
struct StreamError {
  Fault fault;
  std::size_t offset;
  bool operator==(const StreamError&) const = default;
};

/// Strict: every RDATA valid for its type, nothing left over. too_large: more than max_records.
std::expected<std::vector<Record>, StreamError> read_records(std::span<const std::uint8_t> stream,
                                                             std::size_t max_records);

}  // namespace redoubt::dns
