#pragma once
// The page of metrics, in Prometheus' text format 0.0.4.
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "appliance/channel/control_resolver.hpp"
#include "appliance/channel/roles.hpp"
#include "appliance/channel/statistics.hpp"

namespace redoubt::control {

struct RoleState {
  channel::Role role;
  bool up = false;
  std::uint32_t pid = 0;
  std::uint32_t restarts = 0;
  std::uint32_t stuck = 0;
};

/// What the page tells. A role that did not answer has no values, and none of its metrics stand on the page.
struct MetricsSources {
  std::vector<RoleState> roles;
  std::optional<std::vector<std::uint64_t>> resolver;
  std::optional<std::vector<std::uint64_t>> transport;
  std::optional<channel::Upstreams> upstreams;  ///< of configured zones
  std::uint64_t generation = 0;                 ///< in force; 0: none
  std::int64_t generation_since = 0;
  std::uint64_t reloads_succeeded = 0;
  std::uint64_t reloads_failed = 0;
  bool last_reload_succeeded = true;
  std::int64_t started_at = 0;  ///< control itself; seconds since 1970
  std::int64_t up_since = 0;    ///< all of resolverd; seconds since 1970
  double cpu_seconds = 0;       ///< of control
  std::uint64_t requests = 0;   ///< that control's HTTP servers answered
  std::string_view version;
  std::optional<std::int64_t> anchors_seen_at;         ///< of followed zones, the one not seen for longest; 0: never
  std::size_t negative_anchors = 0;                    ///< those with an end
  std::optional<std::int64_t> certificate_expires_at;  ///< of the encrypted listeners; seconds since 1970
};

std::string metrics_page(const MetricsSources& sources);

}  // namespace redoubt::control
