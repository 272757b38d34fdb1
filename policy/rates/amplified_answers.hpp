#pragma once
// Answers that are much larger than their questions, by UDP to whoever has not shown that the address is his own: so
// many a second to one network, and no more (attacks: reflection). Others are never counted.
#include <array>
#include <cstdint>
#include <memory>

#include "dns/address.hpp"
#include "dns/name.hpp"

namespace redoubt::policy {

/// Longer than so many times the question: worth something to an attacker.
inline constexpr std::size_t harmless_amplification = 3;

/// Of one thread. Fixed memory, no allocation. When more networks are answered in one second than it has places, those
/// with the fewest answers are forgotten: whoever is a victim has many.
class AmplifiedAnswers {
 public:
  explicit AmplifiedAnswers(const dns::HashKey& key);

  /// Counts one answer to the /24 or /56 of that address. False: it is past `most` of this second.
  bool may_leave(const dns::IpAddress& client, std::uint64_t second, std::uint32_t most);

 private:
  struct Network {
    std::uint32_t tag = 0;
    std::uint32_t second = 0;
    std::uint32_t answers = 0;
  };
  static constexpr std::size_t ways = 4;
  static constexpr std::size_t sets = 4096;
  using Set = std::array<Network, ways>;

  dns::HashKey key_;
  std::unique_ptr<std::array<Set, sets>> networks_;
};

}  // namespace redoubt::policy
