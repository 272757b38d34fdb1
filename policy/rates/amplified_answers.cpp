#include "policy/rates/amplified_answers.hpp"

#include <algorithm>

#include "dns/keyed_hash.hpp"

namespace redoubt::policy {

namespace {

constexpr std::uint8_t network_bits_v4 = 24;
constexpr std::uint8_t network_bits_v6 = 56;

std::uint64_t hash_of(const dns::IpAddress& client, const dns::HashKey& key) {
  const dns::IpAddress address = client.unmapped();
  const dns::Prefix network = dns::Prefix::around(address, address.is_v6() ? network_bits_v6 : network_bits_v4);
  return dns::keyed_hash(network.address().octets(), key);
}

}  // namespace

AmplifiedAnswers::AmplifiedAnswers(const dns::HashKey& key)
    : key_{key}, networks_{std::make_unique<std::array<Set, sets>>()} {}

bool AmplifiedAnswers::may_leave(const dns::IpAddress& client, std::uint64_t second, std::uint32_t most) {
  const std::uint64_t hash = hash_of(client, key_);
  const auto tag = static_cast<std::uint32_t>(hash >> 32);
  const auto now = static_cast<std::uint32_t>(second);
  Set& set = (*networks_)[hash % sets];
  auto network = std::ranges::find(set, tag, &Network::tag);
  if (network == set.end()) {
    network =
        std::ranges::min_element(set, {}, [now](const Network& one) { return one.second == now ? one.answers : 0; });
    *network = {.tag = tag, .second = now};
  }
  if (network->second != now) *network = {.tag = tag, .second = now};
  if (network->answers >= most) return false;
  ++network->answers;
  return true;
}

}  // namespace redoubt::policy
