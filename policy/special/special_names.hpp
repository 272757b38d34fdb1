#pragma once
// Names that are nobody's on the Internet: what is asked for them is answered here and never leaves the machine (RFC
// 6761, 6303, 6762, 7534, 7686, 7793, 8375, 9462, 9476, 9665; attacks: special-use leakage). Pure.
#include <cstdint>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "dns/question.hpp"
#include "dns/rr_types.hpp"
#include "dns/rrset.hpp"

namespace redoubt::policy {

enum class SpecialUse : std::uint8_t {
  empty,             ///< an empty zone: its apex has SOA and NS, and nothing is below it (RFC 6303 §3)
  loopback,          ///< localhost and all below it: the loopback addresses (RFC 6761 §6.3)
  loopback_reverse,  ///< the reverse name of a loopback address: localhost
};

struct SpecialZone {
  std::string_view name;  ///< lower case, with its final dot
  SpecialUse use;
  std::string_view source;
};

/// The whole table, in canonical order of the names.
std::span<const SpecialZone> special_zones();

/// The deepest special zone at or above the name; null for the names of everybody else, which costs a look at the last
/// label.
const SpecialZone* find_special(const dns::Name& name);

struct LocalAnswer {
  dns::Rcode rcode = dns::Rcode::noerror;
  std::optional<dns::RRset> data;
  std::optional<dns::RRset> soa;  ///< of a denial
};

/// The question's name is at or below the zone.
LocalAnswer answer_locally(const SpecialZone& zone, const dns::Question& question);

}  // namespace redoubt::policy
