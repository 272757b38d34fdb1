#include "resolver/budget.hpp"

#include <algorithm>

namespace redoubt::resolver {

namespace {

constexpr std::array<dns::LimitRow, static_cast<std::size_t>(Limit::count)> rows{{
    {"upstream-queries", 60, 10, 1000,
     "packets to servers for one question, all causes together (NXNSAttack, NRDelegation, CAMP, resend loops)"},
    {"nameserver-lookups", 5, 1, 20,
     "name servers without address that are looked up for one delegation (NXNSAttack, TsuNAME)"},
    {"nameservers-kept", 13, 1, 40, "name servers kept of one delegation (large NS sets)"},
    {"addresses-kept", 6, 1, 20, "addresses kept of one name server (self-pointed glue, large address sets)"},
    {"alias-steps", 10, 1, 30, "CNAME and DNAME steps of one question (DNS Unchained, alias rings)"},
    {"nested-depth", 7, 1, 16, "questions inside questions (iDNS: endless generated delegations)"},
    {"nested-questions", 32, 1, 1000,
     "questions that one question needs answered itself, at all depths together (NRDelegation, cyclic delegations)"},
    {"upstream-octets", 100'000, 20'000, 10'000'000,
     "octets taken from servers for one question (inbound amplification)"},
    {"records-per-rrset", 100, 20, 2000, "records of one RRset; more make the answer unusable (huge RRsets)"},
    {"question-time", 4500, 1000, 30'000,
     "milliseconds until the last answer, SERVFAIL included: below the 5 s that stub resolvers wait (tarpits)"},
    {"waiting-queries", 10'000, 10, 1'000'000,
     "client queries that may wait for a resolution at once, all workers together (phantom domains)"},
    {"waiting-queries-per-client", 1000, 1, 1'000'000,
     "of those, from one IPv4 address or one IPv6 /56 (one source that asks for what never comes, DNSBomb)"},
    {"resolutions", 4000, 10, 100'000,
     "different questions in resolution at once, all workers together (random names)"},
    {"prefetches", 100, 1, 10'000,
     "of those, for popular records that end soon and that no client waits for yet (many short TTLs)"},
    {"resolutions-per-client", 200, 1, 100'000,
     "of those, begun for one IPv4 address or one IPv6 /56 (phantom domains, random names from one source)"},
    {"resolutions-per-zone", 400, 1, 100'000,
     "of those, at work at the servers of one zone (slow or dead zones, water torture)"},
    {"exchanges-per-server", 1000, 1, 100'000,
     "exchanges under way with one server address, all workers together (slow servers of many zones)"},
    {"denials-per-zone", 200, 1, 1'000'000,
     "questions a second to the servers of one zone that were of no use: names that do not exist, no answers; one "
     "client may cause half of them, and those that caused any in the last second three quarters; the root and "
     "top-level zones have no such limit (water torture). Raise it where block lists are asked by DNS"},
    {"upstream-queue", 2000, 1, 100'000,
     "packets that may wait until max-rate lets them go to one upstream; more are answered SERVFAIL (floods through a "
     "forward zone)"},
    {"amplified-answers", 1000, 1, 1'000'000,
     "answers a second by UDP, more than three times as long as their questions, to one IPv4 /24 or IPv6 /56 from "
     "which no cookie of ours comes; others are told to come by TCP or with a cookie (reflection). Each worker counts "
     "its "
     "share. 5 suits a resolver that is open to the Internet"},
    {"signature-checks", 24, 8, 1000, "signatures verified for one question, those of keys and DS included (KeyTrap)"},
    {"failed-signature-checks", 4, 1, 100,
     "of those, that may come to nothing, keys that are none included (SigJam, malformed keys)"},
    {"nsec3-blocks", 400, 50, 100'000,
     "blocks that SHA-1 works through for one question's proofs by NSEC3 (NSEC3 encloser attack)"},
    {"signatures-per-rrset", 4, 1, 50, "signatures looked at of one RRset (SigJam)"},
    {"keys-per-tag", 2, 1, 20, "keys tried for one signature, where a zone has several of one tag (LockCram)"},
    {"ds-per-zone", 8, 1, 50, "DS records looked at of one zone (HashTrap)"},
    {"denial-records", 8, 4, 50, "NSEC or NSEC3 records looked at in one answer (padded denial)"},
    {"nsec3-iterations", 50, 0, 150,
     "iterations of NSEC3; a zone with more counts as unsigned where its proofs are concerned (RFC 9276)"},
    {"entropy-floor", 32, 0, 64,
     "bits of a query by UDP that whoever is not on the way has to guess: port, source address, id, case of letters, "
     "the server's cookie. With fewer it goes by TCP: few ports, short names (forged replies)"},
}};

}  // namespace

std::span<const dns::LimitRow> limit_rows() { return rows; }

std::string_view name_of(Limit limit) { return rows[static_cast<std::size_t>(limit)].name; }

Limits::Limits() {
  for (std::size_t i = 0; i < rows.size(); ++i) values_[i] = rows[i].initial;
}

bool Limits::set(std::string_view name, std::uint64_t value) {
  const auto row = std::ranges::find(rows, name, &dns::LimitRow::name);
  if (row == rows.end() || value < row->least || value > row->most) return false;
  values_[static_cast<std::size_t>(row - rows.begin())] = value;
  return true;
}

bool Budget::spend(Limit limit, std::uint64_t amount) {
  std::uint64_t& spent = spent_[static_cast<std::size_t>(limit)];
  if (amount > limits_[limit] - std::min(spent, limits_[limit])) {
    exhaust(limit);
    return false;
  }
  spent += amount;
  return true;
}

}  // namespace redoubt::resolver
