#pragma once
// What the configuration says of encrypted listeners, as records for clients to discover (RFC 9461, 9462).
#include <cstdint>
#include <vector>

#include "appliance/config/compile.hpp"
#include "appliance/config/configuration.hpp"

namespace redoubt::config {

/// RDATA of SVCB records, one for each encrypted listener; none without a name in tls.names, for a client has to know
/// what to expect in the certificate.
std::vector<std::vector<std::uint8_t>> designated_resolvers(const Configuration& configuration,
                                                            const Circumstances& circumstances);

}  // namespace redoubt::config
