#pragma once
// All upstreams of a process, and what became of the questions of each zone that they serve. Bounded; shared by
// workers.
#include <memory>
#include <mutex>
#include <vector>

#include "resolver/forward/route.hpp"
#include "resolver/forward/upstream.hpp"
#include "resolver/upstream/recent_table.hpp"

namespace redoubt::resolver {

/// Of a forward or stub zone, since the process began.
struct RouteFigures {
  dns::Name zone;
  std::uint64_t questions = 0;  ///< handed to its upstreams
  std::uint64_t failures = 0;   ///< of those, to which none had an answer of use
};

class Upstreams {
 public:
  static constexpr std::size_t max_upstreams = 20'000;
  static constexpr std::size_t max_zones = 20'000;

  explicit Upstreams(const dns::HashKey& key) : table_{max_upstreams, Hash{key}}, zones_{max_zones, NameHash{key}} {}

  /// Made at its first mention; never null.
  std::shared_ptr<Upstream> at(const dns::Endpoint& server);
  /// Of every server of the routes, each once, in order of their addresses.
  std::vector<UpstreamFigures> figures(const Routes& routes, Instant now) const;

  void count(const dns::Name& zone, bool failed);
  /// Of every route, in their order.
  std::vector<RouteFigures> zone_figures(const Routes& routes) const;

 private:
  struct Hash {
    dns::HashKey key;
    std::size_t operator()(const dns::Endpoint& endpoint) const;
  };
  struct NameHash {
    dns::HashKey key;
    std::size_t operator()(const dns::Name& name) const { return name.hash(key); }
  };
  mutable std::mutex lock_;  // guards both tables; each upstream guards itself
  RecentTable<dns::Endpoint, std::shared_ptr<Upstream>, Hash> table_;
  RecentTable<dns::Name, RouteFigures, NameHash> zones_;
};

}  // namespace redoubt::resolver
