#pragma once
// The operator's look into the cache.
#include "appliance/channel/control_resolver.hpp"
#include "resolver/shared.hpp"

namespace redoubt::resolver {

/// As many entries as the limit and one channel message allow.
channel::CacheShown show_cache(const Shared& shared, const channel::ShowCache& request);

}  // namespace redoubt::resolver
