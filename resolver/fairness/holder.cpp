#include "resolver/fairness/holder.hpp"

#include <algorithm>
#include <array>
#include <bit>

#include "dns/keyed_hash.hpp"

namespace redoubt::resolver {

dns::IpAddress network_of(const dns::IpAddress& client) {
  const dns::IpAddress meant = client.unmapped();
  if (!meant.is_v6()) return meant;
  constexpr std::size_t site_octets = 56 / 8;
  std::array<std::uint8_t, 16> octets{};
  std::ranges::copy(meant.octets().first(site_octets), octets.begin());
  return dns::IpAddress::v6(octets);
}

Holder holder_of(const dns::IpAddress& address, const dns::HashKey& key) {
  return Holder{dns::keyed_hash(address.octets(), key)};
}

Holder holder_of(const dns::IpAddress& address, AddressProof proof, const dns::HashKey& key) {
  const Holder holder = holder_of(address, key);
  return proof == AddressProof::none ? holder : together(holder, Holder{1});
}

Holder holder_of(const dns::Name& name, const dns::HashKey& key) { return Holder{name.hash(key)}; }

Holder together(Holder one, Holder other) {
  return Holder{std::rotl(static_cast<std::uint64_t>(one), 17) ^ static_cast<std::uint64_t>(other)};
}

}  // namespace redoubt::resolver
