#pragma once
// A whole Internet as a plan: who serves what, who fails and who lies, what changes when, and what clients ask. Made
// from a seed (generate.cpp), held as plain values, so that a failing one can be cut down.
#include <cstdint>
#include <string>
#include <vector>

#include "dns/address.hpp"
#include "dns/question.hpp"
#include "dns/rrset.hpp"
#include "resolver/settings.hpp"

namespace redoubt::worlds {

/// What is wrong with a server.
enum class Fault : std::uint8_t {
  none,
  slow,           ///< slower than the first time-out
  lossy,          ///< loses `percent` of what comes by UDP
  silent,         ///< says nothing at all
  silent_by_udp,  ///< TCP alone
  unreachable,
  refuses,           ///< REFUSED to everything
  fails,             ///< SERVFAIL to everything
  lame,              ///< knows none of the zones that are delegated to it
  no_edns,           ///< FORMERR to EDNS
  truncates,         ///< by UDP
  always_truncates,  ///< by TCP too
  loses_case,
  garbage,
  spoofed,  ///< honest, but a spoofer who knows all but the id is faster
  liar,     ///< says true things about its zones, and more about those of others
};
std::string_view to_text(Fault fault);

/// One name server: a name, its addresses, one behaviour.
struct Host {
  dns::Name name;
  std::vector<dns::IpAddress> addresses;
  Fault fault = Fault::none;
  std::uint32_t round_trip_ms = 20;
  std::uint32_t percent = 0;  ///< of loss
  std::uint32_t lie = 0;      ///< which of the lies (build.cpp)
};

/// What one zone says. Delegations of others and their glue stand in it as in a zone file.
struct ZonePlan {
  dns::Name apex;
  std::vector<dns::Record> records;
  std::vector<std::size_t> hosts;  ///< who serves it, as the delegation has it
  bool withdrawn = false;          ///< no longer delegated; its hosts still serve it
};

/// What is true from one moment on. The first zone is the root.
struct State {
  std::vector<ZonePlan> zones;
};

/// A cut that changed from one state to the next, and for how long what the parent said before may be held.
struct MovedCut {
  dns::Name apex;
  std::uint32_t ttl;
};

/// One change of the world; it turns state k into state k + 1.
struct Change {
  std::size_t before_question;
  std::vector<MovedCut> moved;
};

/// What old servers go on serving after a zone has moved away from them.
struct Ghost {
  std::size_t host;
  std::size_t state;  ///< the last in which it was theirs
  std::size_t zone;
};

struct Asked {
  std::chrono::milliseconds pause{};     ///< before it
  std::vector<dns::Question> questions;  ///< at the same instant
};

struct Plan {
  std::uint64_t seed = 0;
  std::vector<Host> hosts;
  std::vector<State> states;    ///< at least one
  std::vector<Change> changes;  ///< one less
  std::vector<Ghost> ghosts;
  std::vector<Asked> asked;
  resolver::Settings settings;
  std::uint64_t cache_octets = 1U << 20;

  /// For whoever reads a failing world.
  std::string describe() const;
};

/// The same seed makes the same plan, on every machine.
Plan generate(std::uint64_t seed);

}  // namespace redoubt::worlds
