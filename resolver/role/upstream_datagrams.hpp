#pragma once
// The UDP half of Network: a connected socket for each exchange, on a port and from an address of our own drawing.
#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <cstdint>
#include <expected>
#include <memory>
#include <vector>

#include "dns/address.hpp"
#include "dns/edns.hpp"
#include "resolver/network.hpp"
#include "resolver/role/deadline_wheel.hpp"
#include "resolver/role/machine_clock.hpp"
#include "resolver/role/upstream_sockets.hpp"
#include "resolver/role/worker_counters.hpp"

namespace redoubt::resolver {

/// Wrong replies that one exchange waits past before it is given up for TCP. Far more than a server's stammer, far
/// fewer than a guesser needs: 64 tries against 32 unknown bits (attacks: threshold oracle, TuDoor).
inline constexpr std::uint32_t max_mismatched_replies = 64;

struct UpstreamCounts {
  std::uint64_t queries = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t mismatched = 0;
};

/// Its sockets are watched together, in an epoll set of their own that the loop sees as one descriptor: for an exchange
/// the loop itself is asked nothing. Who waits is resumed from there, one after the other.
class UpstreamDatagrams {
 public:
  /// Everything happens on the executor's thread. random and held outlive it, and so do the counters of that thread,
  /// where what came of each exchange is counted.
  UpstreamDatagrams(const boost::asio::any_io_executor& executor, Random& random, HeldPorts& held,
                    WorkerCounters& counters);
  ~UpstreamDatagrams() { close(); }
  UpstreamDatagrams(const UpstreamDatagrams&) = delete;
  UpstreamDatagrams& operator=(const UpstreamDatagrams&) = delete;

  void use(OutgoingSettings settings) { sockets_.use(std::move(settings)); }
  Task<std::expected<Reply, NetworkFault>> exchange(Exchange exchange);
  const UpstreamCounts& counts() const { return counts_; }
  const UpstreamSockets::Counts& sockets() const { return sockets_.counts(); }
  /// Waits again where that failed for want of memory.
  void look_again();
  /// Drops all who wait, once the thread has ended.
  void close();

 private:
  using Result = std::expected<Reply, NetworkFault>;
  struct Waiting;
  class Seat;
  struct Place {
    Waiting* waiting = nullptr;
    std::uint32_t generation = 0;  ///< what is said of an earlier one does not count
  };

  std::uint64_t sit_down(Waiting& waiting);
  void get_up(std::uint64_t ticket);
  /// Null when it is over.
  Waiting* find(std::uint64_t ticket) const;
  void watch();
  /// Unless the timer goes by `latest` as it is.
  void watch_deadlines(Instant latest);
  void serve_ready();
  void pass_deadlines();
  void read(Waiting& waiting);
  void ask_again_from_fresh(Waiting& waiting);
  /// Its query is out, and its deadline noted. False: its result says why not.
  bool begin(Waiting& waiting);
  static void finish(Waiting& waiting, Result result);
  void count(const Result& result);

  WorkerCounters* counters_;
  std::uint64_t sockets_made_ = 0;  // as it has been counted
  UpstreamCounts counts_;
  std::uint32_t open_ = 0;
  boost::asio::posix::stream_descriptor ready_;  // the epoll set
  UpstreamSockets sockets_;
  bool is_watching_ = false;
  std::vector<Place> places_;
  std::vector<std::uint32_t> free_places_;
  DeadlineWheel deadlines_;
  MachineTimer timer_;
  std::optional<Instant> timer_goes_at_;
  std::array<std::uint8_t, dns::default_udp_payload> buffer_;  // never holds anything across a suspension
};

}  // namespace redoubt::resolver
