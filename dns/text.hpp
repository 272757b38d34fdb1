#pragma once
// Record text as zone files have it: read here, shown by ldns where what it says reads back the same. Only control and
// the tools link this.
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "dns/message.hpp"
#include "dns/rrset.hpp"

namespace redoubt::dns {

/// line counts from 1; 0 when the text was one record rather than a file.
struct TextError {
  std::size_t line = 0;
  std::string what;
};

/// "example.com. 3600 IN MX 10 mail.example.com." and the like. Relative names are taken under `origin`.
std::expected<Record, TextError> record_from_text(std::string_view text, const Name& origin = Name{},
                                                  Ttl default_ttl = Ttl::from_wire(3600));
/// The whole line, absolute names, no newline. Falls back to RFC 3597's \# form where ldns has no presentation.
std::string record_to_text(const Record& record);
/// RDATA alone.
std::string rdata_to_text(RrType type, RrClass rr_class, std::span<const std::uint8_t> rdata);
/// A master file (RFC 1035 §5): $ORIGIN, $TTL, parentheses, comments. $INCLUDE is refused.
std::expected<std::vector<Record>, TextError> zone_from_text(std::string_view text, const Name& origin,
                                                             std::size_t max_records = 10'000'000);
/// A message in the layout that dig made familiar.
std::string message_to_text(const Message& message);

}  // namespace redoubt::dns
