#pragma once
// Which authorities speak TLS although nobody has said so (RFC 9539, unilateral probing): found out beside answers in
// the clear, remembered by address, believed until the first exchange that fails. It keeps questions from those who
// only listen; of who answers it says nothing.
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "dns/address.hpp"
#include "dns/keyed_hash.hpp"
#include "dns/question.hpp"
#include "resolver/clock.hpp"
#include "resolver/upstream/recent_table.hpp"

namespace redoubt::resolver {

/// Shared by workers. What strangers can make more of, addresses of servers, is bounded in number, in attempts at a
/// time and in attempts for each address.
class Encryption {
 public:
  static constexpr std::size_t most_servers = 10'000;  ///< those not asked for longest are forgotten
  static constexpr std::size_t most_waiting = 16;
  static constexpr std::size_t most_probes = 16;  ///< under way at once
  /// Of either, in one network (an IPv4 /24, an IPv6 /48): whoever has many addresses there, all of them mute, leaves
  /// places to the others.
  static constexpr std::size_t most_of_network = 2;
  // RFC 9539 §4.2
  static constexpr std::chrono::hours persistence{72};  ///< how long a success counts
  static constexpr std::chrono::hours damping{24};      ///< until a server that failed is tried again
  static constexpr std::chrono::seconds patience{4};

  /// key: secret, for the hashes of addresses that others choose.
  explicit Encryption(const dns::HashKey& key) : servers_{most_servers, Hash{key}} {}

  /// Whether its questions go by TLS.
  bool speaks(const dns::IpAddress& server, Instant now) const;
  /// It has answered this question in the clear: time to find out, if nobody has lately.
  void answered_in_clear(const dns::IpAddress& server, const dns::Question& question, Instant now);

  struct Probe {
    dns::IpAddress server;
    dns::Question question;
  };
  /// The next attempt to be made. Each one taken ends by ended().
  std::optional<Probe> take();
  void ended(const dns::IpAddress& server);

  /// What operators are shown.
  struct Counts {
    std::size_t speaking;   ///< servers whose questions go by TLS
    std::size_t under_way;  ///< attempts
  };
  /// Looks at all servers: for whoever asks now and then.
  Counts counts(Instant now) const;

  void succeeded(const dns::IpAddress& server, Instant now);
  void failed(const dns::IpAddress& server, Instant now);

 private:
  struct Hash {
    dns::HashKey key;
    std::size_t operator()(const dns::IpAddress& address) const { return dns::keyed_hash(address.octets(), key); }
  };
  struct Known {
    Instant good_until{Instant::min()};
    Instant not_before{Instant::min()};  ///< of the next attempt
  };

  mutable std::mutex lock_;
  RecentTable<dns::IpAddress, Known, Hash> servers_;
  std::deque<Probe> waiting_;
  std::vector<dns::Prefix> under_way_;  // the networks, each as often as it is tried
};

}  // namespace redoubt::resolver
