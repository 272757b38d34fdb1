#pragma once
// The little of zone-file text that scenarios need. A fault in it is a fault of the test: it aborts.
#include <string>
#include <string_view>
#include <vector>

#include "dns/message.hpp"
#include "dns/rrset.hpp"

namespace redoubt::sim {

/// Lines of "owner [ttl] TYPE rdata", `;` begins a comment; "@" is the origin, names without final dot are below it.
/// TTL is 3600 unless said. Types: A AAAA NS CNAME DNAME PTR MX SOA TXT, and \# HEX for any other.
std::vector<dns::Record> records_from_text(std::string_view text, const dns::Name& origin = dns::Name{});
dns::Name name_from_text(std::string_view text, const dns::Name& origin = dns::Name{});
dns::RrType type_from_text(std::string_view text);

/// "www.example. A 192.0.2.1": the owner as it came, no TTL; rdata of types that hold a name or an address as text,
/// others in hex.
std::string text_of(const dns::Record& record);
std::vector<std::string> texts_of(const std::vector<dns::Record>& records);

}  // namespace redoubt::sim
