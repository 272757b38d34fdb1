#include "dnssec/roll/outlook.hpp"

#include <algorithm>
#include <utility>
#include <vector>

namespace redoubt::dnssec {

namespace {

constexpr seconds slowest_parent_poll = std::chrono::hours{1};
constexpr seconds slowest_secondary_poll = std::chrono::minutes{10};

class Outlook {
 public:
  Outlook(const Policy& policy, ZoneRolls& zone, const Observations& observed, Decision& decision)
      : policy_{policy}, zone_{zone}, observed_{observed}, decision_{decision} {}

  void run() {
    explain();
    explain_steps();
    plan_next();
    remember();
  }

 private:
  Instant now() const { return zone_.clock.now; }
  void wait(std::string why) { decision_.waiting.push_back(std::move(why)); }

  void explain() {
    if (!zone_.asked && observed_.sworn)
      wait("it is too early for a DS at the parent, and the word that it is there does not count: it is not asked for");
    if (zone_.asked && !zone_.settled && observed_.parents.empty())
      wait("the parent should get the DS of " + names_of(zone_, *zone_.asked) +
           ", and nobody has looked whether it did (parent: in the policy, or zone sign --ds-published)");
    else if (zone_.asked && !zone_.settled)
      wait("the parent does not have what was asked for yet: the DS of " + names_of(zone_, *zone_.asked));
  }

  /// Steps that the guard holds back, each with the time from which it will not: until then caches may hold what would
  /// make a validator fail.
  void explain_steps() {
    if (zone_.held || is_pending(zone_) || !decision_.make.empty()) return;
    const KeyMask foreign =
        keys_where(zone_, [](const RollingKey& key) { return key.role == KeyRole::foreign && key.wanted; });
    const KeyMask wanted =
        keys_where(zone_, [](const RollingKey& key) { return key.wanted && key.role != KeyRole::foreign; });
    const KeyMask entries = keys_where(zone_, [](const RollingKey& key) { return key.is_for_keys() && !key.standby; });
    const KeyMask signing =
        wanted & keys_where(zone_, [](const RollingKey& key) { return key.is_for_zone() && !key.standby; });
    const KeyMask in_zone = zone_.key_sets.current.published;
    const KeyTraits traits = zone_.traits();
    if (signing != zone_.signatures.current)
      later("the zone is signed with " + names_of(zone_, signing),
            [&](const LiveVersions& live) { return may_publish_signatures(live, signing, traits); });
    const KeyMask all = in_zone | wanted | foreign;
    if (all != in_zone)
      later(names_of(zone_, all & ~in_zone) + " is published", [&](const LiveVersions& live) {
        return may_publish_keys(live, {all, all & entries}, traits);
      });
    const KeyMask ds = wanted & in_zone & entries;
    if (ds != zone_.asked.value_or(0) && (ds != 0 || was_secure(zone_)))
      later(
          ds == 0 ? "the parent is asked to remove the DS" : "the parent is asked for the DS of " + names_of(zone_, ds),
          [&](const LiveVersions& live) { return may_publish_ds(live, ds, traits); });
    const KeyMask staying = wanted | foreign;
    if ((in_zone & ~staying) != 0)
      later(names_of(zone_, in_zone & ~staying) + " leaves the DNSKEY RRset", [&](const LiveVersions& live) {
        return may_publish_keys(live, {staying, staying & entries}, traits);
      });
    for (const RollingKey& key : zone_.keys) {
      const auto due = due_of(policy_, key);
      if (due && *due > now()) decision_.later.push_back({"a roll of " + std::to_string(key.tag) + " begins", due});
    }
  }

