#include "resolver/upstream/cookies.hpp"

#include <sodium.h>

#include <algorithm>
#include <cstring>

namespace redoubt::resolver {

namespace {

/// Apart from every other use of the same key.
constexpr std::uint8_t client_part = 'c';
constexpr std::uint8_t table = 't';

std::array<std::uint8_t, crypto_shorthash_BYTES> hashed(const dns::IpAddress& address, std::uint8_t use,
                                                        const dns::HashKey& key) {
  static_assert(crypto_shorthash_BYTES == sizeof(dns::Cookie::client));
  const auto octets = address.octets();
  std::array<std::uint8_t, 17> input{use};
  std::ranges::copy(octets, input.begin() + 1);
  std::array<std::uint8_t, crypto_shorthash_BYTES> out;
  crypto_shorthash(out.data(), input.data(), 1 + octets.size(), key.data());
  return out;
}

}  // namespace

std::size_t Cookies::Hash::operator()(const dns::IpAddress& address) const {
  const auto octets = hashed(address, table, key);
  std::size_t value = 0;
  std::memcpy(&value, octets.data(), sizeof value);
  return value;
}

dns::Cookie Cookies::cookie_for(const dns::IpAddress& server) const {
  dns::Cookie cookie;
  cookie.client = hashed(server, client_part, key_);
  const std::lock_guard guard{lock_};
  if (const ServerPart* part = servers_.find(server))
    cookie.server.assign(part->octets.begin(), part->octets.begin() + part->length);
  return cookie;
}

bool Cookies::is_expected_of(const dns::IpAddress& server) const {
  const std::lock_guard guard{lock_};
  return servers_.find(server) != nullptr;
}

void Cookies::learn(const dns::IpAddress& server, const std::vector<std::uint8_t>& server_part) {
  if (server_part.empty() || server_part.size() > most_octets) return;
  const std::lock_guard guard{lock_};
  ServerPart& part = servers_.touch(server);
  std::ranges::copy(server_part, part.octets.begin());
  part.length = static_cast<std::uint8_t>(server_part.size());
}

void Cookies::forget(const dns::IpAddress& server) {
  const std::lock_guard guard{lock_};
  servers_.erase(server);
}

std::size_t Cookies::size() const {
  const std::lock_guard guard{lock_};
  return servers_.size();
}

}  // namespace redoubt::resolver
