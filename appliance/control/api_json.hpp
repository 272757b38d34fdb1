#pragma once
// What the API tells, as JSON. Pure.
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <vector>

#include "appliance/channel/control_resolver.hpp"
#include "appliance/control/metrics.hpp"

namespace redoubt::control {

using Json = nlohmann::ordered_json;

/// A DNS message; nothing when it is none.
std::optional<Json> message_as_json(std::span<const std::uint8_t> wire);
Json cache_as_json(const channel::CacheShown& shown);
/// Times are in microseconds. One step, and what comes after the last one: what was spent, the answer, whether the
/// client may ask at all.
Json trace_step_as_json(const channel::TraceStep& step);
std::optional<Json> trace_result_as_json(const channel::Traced& traced);
/// All of it in one.
std::optional<Json> trace_as_json(const std::vector<channel::TraceStep>& steps, const channel::Traced& traced);
Json upstreams_as_json(const channel::Upstreams& upstreams);
/// Each counter and gauge of the roles that answered, by its metric's name.
Json statistics_as_json(const MetricsSources& sources);

}  // namespace redoubt::control
