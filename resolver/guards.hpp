#pragma once
// Switches of single guards, for tests alone: an attack test shows something only if the attack is seen to succeed once
// the guard is off (docs/security.md). All are on as they are made, no configuration reaches them, and
// scripts/check-security sees to it that nothing outside tests ever sets one. Guards that are numbers are limits
// (budget.hpp); tests lift those.
namespace redoubt::resolver {

struct Guards {
  // Poisoning
  bool reply_match = true;        ///< a reply echoes id and question
  bool own_ports = true;          ///< ports of our own drawing, from the whole range
  bool connected_sockets = true;  ///< one server's datagrams alone reach a socket
  bool path_mtu_ignored = true;   ///< ICMP changes nothing of what is sent
  bool datagram_bound = true;     ///< a datagram longer than what was advertised is no reply
  bool mismatch_bound = true;     ///< so many wrong replies end an exchange
  bool bailiwick = true;          ///< records count only at or below the zone that was asked
  bool strict_referrals = true;   ///< a referral is one NS RRset, below the zone asked and above the name
  bool dname_by_tcp = true;       ///< a DNAME counts only by TCP
  bool every_link = true;         ///< each link of a forwarder's chain of aliases is asked for itself
  bool entropy_floor = true;      ///< what is too easily guessed goes by TCP
  bool cookie_parts = true;       ///< one IPv6 site makes us forget the cookies of few other servers
  bool hinted_root = true;        ///< priming brings addresses of servers that the hints name, and of no others
  // Work
  bool shared_flights = true;      ///< equal questions at once are one resolution
  bool failure_memory = true;      ///< failures are remembered
  bool cycle_check = true;         ///< a name server is not looked up for the sake of its own address
  bool tries_bound = true;         ///< packets to one address for one question
  bool truncation_is_last = true;  ///< what is cut short over TCP is not asked for again
  bool plain_server_names = true;  ///< the name of a name server is no alias
  bool minimisation_bound = true;  ///< packets spent on shorter names
  bool ring_check = true;          ///< a chain of aliases that comes back to itself ends there
  // Cache
  bool short_failures = true;         ///< failures are remembered for seconds
  bool cut_within_parent = true;      ///< a delegation ends with the one above it at the latest
  bool entry_bound = true;            ///< octets of one entry
  bool entries_of_name_bound = true;  ///< entries of one name
  bool spares_visited = true;         ///< what is asked for again outlives what was asked for once
  bool withdrawn_is_gone = true;      ///< expired records are not given out once a name above was denied
  // Clients
  bool recursion_asked = true;  ///< what is cached is told only to those who ask for recursion
  bool minimal_any = true;      ///< ANY is answered with one small record (RFC 8482)
  bool client_ports = true;     ///< nothing is answered to ports of services that answer whatever comes
  bool steady_answers = true;   ///< answers to a network that waits for many leave at a steady pace, or not at all
  bool fresh_quarter = true;    ///< a quarter of a zone's rate is for those who have spent nothing of it of late
};

}  // namespace redoubt::resolver
