#pragma once
// What the reply of a configured upstream means. Pure.
#include "dns/message.hpp"
#include "resolver/forward/route.hpp"
#include "resolver/iterate/classify.hpp"

namespace redoubt::resolver {

/// As classify(), with the route's zone as the zone that was asked: nothing outside of it is looked at (attacks:
/// MaginotDNS). A forwarder's word holds without AA. Of its chain of aliases only the first link is taken, so that each
/// name is asked for itself, by its own route (attacks: fragments of a long chain). It has no referrals to give: such a
/// reply is lame, for it does not resolve for us.
Classified read_from_upstream(dns::Message reply, const dns::Question& question, const Route& route,
                              const Settings& settings, const dns::HashKey& key);

}  // namespace redoubt::resolver
