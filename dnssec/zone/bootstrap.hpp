#pragma once
// How a zone without a DS gets its first one (RFC 9615): its operator publishes the zone's CDS and CDNSKEY a second
// time, below the names of its name servers, in zones that are secure already.
#include <expected>
#include <string>
#include <vector>

#include "dnssec/zone/zone.hpp"

namespace redoubt::dnssec {

struct BootstrapRecords {
  std::vector<dns::Record> records;  ///< for the zones of the name servers, in order of these
  std::vector<dns::Name> unfit;      ///< name servers that cannot signal: inside the zone (§2), or a name too long
};

/// §4.1: `_dsboot.ZONE._signal.SERVER`.
/// zone     signed, as it is published
/// errors   it has no CDS or CDNSKEY, or they ask for no DS
std::expected<BootstrapRecords, std::string> bootstrap_records(const Zone& zone);

}  // namespace redoubt::dnssec
