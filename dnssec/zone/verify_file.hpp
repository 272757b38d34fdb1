#pragma once
// The check of a signed zone in a file: part by part on all processors where the file's form allows it, else whole.
#include <expected>
#include <optional>
#include <string>

#include "dnssec/zone/verify_zone.hpp"

namespace redoubt::dnssec {

struct FileVerdict {
  dns::Name apex;
  ZoneVerdict verdict;
};

/// errors: the file cannot be read as a zone
std::expected<FileVerdict, std::string> verify_zone_file(const std::string& path,
                                                         const std::optional<dns::Name>& origin,
                                                         const VerifyOptions& options);

/// Only for files that programs write: one line for each record with a whole name in front, names in canonical order
/// (NSEC3 records may stand apart, in theirs), no ZONEMD. In memory there are at any time a few parts of the zone, and
/// for NSEC3 some 80 octets for each name. Nothing when the file has another form, or anything is strange about it:
/// then verify_zone() must say what.
/// part_octets  of text in one part, at least
std::expected<std::optional<FileVerdict>, std::string> verify_in_parts(const std::string& path,
                                                                       const VerifyOptions& options,
                                                                       std::size_t part_octets = 256 * 1024);

}  // namespace redoubt::dnssec
