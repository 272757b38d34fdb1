#pragma once
// Zone files into zones.
#include <expected>
#include <functional>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "dnssec/zone/verify_zone.hpp"
#include "dnssec/zone/zone.hpp"

namespace redoubt::dnssec {

struct LoadOptions {
  std::optional<dns::Name> origin;  ///< nothing: from the file's $ORIGIN and SOA, or its name
  /// Records that it says true of are left out.
  std::function<bool(const dns::Name& apex, const dns::Record&)> leave_out = nullptr;
  /// Sees each record that stays, with the TTL and RDATA of the file; for checks that the zone has lost the data for.
  std::function<void(const dns::Record&)> look = nullptr;
};

/// errors: "FILE:LINE: what", or what is wrong with the zone as a whole
std::expected<Zone, std::string> load_zone(const std::string& path, const LoadOptions& options);

/// Findings as text, each with "FILE:LINE: " in front where the file has that name and type. Reads the file once more.
std::vector<std::string> with_places(const std::string& path, const std::optional<dns::Name>& origin,
                                     std::span<const ZoneFinding> findings);

/// "example.com" of "/a/example.com.zone", "db.example.com", "example.com.db.signed".
dns::Name origin_of_path(const std::string& path);
/// The whole file.
std::expected<std::string, std::string> read_text_file(const std::string& path);

}  // namespace redoubt::dnssec
