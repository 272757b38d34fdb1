#pragma once
// The limits of all roles, for the checker and the manual.
#include <vector>

#include "dns/limit_row.hpp"

namespace redoubt::config {

/// The resolver's work budget, then transport's.
std::vector<dns::LimitRow> all_limits();

}  // namespace redoubt::config
