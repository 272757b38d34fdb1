#pragma once
// One line of a master file, for those who read whole files: what it means in its surroundings.
#include <expected>
#include <optional>
#include <string>
#include <string_view>

#include "dns/rrset.hpp"

namespace redoubt::dns {

/// What a line of a master file means depends on.
struct Surroundings {
  Name origin;
  Ttl ttl;  ///< of records that say none
  std::optional<Name> previous_owner;
  bool ttl_is_default = false;  ///< $TTL said it (RFC 2308 §4); else it is the last record's (RFC 1035 §5.1)
};

/// A TTL that no text can say: of records that said none where none was said before.
inline constexpr Ttl ttl_unsaid = Ttl::from_wire(0xffffffff);

/// An owner: `@` is the origin, and a name without final dot is taken under it.
std::expected<Name, std::string> read_owner(std::string_view text, const Name& origin);
/// A line of MasterFileLines that is no directive.
std::expected<Record, std::string> read_line(std::string_view text, const Surroundings& around);
/// Takes a record's owner and TTL over for those that follow. One whose TTL is ttl_unsaid gets its own: an SOA its
/// minimum, which is then the default as if $TTL had said it (BIND has it so), and another record what `otherwise`
/// says.
void follow_record(Record& record, Surroundings& around, Ttl otherwise);
/// Whether a word is that directive, in any case.
bool is_directive(std::string_view word, std::string_view directive);
/// $ORIGIN and $TTL change what later lines mean; the other directives are refused. What is wrong, if something is.
std::optional<std::string> follow_directive(std::string_view text, Surroundings& around);

/// A line in the plain form that programs write (owner, TTL, class, type and RDATA of a common type, nothing
/// unusual), read many times faster. Nothing for any other line, faulty ones among them: read_line()
/// then says what it is.
std::optional<Record> read_plain_line(std::string_view text, const Surroundings& around);
/// Types that some name servers in use do not know by name, new ones and old ones (BIND 9.18, Knot 3.2 and ldns 1.8
/// were asked): whoever writes zone files for them says TYPE66.
bool is_rarely_known(RrType type);
/// RDATA of a common type as read_plain_line() reads it.
/// False, and nothing appended, for types that are not common, and for RDATA that has no text: rdata_to_text() knows
/// them.
bool append_plain_rdata(std::string& out, RrType type, std::span<const std::uint8_t> rdata);

}  // namespace redoubt::dns
