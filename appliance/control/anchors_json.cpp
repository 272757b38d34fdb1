#include "appliance/control/anchors_json.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

namespace redoubt::control {

namespace {

using Json = nlohmann::ordered_json;

Json key_as_json(const dnssec::TrackedKey& key) {
  Json object{{"key_tag", dnssec::key_tag(key.dnskey)},
              {"algorithm", key.dnskey[3]},
              {"state", dnssec::to_text(key.state)},
              {"since", key.since}};
  if (key.state == dnssec::TrackedKey::State::pending)
    object["trusted_in"] = std::max<std::int64_t>(std::int64_t{key.hold_down} - key.held, 0);
  return object;
}

Json ds_as_json(std::span<const std::uint8_t> rdata) {
  const auto ds = dnssec::Ds::parse(rdata);
  return {{"key_tag", ds ? Json(ds->key_tag) : Json(nullptr)},
          {"algorithm", ds ? Json(ds->algorithm) : Json(nullptr)},
          {"state", "configured"}};
}

Json followed_as_json(const dns::Name& zone, const AnchorTracker::Row& row) {
  auto keys = Json::array();
  for (const auto& ds : row.point.unseen) keys.push_back(ds_as_json(ds));
  for (const auto& key : row.point.keys) keys.push_back(key_as_json(key));
  const auto left = std::chrono::duration_cast<std::chrono::seconds>(row.due - std::chrono::steady_clock::now());
  return {{"zone", zone.to_text()},           {"tracked", true},
          {"seen_at", row.point.observed_at}, {"next_look_in", std::max<std::int64_t>(left.count(), 0)},
          {"trouble", row.trouble},           {"keys", std::move(keys)}};
}

}  // namespace

Json anchors_as_json(const AnchorTracker::Rows& rows, const config::Validation* validation) {
  auto zones = Json::array();
  for (const auto& [zone, row] : rows) zones.push_back(followed_as_json(zone, row));
  std::map<dns::Name, Json> fixed;
  for (const dns::Record& anchor : validation != nullptr ? validation->trust_anchors : std::vector<dns::Record>{}) {
    if (rows.contains(anchor.owner)) continue;
    Json& keys = fixed.try_emplace(anchor.owner, Json::array()).first->second;
    if (anchor.type == dns::type::ds) {
      keys.push_back(ds_as_json(anchor.rdata));
    } else {
      keys.push_back(
          {{"key_tag", dnssec::key_tag(anchor.rdata)}, {"algorithm", anchor.rdata[3]}, {"state", "configured"}});
    }
  }
  for (auto& [zone, keys] : fixed)
    zones.push_back({{"zone", zone.to_text()}, {"tracked", false}, {"keys", std::move(keys)}});
  return {{"zones", std::move(zones)}};
}

Json negative_anchors_as_json(const std::vector<TimedNegativeAnchor>& timed, const config::Validation* validation) {
  auto anchors = Json::array();
  for (const TimedNegativeAnchor& anchor : timed) {
    anchors.push_back(
        {{"name", anchor.zone.to_text()}, {"begun", anchor.begun}, {"until", anchor.until}, {"why", anchor.why}});
  }
  for (const dns::Name& name : validation != nullptr ? validation->negative_trust_anchors : std::vector<dns::Name>{})
    anchors.push_back({{"name", name.to_text()}, {"begun", nullptr}, {"until", nullptr}, {"why", "the configuration"}});
  return {{"negative_trust_anchors", std::move(anchors)}};
}

std::optional<std::string> what_excepts(const dns::Name& name, std::span<const TimedNegativeAnchor> timed,
                                        std::span<const dns::Name> configured) {
  for (const dns::Name& zone : configured)
    if (name.is_at_or_below(zone))
      return fmt::format("{} stands in validation.negative-trust-anchors of the configuration", zone.to_text());
  for (const TimedNegativeAnchor& anchor : timed)
    if (name.is_at_or_below(anchor.zone))
      return fmt::format("{} is not validated either, and {} with it", anchor.zone.to_text(), name.to_text());
  return std::nullopt;
}

}  // namespace redoubt::control
