#pragma once
// The UDP half of Network: one fresh connected socket an exchange, on a port and from an address of our own drawing.
#include <array>
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <expected>
#include <vector>

#include "dns/address.hpp"
#include "dns/edns.hpp"
#include "resolver/guards.hpp"
#include "resolver/network.hpp"

namespace redoubt::resolver {

/// Wrong replies that one exchange waits past before it is given up for TCP. Far more than a server's stammer, far
/// fewer than a guesser needs: 64 tries against 32 unknown bits (attacks: threshold oracle, TuDoor).
inline constexpr std::uint32_t max_mismatched_replies = 64;

struct OutgoingSettings {
  std::vector<dns::IpAddress> addresses;  ///< drawn from, by family; none of a family: the kernel chooses
  std::uint16_t first_port = 1024;
  std::uint16_t last_port = 65535;
  std::uint32_t max_open = 2048;  ///< exchanges of one worker under way at once; more find no_resources
  Guards guards;
};

struct UpstreamCounts {
  std::uint64_t queries = 0;
  std::uint64_t timeouts = 0;
  std::uint64_t mismatched = 0;
};

class UpstreamDatagrams {
 public:
  /// Everything happens on the executor's thread. random outlives it.
  UpstreamDatagrams(boost::asio::any_io_executor executor, Random& random)
      : executor_{std::move(executor)}, random_{&random} {}

  void use(OutgoingSettings settings) { settings_ = std::move(settings); }
  Task<std::expected<Reply, NetworkFault>> exchange(Exchange exchange);
  const UpstreamCounts& counts() const { return counts_; }

 private:
  std::expected<int, NetworkFault> open(const dns::Endpoint& server);

  boost::asio::any_io_executor executor_;
  Random* random_;
  OutgoingSettings settings_;
  UpstreamCounts counts_;
  std::uint32_t open_ = 0;
  std::array<std::uint8_t, dns::default_udp_payload> buffer_;  // never holds anything across a suspension
};

}  // namespace redoubt::resolver
