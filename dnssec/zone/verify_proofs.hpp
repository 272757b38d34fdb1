#pragma once
// The part of verify_zone() that looks at NSEC and NSEC3 chains.
#include "dnssec/zone/findings.hpp"

namespace redoubt::dnssec {

/// Each name has the proof that it should have, each proof says what is there, and the chain is closed.
void verify_proofs(const Zone& zone, Findings& findings);

}  // namespace redoubt::dnssec
