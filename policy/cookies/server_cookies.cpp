#include "policy/cookies/server_cookies.hpp"

#include <sodium.h>

#include <algorithm>
#include <bit>

#include "dns/keyed_hash.hpp"

namespace redoubt::policy {

namespace {

constexpr std::size_t time_at = 4;
constexpr std::size_t hash_at = 8;
constexpr std::int32_t most_age = 3600;
constexpr std::int32_t most_ahead = 300;
constexpr std::int32_t renewed_after = 1800;

CookieTime time_of(std::span<const std::uint8_t> cookie) {
  CookieTime time = 0;
  for (std::size_t i = time_at; i < hash_at; ++i) time = time << 8 | cookie[i];
  return time;
}

std::int32_t age_of(std::span<const std::uint8_t> cookie, CookieTime now) {
  return static_cast<std::int32_t>(now - time_of(cookie));  // RFC 1982
}

}  // namespace

ServerCookie ServerCookies::made_at(const ClientCookie& client, const dns::IpAddress& address, CookieTime time) const {
  ServerCookie cookie{1, 0, 0, 0};
  for (std::size_t i = 0; i < 4; ++i) cookie[time_at + i] = static_cast<std::uint8_t>(time >> (24 - 8 * i));
  // RFC 9018 §4.4: client cookie, version, reserved, time, client address.
  std::array<std::uint8_t, 8 + hash_at + 16> hashed;
  auto* end = std::ranges::copy(client, hashed.data()).out;
  end = std::ranges::copy_n(cookie.begin(), hash_at, end).out;
  const dns::IpAddress asker = address.unmapped();
  end = std::ranges::copy(asker.octets(), end).out;
  using Octets = std::array<std::uint8_t, sizeof(std::uint64_t)>;
  const std::span filled{hashed.data(), static_cast<std::size_t>(end - hashed.data())};
  std::ranges::copy(std::bit_cast<Octets>(dns::keyed_hash(filled, secret_)), cookie.begin() + hash_at);
  return cookie;
}

ServerCookie ServerCookies::make(const ClientCookie& client, const dns::IpAddress& address, CookieTime now) const {
  return made_at(client, address, now);
}

bool ServerCookies::is_good(const ClientCookie& client, std::span<const std::uint8_t> server,
                            const dns::IpAddress& address, CookieTime now) const {
  if (server.size() != server_cookie_octets) return false;
  const std::int32_t age = age_of(server, now);
  if (age > most_age || age < -most_ahead) return false;
  const ServerCookie ours = made_at(client, address, time_of(server));
  return sodium_memcmp(ours.data(), server.data(), ours.size()) == 0;
}

ServerCookie ServerCookies::answer_to(const ClientCookie& client, std::span<const std::uint8_t> server,
                                      const dns::IpAddress& address, CookieTime now) const {
  const bool keeps = is_good(client, server, address, now) && age_of(server, now) <= renewed_after;
  return made_at(client, address, keeps ? time_of(server) : now);
}

}  // namespace redoubt::policy
