#include "resolver/role/waiting_room.hpp"

#include <algorithm>
#include <array>

namespace redoubt::resolver {

dns::IpAddress WaitingRoom::network_of(const dns::IpAddress& client) {
  const dns::IpAddress meant = client.unmapped();
  if (!meant.is_v6()) return meant;
  constexpr std::size_t site_octets = 56 / 8;
  std::array<std::uint8_t, 16> octets{};
  std::ranges::copy(meant.octets().first(site_octets), octets.begin());
  return dns::IpAddress::v6(octets);
}

}  // namespace redoubt::resolver
