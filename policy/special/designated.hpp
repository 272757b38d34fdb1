#pragma once
// Discovery of Designated Resolvers (RFC 9462 §4): where this resolver can be asked encrypted. Pure.
#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "policy/special/special_names.hpp"

namespace redoubt::policy {

/// The answer to a question for _dns.resolver.arpa; nothing for other names, and where there is nothing to tell: then
/// the zone resolver.arpa is as empty as it is on the Internet. records: RDATA of type SVCB (RFC 9460 §2.2).
std::optional<LocalAnswer> answer_designated(const dns::Question& question,
                                             std::span<const std::vector<std::uint8_t>> records);

}  // namespace redoubt::policy
