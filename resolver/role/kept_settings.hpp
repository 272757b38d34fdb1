#pragma once
// Which settings decide what the cache holds and what it is worth.
#include "resolver/cache/kept_image.hpp"
#include "resolver/settings.hpp"

namespace redoubt::resolver {

/// Of trust anchors (the followed ones too) and negative ones, and everything else of validation; of root servers,
/// forward and stub zones, servers that are never asked, and TTL bounds. Entries from under another digest are not
/// used.
SettingsDigest digest_of(const Settings& settings);

}  // namespace redoubt::resolver