  template <class Possible>
  void later(std::string what, Possible possible) {
    std::vector<Instant> times;
    for (const auto& version : zone_.key_sets.past) times.push_back(version.gone);
    for (const auto& version : zone_.signatures.past) times.push_back(version.gone);
    for (const DsVersion& version : zone_.ds) {
      if (version.gone) times.push_back(*version.gone);
    }
    std::ranges::sort(times);
    const auto at =
        std::ranges::find_if(times, [&](Instant time) { return time > now() && possible(zone_.live_at(time)); });
    decision_.later.push_back({std::move(what), at == times.end() ? std::nullopt : std::optional{*at}});
  }

  void remember() {
    const auto told = [](auto& steps) {
      return steps.begin() + static_cast<std::ptrdiff_t>(std::min(steps.size(), max_told_steps));
    };
    zone_.waiting.assign(decision_.waiting.begin(), told(decision_.waiting));
    zone_.later.assign(decision_.later.begin(), told(decision_.later));
  }

  void plan_next() {
    const auto at = [&](Instant time) {
      if (time > now() && (!decision_.next || time < *decision_.next)) decision_.next = time;
    };
    for (const auto& version : zone_.key_sets.past) at(version.gone);
    for (const auto& version : zone_.signatures.past) at(version.gone);
    for (const DsVersion& version : zone_.ds) {
      if (version.gone) at(*version.gone);
    }
    if (zone_.cds_stale_until) at(*zone_.cds_stale_until);
    if (zone_.asked_since && !zone_.saw_other) at(*zone_.asked_since + forgotten_after);
    for (const RollingKey& key : zone_.keys) {
      if (const auto due = due_of(policy_, key)) at(*due);
    }
    if (!decision_.waiting.empty()) at(now() + std::min(slowest_parent_poll, policy_.parent_propagation));
    if (is_pending(zone_)) at(now() + std::min(slowest_secondary_poll, policy_.zone_propagation));
  }

  const Policy& policy_;
  ZoneRolls& zone_;
  const Observations& observed_;
  Decision& decision_;
};

}  // namespace

std::string names_of(const ZoneRolls& zone, KeyMask keys) {
  std::string text;
  for (unsigned place = 0; place < zone.keys.size(); ++place) {
    if ((keys & bit(place)) != 0) text += (text.empty() ? "" : ", ") + std::to_string(zone.keys[place].tag);
  }
  return text.empty() ? "none" : text;
}

bool is_pending(const ZoneRolls& zone) { return zone.key_sets.pending || zone.signatures.pending; }

bool was_secure(const ZoneRolls& zone) {
  return std::ranges::any_of(zone.ds, [](const DsVersion& version) { return version.keys != 0; });
}

std::optional<Instant> due_of(const Policy& policy, const RollingKey& key) {
  if (key.free || !key.wanted || key.standby || key.role == KeyRole::foreign || !key.in_use) return std::nullopt;
  const seconds lifetime = key.role == KeyRole::zsk ? policy.zsk_lifetime : policy.ksk_lifetime;
  if (lifetime == seconds{0}) return std::nullopt;
  return *key.in_use + std::max(seconds{1}, lifetime - policy.keys_linger());
}

void look_ahead(const Policy& policy, ZoneRolls& zone, const Observations& observed, Decision& decision) {
  Outlook{policy, zone, observed, decision}.run();
}

std::optional<std::string> need_of(const ZoneRolls& zone, std::string_view stem) {
  const auto place = zone.place_of(stem);
  if (!place) return std::nullopt;
  const LiveVersions live = zone.live();
  const auto has = [&](KeyMask keys) { return (keys & bit(*place)) != 0; };
  if (std::ranges::any_of(live.keys, [&](const KeySet& set) { return has(set.published); }))
    return "it is in the zone's DNSKEY RRset, or caches may have one with it";
  if (std::ranges::any_of(live.signatures, has)) return "caches may have signatures by it";
  if (std::ranges::any_of(live.ds, has) || has(zone.asked.value_or(0))) return "the parent may have its DS";
  const RollingKey& key = zone.keys[*place];
  if (key.wanted && key.role != KeyRole::foreign) return "it waits to be published";
  return std::nullopt;
}

}  // namespace redoubt::dnssec
