#pragma once
// Whole master files (RFC 1035 §5), record by record: $ORIGIN, $TTL, $INCLUDE, and BIND's $GENERATE. For the tools and
// control, which read files that somebody trusts: included files are opened by a function of the caller's.
#include <cstdint>
#include <expected>
#include <functional>
#include <string>
#include <string_view>

#include "dns/rrset.hpp"

namespace redoubt::dns {

inline constexpr std::size_t max_include_depth = 16;
inline constexpr std::uint32_t max_generated = 1'000'000;  ///< records that one $GENERATE may make

struct ZoneTextFault {
  std::string file;
  std::size_t line = 0;  ///< from 1; 0: the file as a whole
  std::string what;
  /// "zone.db:12: what"
  std::string to_text() const;
};

/// Where the record comes from that is given right now.
struct ZoneTextPlace {
  std::string file;
  std::size_t line = 0;  ///< from 1
};

struct ZoneTextSource {
  std::string file;  ///< for messages, and what relative $INCLUDEs are relative to
  std::string_view text;
  Name origin;
  std::size_t max_records = 50'000'000;
  /// The text of a file that is included, by its path. Without it $INCLUDE is a fault.
  std::function<std::expected<std::string, std::string>(const std::string& path)> open = nullptr;
  ZoneTextPlace* place = nullptr;  ///< kept up to date, if somebody wants to know
};

/// Gives each record to `take`, in order. What `take` says is wrong becomes the fault of that line.
std::expected<void, ZoneTextFault> read_zone_text(
    const ZoneTextSource& source, const std::function<std::expected<void, std::string>(Record&&)>& take);

}  // namespace redoubt::dns
