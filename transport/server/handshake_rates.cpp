#include "transport/server/handshake_rates.hpp"

#include "transport/server/client_table.hpp"

namespace redoubt::transport {

namespace {

constexpr std::chrono::seconds window{1};

}  // namespace

bool HandshakeRates::admit(const dns::IpAddress& client, const Limits& limits, Clock::time_point now) {
  if (now - window_began_ >= window) {
    window_began_ = now;
    begun_ = 0;
    of_clients_.clear();
  }
  if (begun_ >= limits[Limit::handshakes_per_second]) return false;
  const auto [entry, fresh] = of_clients_.try_emplace(client_of(client), 0);
  if (entry->second >= limits[Limit::handshakes_per_client]) return false;
  ++entry->second;
  ++begun_;
  return true;
}

}  // namespace redoubt::transport
