#include "resolver/forward/reading.hpp"

#include "dns/rdata.hpp"
#include "resolver/settings.hpp"

namespace redoubt::resolver {

namespace {

/// One CNAME, or a DNAME with the CNAME that it makes.
void keep_first_link(Classified& found) {
  const std::size_t links = found.chain.front().type == dns::type::dname ? 2 : 1;
  found.data.reset();
  found.soa.reset();
  found.chain.resize(std::min(found.chain.size(), links), found.chain.front());
  found.kind = ReplyKind::alias;
  const dns::RRset& last = found.chain.back();
  if (const auto target = dns::target_name(last.type, last.rdata.at(0))) found.end = *target;
}

}  // namespace

Classified read_from_upstream(dns::Message reply, const dns::Question& question, const Route& route,
                              const Settings& settings, const dns::HashKey& key) {
  if (route.kind == RouteKind::forward) reply.header.authoritative = true;
  Classified found = std::move(*classify(reply, question, route.zone, settings, key));
  if (route.kind == RouteKind::stub) return found;
  if (found.kind == ReplyKind::referral) found.kind = ReplyKind::lame;
  const bool of_use = found.kind != ReplyKind::lame && found.kind != ReplyKind::too_large;
  // What is said of the very name that was asked for stays: a DNAME that makes it too long, or the alias asked for.
  const bool at_once = found.chain.size() == 1 && (found.kind == ReplyKind::too_long || found.end == question.name);
  if (settings.guards.every_link && of_use && !found.chain.empty() && !at_once) keep_first_link(found);
  return found;
}

}  // namespace redoubt::resolver
