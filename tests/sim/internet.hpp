#pragma once
// A Network with nothing behind it but zones and servers that behave as told. Everything happens on one thread, in
// virtual time, and depends on nothing but the seed. The rules for which reply counts are the real ones
// (reply_match.hpp).
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "resolver/network.hpp"
#include "tests/sim/authority.hpp"
#include "tests/sim/virtual_clock.hpp"

namespace redoubt::sim {

using resolver::UpstreamTransport;

/// What a server heard.
struct Heard {
  Instant when;
  dns::Endpoint server;
  UpstreamTransport transport;
  dns::Message query;
  std::vector<std::uint8_t> wire;
};

/// A datagram on its way to the resolver's socket.
struct Delivery {
  Duration after;  ///< since the query was sent
  std::vector<std::uint8_t> octets;
  bool from_elsewhere = false;  ///< another address or port than the query went to: a connected socket never sees it
};

struct Reaction {
  std::vector<Delivery> deliveries;
  /// Instead of silence, when nothing of use is delivered.
  std::optional<resolver::NetworkFault> fault;
};

/// Changes what a server does with a query. reaction holds what the server would do without; behaviours are applied in
/// the order they were given.
using Behaviour = std::function<void(const Heard& heard, Reaction& reaction)>;

class Server {
 public:
  Server& serves(std::shared_ptr<const Zone> zone);
  Server& behaves(Behaviour behaviour);
  /// Time to and fro; 20 ms unless said.
  Server& round_trip(Duration time);
  Reaction react(const Heard& heard) const;

 private:
  std::vector<std::shared_ptr<const Zone>> zones_;
  std::vector<Behaviour> behaviours_;
  Duration round_trip_ = std::chrono::milliseconds{20};
};

class Internet final : public resolver::Network {
 public:
  explicit Internet(VirtualClock& clock) : clock_{&clock} {}

  /// Creates the server on first mention. Addresses without a server are black holes.
  Server& server(std::string_view address);
  Task<std::expected<resolver::Reply, resolver::NetworkFault>> exchange(resolver::Exchange exchange) override;

  /// A network that takes any datagram for the reply, if it only has the question's name in any case: for tests that
  /// show what matching keeps out.
  void match_replies(bool match) { match_replies_ = match; }

  /// All that any server heard, and what black holes swallowed.
  const std::vector<Heard>& heard() const { return heard_; }
  std::size_t packets() const { return heard_.size(); }
  std::size_t packets_to(std::string_view address) const;
  std::size_t packets_about(std::string_view name) const;
  /// One line for each query, for the report of a test that fails.
  std::string trace() const;
  void forget_trace() { heard_.clear(); }

 private:
  VirtualClock* clock_;
  std::map<dns::IpAddress, Server> servers_;
  std::vector<Heard> heard_;
  bool match_replies_ = true;
};

}  // namespace redoubt::sim
