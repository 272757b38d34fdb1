#include "appliance/config/limits.hpp"

#include "resolver/budget.hpp"
#include "transport/limits.hpp"

namespace redoubt::config {

std::vector<dns::LimitRow> all_limits() {
  std::vector<dns::LimitRow> rows;
  for (const dns::LimitRow& row : resolver::limit_rows()) rows.push_back(row);
  for (const dns::LimitRow& row : transport::limit_rows()) rows.push_back(row);
  return rows;
}

}  // namespace redoubt::config
