#pragma once
// All upstreams of a process. Bounded; shared by workers.
#include <memory>
#include <mutex>
#include <vector>

#include "resolver/forward/route.hpp"
#include "resolver/forward/upstream.hpp"
#include "resolver/upstream/recent_table.hpp"

namespace redoubt::resolver {

class Upstreams {
 public:
  static constexpr std::size_t max_upstreams = 20'000;

  explicit Upstreams(const dns::HashKey& key) : table_{max_upstreams, Hash{key}} {}

  /// Made at its first mention; never null.
  std::shared_ptr<Upstream> at(const dns::Endpoint& server);
  /// Of every server of the routes, each once, in order of their addresses.
  std::vector<UpstreamFigures> figures(const Routes& routes, Instant now) const;

 private:
  struct Hash {
    dns::HashKey key;
    std::size_t operator()(const dns::Endpoint& endpoint) const;
  };
  mutable std::mutex lock_;  // guards the table; each upstream guards itself
  RecentTable<dns::Endpoint, std::shared_ptr<Upstream>, Hash> table_;
};

}  // namespace redoubt::resolver
