#pragma once
// The keys under which session tickets are sealed (RFC 5077 §4): they live in this process alone, a new one comes every
// hour, and none opens tickets for longer than a ticket may live. Pure: times come in.
#include <array>
#include <chrono>
#include <cstdint>
#include <deque>
#include <span>

#include "transport/net/loop.hpp"

namespace redoubt::transport {

/// For AES-256-CBC and HMAC-SHA256, as OpenSSL's ticket callback has them.
struct TicketKey {
  std::array<std::uint8_t, 16> name;
  std::array<std::uint8_t, 32> cipher;
  std::array<std::uint8_t, 32> mac;
  Clock::time_point made;
};

inline constexpr std::chrono::hours ticket_key_time{1};
/// A ticket lives for so long; its key as long behind the last one that it sealed.
inline constexpr std::chrono::hours ticket_time{4};

class TicketKeys {
 public:
  TicketKeys() = default;
  ~TicketKeys();
  TicketKeys(const TicketKeys&) = delete;
  TicketKeys& operator=(const TicketKeys&) = delete;

  /// The one to seal with; null when there is no randomness.
  const TicketKey* current(Clock::time_point now);
  /// The one of that name that may still open tickets; null when there is none.
  const TicketKey* find(std::span<const std::uint8_t, 16> name, Clock::time_point now);
  std::size_t size() const { return keys_.size(); }

 private:
  void drop_old(Clock::time_point now);
  std::deque<TicketKey> keys_;  ///< the newest in front
};

}  // namespace redoubt::transport
