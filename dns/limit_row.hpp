#pragma once
// One row of a table of limits: what configuration, budget and manual share.
#include <cstdint>
#include <string_view>

namespace redoubt::dns {

struct LimitRow {
  std::string_view name;  ///< as under `limits:` of the configuration
  std::uint64_t initial;
  std::uint64_t least;
  std::uint64_t most;
  std::string_view help;  ///< the unit, and what it defends against
};

}  // namespace redoubt::dns
