#include "resolver/upstream/cookies.hpp"

#include <algorithm>
#include <bit>
#include <span>

#include "dns/keyed_hash.hpp"

namespace redoubt::resolver {

namespace {

/// Apart from every other use of the same key.
constexpr std::uint8_t client_part = 'c';
constexpr std::uint8_t table = 't';
constexpr std::uint8_t network = 'n';
/// Octets of an IPv6 address that are one network's: a site has a /48 at the most (RFC 6177 §2).
constexpr std::size_t network_octets = 48 / 8;

using Octets = std::array<std::uint8_t, sizeof(std::uint64_t)>;
static_assert(sizeof(dns::Cookie::client) == sizeof(Octets));

std::uint64_t hashed(const dns::IpAddress& address, std::uint8_t use, const dns::HashKey& key) {
  const auto octets = address.octets();
  std::array<std::uint8_t, 17> input{use};
  std::ranges::copy(octets, input.begin() + 1);
  return dns::keyed_hash(std::span{input}.first(1 + octets.size()), key);
}

}  // namespace

std::size_t Cookies::Hash::operator()(const dns::IpAddress& address) const { return hashed(address, table, key); }

Cookies::Cookies(const dns::HashKey& key, const Guards& guards) : key_{key}, guards_{guards} {
  servers_.reserve(parts);
  for (std::size_t i = 0; i < parts; ++i) servers_.emplace_back(max_servers_in_part, Hash{key});
}

std::size_t Cookies::part_of(const dns::IpAddress& server) const {
  dns::IpAddress home = server;
  if (server.is_v6() && guards_.cookie_parts) {
    std::array<std::uint8_t, 16> octets{};
    std::ranges::copy(server.octets().first(network_octets), octets.begin());
    home = dns::IpAddress::v6(octets);
  }
  return hashed(home, network, key_) % parts;
}

dns::Cookie Cookies::cookie_for(const dns::IpAddress& server) const {
  dns::Cookie cookie;
  cookie.client = std::bit_cast<Octets>(hashed(server, client_part, key_));
  const std::lock_guard guard{lock_};
  if (const ServerPart* part = servers_[part_of(server)].find(server))
    cookie.server.assign(part->octets.begin(), part->octets.begin() + part->length);
  return cookie;
}

bool Cookies::is_expected_of(const dns::IpAddress& server) const {
  const std::lock_guard guard{lock_};
  return servers_[part_of(server)].find(server) != nullptr;
}

void Cookies::learn(const dns::IpAddress& server, const std::vector<std::uint8_t>& server_part) {
  if (server_part.empty() || server_part.size() > most_octets) return;
  const std::lock_guard guard{lock_};
  ServerPart& part = servers_[part_of(server)].touch(server);
  std::ranges::copy(server_part, part.octets.begin());
  part.length = static_cast<std::uint8_t>(server_part.size());
}

void Cookies::forget(const dns::IpAddress& server) {
  const std::lock_guard guard{lock_};
  servers_[part_of(server)].erase(server);
}

std::size_t Cookies::size() const {
  const std::lock_guard guard{lock_};
  std::size_t all = 0;
  for (const Part& part : servers_) all += part.size();
  return all;
}

}  // namespace redoubt::resolver
