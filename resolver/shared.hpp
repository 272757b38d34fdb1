#pragma once
// What the workers of one process share. Each part guards itself.
#include <cstdint>

#include "resolver/cache/cache.hpp"
#include "resolver/flights.hpp"
#include "resolver/iterate/priming.hpp"
#include "resolver/rechecks.hpp"
#include "resolver/upstream/cookies.hpp"
#include "resolver/upstream/servers.hpp"

namespace redoubt::resolver {

struct Shared {
  /// key: secret, fresh for each process.
  Shared(std::uint64_t cache_octets, const dns::HashKey& key)
      : cache{cache_octets, key}, servers{key}, flights{key}, rechecks{key}, cookies{key} {}
  Cache cache;
  Servers servers;
  Flights flights;
  Rechecks rechecks;
  Priming priming;
  Cookies cookies;
};

}  // namespace redoubt::resolver
