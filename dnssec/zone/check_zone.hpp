#pragma once
// What is allowed in a zone file and still goes wrong in practice, or is not allowed at all.
#include "dnssec/zone/verify_zone.hpp"

namespace redoubt::dnssec {

struct CheckOptions {
  std::size_t max_findings = 1000;
  bool expect_caa = true;  ///< warn when nothing in the zone says which authorities may issue certificates
};

/// Faults: other data beside a CNAME or several of them, a DNAME with names below it, an apex without NS, a delegation
/// into itself without addresses, an SPF policy twice, targets that are aliases where none may be (NS, MX, SRV).
/// Warnings: targets inside the zone that are not there, TTLs of one RRset that differ, names below a delegation that
/// are no glue, no CAA.
ZoneVerdict check_zone(const Zone& zone, const CheckOptions& options);

}  // namespace redoubt::dnssec
