#pragma once
// Tells clients, by names made for it, which keys of the root are trusted here (RFC 8509).
#include "dns/question.hpp"
#include "resolver/outcome.hpp"
#include "resolver/validate/settings.hpp"

namespace redoubt::resolver {

/// Whether the secure answer to that question is to be withheld with SERVFAIL: root-key-sentinel-is-ta-NNNNN and the
/// key is not trusted, or root-key-sentinel-not-ta-NNNNN and it is. False for all other names and types.
bool sentinel_withholds(const dns::Question& question, const ValidationSettings& settings);

}  // namespace redoubt::resolver
