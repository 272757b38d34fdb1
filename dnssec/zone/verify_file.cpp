#include "dnssec/zone/verify_file.hpp"

#include "dnssec/zone/load.hpp"

namespace redoubt::dnssec {

std::expected<FileVerdict, std::string> verify_zone_file(const std::string& path,
                                                         const std::optional<dns::Name>& origin,
                                                         const VerifyOptions& options) {
  auto in_parts = verify_in_parts(path, options);
  if (!in_parts) return std::unexpected{in_parts.error()};
  if (*in_parts && (!origin || (*in_parts)->apex == *origin)) return std::move(**in_parts);
  const auto zone = load_zone(path, {.origin = origin});
  if (!zone) return std::unexpected{zone.error()};
  return FileVerdict{zone->apex(), verify_zone(*zone, options)};
}

}  // namespace redoubt::dnssec
