#pragma once
// How many TLS handshakes may begin in a second, in all and for each client: a handshake costs us a thousand times what
// it costs somebody who only pretends. Pure: times come in.
#include <cstdint>
#include <map>

#include "dns/address.hpp"
#include "transport/limits.hpp"
#include "transport/net/loop.hpp"

namespace redoubt::transport {

class HandshakeRates {
 public:
  /// False when that client, or all together, have begun as many in this second as they may. It counts if true.
  bool admit(const dns::IpAddress& client, const Limits& limits, Clock::time_point now);

 private:
  Clock::time_point window_began_;
  std::uint64_t begun_ = 0;
  /// Of this second: no more entries than handshakes that were admitted.
  std::map<dns::IpAddress, std::uint64_t> of_clients_;
};

}  // namespace redoubt::transport
