#pragma once
// The part of verify_zone() that looks at ZONEMD (RFC 8976 §4).
#include "dnssec/zone/findings.hpp"

namespace redoubt::dnssec {

/// Nothing is found where the apex has no ZONEMD.
void verify_digest(const Zone& zone, Findings& findings);

}  // namespace redoubt::dnssec
