#pragma once
// Where trust begins: keys, or digests of keys, that are believed because the operator says so (RFC 4033 §2).
#include <expected>
#include <string>
#include <string_view>
#include <vector>

#include "dns/rrset.hpp"

namespace redoubt::config {

inline constexpr std::size_t max_trust_anchors = 1024;

/// The root's two: key 20326, made in 2017, and key 38696, made in 2024.
std::vector<dns::Record> builtin_trust_anchors();

/// A DS or DNSKEY record as text. An anchor that nothing could be checked with is refused: its zone would count as
/// unsigned, and nobody would notice. The error is one phrase.
std::expected<dns::Record, std::string> trust_anchor_from_text(std::string_view text);

/// DS and DNSKEY records in a master file, at least one and nothing else. The error is one line, with the file's line
/// in front where there is one.
std::expected<std::vector<dns::Record>, std::string> trust_anchors_from_zone_text(std::string_view text);

}  // namespace redoubt::config
