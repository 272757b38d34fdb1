#pragma once
// What somebody who is not on the way has to guess before a datagram of his counts as the reply.
#include "dns/question.hpp"
#include "resolver/settings.hpp"

namespace redoubt::resolver {

/// Whole bits of one query by UDP, rounded: id (16), port and source address, one for each letter of the name where its
/// case is drawn, 64 for the client's cookie where the server is known to send it back (RFC 7873 §5.3).
unsigned unknown_bits(const dns::Name& asked, const dns::IpAddress& server, const Settings& settings,
                      bool cookie_is_required);

/// Whether the query has to go by TCP, where nobody can answer who does not see it.
bool is_below_floor(unsigned bits, const Settings& settings);

/// With as many bits as a random id and nearly all ports have, a query still goes by UDP where its server takes no TCP:
/// no name is lost for having few letters.
inline constexpr unsigned enough_without_tcp = 30;

/// The logarithm of what ports and addresses of ours a query is drawn from. addresses: of the family; 0: the kernel's
/// choice, one.
double source_bits(unsigned ports, unsigned addresses);

}  // namespace redoubt::resolver
