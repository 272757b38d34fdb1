#pragma once
// Messages of our own to servers, and how their replies are read.
#include <expected>
#include <optional>
#include <vector>

#include "dns/message.hpp"
#include "resolver/guards.hpp"
#include "resolver/network.hpp"

namespace redoubt::resolver {

struct OutgoingQuery {
  std::vector<std::uint8_t> wire;
  dns::Name name;  ///< as the client asked; what is on the wire may differ in case
};

/// How a query is put. cookie and padded need edns. padded: to a multiple of 128 octets, so that its size tells nothing
/// of the name to those who see it encrypted (RFC 8467 §4.1).
struct QueryStyle {
  bool edns = true;
  bool padded = false;
  bool dnssec = false;       ///< with signatures and proofs (DO, RFC 3225); needs edns
  bool random_case = false;  ///< draft-vixie-dnsext-dns0x20
  std::optional<dns::Cookie> cookie{};
  std::vector<std::uint16_t> key_tags{};  ///< of the trusted keys of the zone that is asked for its own (RFC 8145 §4)
};

/// A fresh random id. RD is clear: we ask authorities.
OutgoingQuery make_query(const dns::Question& question, const QueryStyle& style, Random& random);

/// Puts the question's own case back over the random one before parsing: every name that the server compressed against
/// its question comes out as the client wrote it. Whether the reply matches the query is checked once more: stream
/// replies come from another process, which may have been taken over.
std::expected<dns::Message, NetworkFault> read_reply(const OutgoingQuery& query, std::vector<std::uint8_t> reply,
                                                     const Guards& guards = {});

}  // namespace redoubt::resolver
