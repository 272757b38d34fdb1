#pragma once
// DNS cookies towards clients (RFC 7873, RFC 9018): whoever sends back what only he was told is no forged source, and
// needs no limits that defend others against him.
#include <array>
#include <chrono>
#include <cstdint>
#include <span>

#include "dns/address.hpp"
#include "dns/edns.hpp"
#include "dns/name.hpp"

namespace redoubt::policy {

/// RFC 9018 §4: version, three reserved octets, time, hash.
inline constexpr std::size_t server_cookie_octets = 16;
using ServerCookie = std::array<std::uint8_t, server_cookie_octets>;
using ClientCookie = std::array<std::uint8_t, 8>;

/// Seconds since 1970, modulo 2^32 as the cookie has them (RFC 1982 arithmetic).
using CookieTime = std::uint32_t;

class ServerCookies {
 public:
  /// secret: of all servers that answer at one address together; fresh at each start where there is one.
  explicit ServerCookies(const dns::HashKey& secret) : secret_{secret} {}

  ServerCookie make(const ClientCookie& client, const dns::IpAddress& address, CookieTime now) const;
  /// Whether it is ours, made for that client at that address, no more than an hour ago (RFC 9018 §4.3). In constant
  /// time for all that is 16 octets long.
  bool is_good(const ClientCookie& client, std::span<const std::uint8_t> server, const dns::IpAddress& address,
               CookieTime now) const;
  /// What goes into an answer: a good one in the first half of its time as it is, else a fresh one.
  ServerCookie answer_to(const ClientCookie& client, std::span<const std::uint8_t> server,
                         const dns::IpAddress& address, CookieTime now) const;

 private:
  ServerCookie made_at(const ClientCookie& client, const dns::IpAddress& address, CookieTime time) const;

  dns::HashKey secret_;
};

}  // namespace redoubt::policy
