#pragma once
// A whole message, held by value. For client queries on the fast path parse_query is enough.
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <vector>

#include "dns/edns.hpp"
#include "dns/header.hpp"
#include "dns/question.hpp"
#include "dns/rrset.hpp"
#include "dns/wire_error.hpp"

namespace redoubt::dns {

inline constexpr std::size_t max_message_octets = 65535;

struct Message {
  Header header;  ///< its counts are those that were read; to_wire() counts for itself
  std::optional<Question> question;
  std::vector<Record> answer;
  std::vector<Record> authority;
  std::vector<Record> additional;  ///< without OPT
  std::optional<Edns> edns;

  /// Both parts joined (RFC 6891 §6.1.3).
  Rcode rcode() const;
  void set_rcode(Rcode rcode);

  /// Strict: at most one question (none is fine in a response, e.g. with a cookie), counts that the body can hold, OPT
  /// at most once, at the root and in the additional section, TSIG and SIG(0) last, every RDATA of a known type valid,
  /// nothing left over. Allocates in proportion to the octets that are there, never to the counts that are claimed.
  static Parsed<Message> parse(std::span<const std::uint8_t> wire);

  /// At most `limit` octets. When not all fits, whole RRsets are left out from the end: additional ones silently,
  /// others with TC set (RFC 2181 §9). Question and OPT always stay.
  std::vector<std::uint8_t> to_wire(std::size_t limit = max_message_octets) const;

  bool operator==(const Message&) const = default;
};

/// What a server needs of a client's query; nothing of it lives in the message any more.
struct Query {
  Header header;
  Question question;
  std::optional<Edns> edns;
};

/// What to do with octets that are no query we answer. Silence for whatever may be an answer (loops) or is shorter than
/// a header.
enum class QueryFault : std::uint8_t { ignore, formerr, notimp, badvers };
struct QueryError {
  QueryFault fault;
  Header header;  ///< what could be read, for the answer's id and flags
};

/// Strict (RFC 9619: QDCOUNT is 1). ignore: QR set or under 12 octets. notimp: opcode other than QUERY, judged before
/// the body is looked at. badvers: EDNS version above 0. formerr: the rest, also records in answer or authority.
std::expected<Query, QueryError> parse_query(std::span<const std::uint8_t> wire);

}  // namespace redoubt::dns
