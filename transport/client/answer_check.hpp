#pragma once
// Whether a message is the answer to a query: the check stands where the octets come in, so that nothing else gets
// further.
#include <cstdint>
#include <span>

namespace redoubt::transport {

/// A query that can be sent: whole header, QR clear, exactly one question, with its name uncompressed.
bool is_query(std::span<const std::uint8_t> message);
/// For a `query` that is one: id and opcode are its, QR is set, and the question, the only one, is echoed octet for
/// octet, letter case included (RFC 5452 §9.1, RFC 9619).
bool answers(std::span<const std::uint8_t> query, std::span<const std::uint8_t> message);

}  // namespace redoubt::transport
