#pragma once
// Fields of RDATA from the words that stand for them. Each appends to `out`; false where the word is none, and then
// what was appended is not to be used.
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "dns/rr_types.hpp"

namespace redoubt::dns {

void put(std::vector<std::uint8_t>& out, std::uint64_t value, unsigned octets);
/// Decimal digits, ten at most.
bool is_number(std::string_view word);
bool read_number(std::vector<std::uint8_t>& out, std::string_view word, unsigned octets);
bool read_address(std::vector<std::uint8_t>& out, std::string_view word, int family, std::size_t octets);
/// YYYYMMDDHHmmSS from 1970 to 2106, when 32 bits end (RFC 4034 §3.2).
bool read_time(std::vector<std::uint8_t>& out, std::string_view word);
/// Blanks count for nothing in this one and in read_base64().
bool read_hex(std::vector<std::uint8_t>& out, std::string_view text);
bool read_base64(std::vector<std::uint8_t>& out, std::string_view text);
bool read_salt(std::vector<std::uint8_t>& out, std::string_view word);
/// Behind their number, as NSEC3 has them (RFC 5155 §3.3): no padding, and nothing left over.
bool read_base32(std::vector<std::uint8_t>& out, std::string_view word);
/// RFC 4034 §4.1.2. The types are put in order.
void append_type_bitmap(std::vector<std::uint8_t>& out, std::span<RrType> types);

}  // namespace redoubt::dns
