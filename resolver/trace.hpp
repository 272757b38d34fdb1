#pragma once
// A resolution as it happens, for an operator who asked to see it. Nobody listens otherwise, and then it costs a test
// of a pointer; texts are made only for those who listen.
#include <cstdint>
#include <optional>
#include <string>

#include "dns/address.hpp"
#include "dns/question.hpp"
#include "resolver/clock.hpp"
#include "resolver/network.hpp"

namespace redoubt::resolver {

enum class TraceKind : std::uint8_t {
  cache,     ///< what is known here already
  local,     ///< a copy of the zone, or a name that is nobody's
  exchange,  ///< one query to one server
  look_up,   ///< a name server's address is to be found first
  aside,     ///< a server is asked last, if at all, and why
  check,     ///< one step of validation: a signature, a zone's keys, a proof
  end,       ///< the question, or one below it, has come to its end
};

struct TraceEvent {
  TraceKind kind = TraceKind::cache;
  Instant at;
  unsigned depth = 0;      ///< questions inside questions
  dns::Question question;  ///< as it is put, so perhaps shorter than the client's (RFC 9156)
  dns::Name zone;          ///< whose servers are asked; of an exchange
  dns::Name server_name;   ///< the root when it is not known
  std::optional<dns::IpAddress> server;
  UpstreamTransport transport = UpstreamTransport::udp;
  Duration took{};
  std::string verdict;  ///< what came of it, a phrase
};

/// Servers of one cut that are named as put aside at once; of others only the number is told.
inline constexpr std::size_t most_aside_told = 8;

class Trace {
 public:
  virtual ~Trace() = default;
  virtual void note(TraceEvent event) = 0;
};

}  // namespace redoubt::resolver
