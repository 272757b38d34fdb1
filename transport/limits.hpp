#pragma once
// What streams may cost, in one table: each row answers an attack. Configuration, manual and this folder share it.
#include <array>
#include <chrono>
#include <cstdint>
#include <span>
#include <string_view>

#include "dns/limit_row.hpp"

namespace redoubt::transport {

enum class Limit : std::uint8_t {
  connections,
  connections_per_client,
  queries_in_flight,
  queries_per_connection,
  idle_time,
  idle_time_busy,
  message_time,
  write_time,
  queued_octets,
  answer_time,
  waiting_octets,
  queued_octets_total,
  handshakes_per_second,
  handshakes_per_client,
  signatures_waiting,
  http_streams,
  http_header_octets,
  http_body_octets,
  http_idle_frames,
  http_wasted,
  upstream_connections,
  upstream_connections_per_server,
  upstream_connects_per_second,
  upstream_exchanges,
  upstream_exchanges_per_connection,
  upstream_idle_time,
  upstream_stall_time,
  upstream_time,
  count
};

/// In the order of Limit. Times are milliseconds.
std::span<const dns::LimitRow> limit_rows();

/// The limits in force.
class Limits {
 public:
  /// The table's initial values.
  Limits();
  std::uint64_t operator[](Limit limit) const { return values_[static_cast<std::size_t>(limit)]; }
  std::chrono::milliseconds time(Limit limit) const { return std::chrono::milliseconds{(*this)[limit]}; }
  /// False when the name is none of this table or the value is out of its row's range.
  bool set(std::string_view name, std::uint64_t value);
  /// Without a look at the row's range: for values that are known to be right, and for tests that are in a hurry.
  Limits& with(Limit limit, std::uint64_t value);

 private:
  std::array<std::uint64_t, static_cast<std::size_t>(Limit::count)> values_{};
};

/// Above this share of Limit::connections, in percent, idle connections get idle_time_busy alone.
inline constexpr std::uint64_t busy_percent = 80;
/// Clients are told apart by this much of their address: what one site or one attacker usually holds.
inline constexpr std::uint8_t client_prefix_v4 = 32;
inline constexpr std::uint8_t client_prefix_v6 = 56;

}  // namespace redoubt::transport
