#include "appliance/config/limits.hpp"

#include "resolver/budget.hpp"
#if __has_include("transport/limits.hpp")
#include "transport/limits.hpp"
#define REDOUBT_HAS_TRANSPORT_LIMITS 1
#endif

namespace redoubt::config {

std::vector<dns::LimitRow> all_limits() {
  std::vector<dns::LimitRow> rows;
  for (const dns::LimitRow& row : resolver::limit_rows()) rows.push_back(row);
#ifdef REDOUBT_HAS_TRANSPORT_LIMITS
  for (const dns::LimitRow& row : transport::limit_rows()) rows.push_back(row);
#endif
  return rows;
}

}  // namespace redoubt::config
