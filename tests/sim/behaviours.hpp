#pragma once
// How servers go wrong, and how others interfere.
#include <functional>

#include "resolver/network.hpp"
#include "tests/sim/internet.hpp"

namespace redoubt::sim {

/// Hears everything, says nothing.
Behaviour silent();
/// Nothing by UDP, honest over TCP; and the other way round.
Behaviour silent_by_udp();
/// Each datagram is lost with this chance in a hundred. random outlives the behaviour.
Behaviour lossy(resolver::Random& random, std::uint32_t percent);
Behaviour unreachable();
/// Header, question and this code, nothing more.
Behaviour says(dns::Rcode rcode);
/// FORMERR to every query with EDNS.
Behaviour knows_no_edns();
/// TC and no records, by UDP; by TCP too when `always`.
Behaviour truncates(bool always = false);
/// Answers with names in lower case, whatever the case of the question was.
Behaviour loses_case();
/// Octets behind a well-formed header and question that are no message.
Behaviour talks_garbage();
/// Changes the honest message before it is sent.
Behaviour edits(std::function<void(const Heard& heard, dns::Message& message)> edit);
/// The same for questions of one name only.
Behaviour edits_for(std::string_view name, std::function<void(dns::Message& message)> edit);
/// Something else arrives after `after`, before or beside the honest reply. make gets the honest octets.
Behaviour beside(Duration after,
                 std::function<std::vector<std::uint8_t>(const Heard& heard, std::vector<std::uint8_t> honest)> make,
                 bool from_elsewhere = false);

}  // namespace redoubt::sim
