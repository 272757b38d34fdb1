#include "resolver/upstream/entropy.hpp"

#include <algorithm>
#include <cmath>

namespace redoubt::resolver {

namespace {

constexpr double id_bits = 16;
constexpr double cookie_bits = 64;

unsigned letters_of(const dns::Name& name) {
  // Length octets are below 'A': letters cannot be taken for them.
  return static_cast<unsigned>(std::ranges::count_if(name.wire(), [](std::uint8_t octet) {
    const auto lower = static_cast<std::uint8_t>(octet | 0x20U);
    return lower >= 'a' && lower <= 'z' && octet >= 'A';
  }));
}

}  // namespace

unsigned unknown_bits(const dns::Name& asked, const dns::IpAddress& server, const Settings& settings,
                      bool cookie_is_required) {
  double bits = id_bits + settings.source_bits.towards(server);
  if (settings.case_randomisation) bits += letters_of(asked);
  if (cookie_is_required) bits += cookie_bits;
  return static_cast<unsigned>(std::lround(bits));
}

bool is_below_floor(unsigned bits, const Settings& settings) {
  return settings.guards.entropy_floor && bits < settings.limits[Limit::entropy_floor];
}

double source_bits(unsigned ports, unsigned addresses) {
  return std::log2(static_cast<double>(std::max(ports, 1U)) * std::max(addresses, 1U));
}

}  // namespace redoubt::resolver
