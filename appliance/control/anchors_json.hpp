#pragma once
// What the API tells of trust anchors, positive and negative.
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "appliance/config/configuration.hpp"
#include "appliance/control/anchor_tracker.hpp"
#include "appliance/control/negative_anchors.hpp"

namespace redoubt::control {

/// Zones that are followed, with each key's state; then those that stay as they are configured. validation: what is in
/// force; null: nothing yet. Times in seconds since 1970.
nlohmann::ordered_json anchors_as_json(const AnchorTracker::Rows& rows, const config::Validation* validation);
/// Those with an end, then those of the configuration, which have none.
nlohmann::ordered_json negative_anchors_as_json(const std::vector<TimedNegativeAnchor>& timed,
                                                const config::Validation* validation);
/// Which negative anchor still holds for the name, in words for whoever wants it validated; nothing: none does.
std::optional<std::string> what_excepts(const dns::Name& name, std::span<const TimedNegativeAnchor> timed,
                                        std::span<const dns::Name> configured);

}  // namespace redoubt::control
