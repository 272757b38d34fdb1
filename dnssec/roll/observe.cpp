#include "dnssec/roll/observe.hpp"

#include <algorithm>

namespace redoubt::dnssec {

namespace {

class Look {
 public:
  Look(const Policy& policy, ZoneRolls& zone, const Observations& observed, Decision& decision)
      : policy_{policy}, zone_{zone}, observed_{observed}, decision_{decision} {
    const Instant now = zone.clock.now;
    // A zone that breaks its policy is signed all the same; what it handed out is waited for.
    const seconds excess = std::max(seconds{0}, zone.largest_ttl - policy.max_zone_ttl);
    signatures_linger_ = zone.signatures_linger.at(now, policy.signatures_linger() + excess);
    keys_linger_ = zone.keys_linger.at(now, policy.keys_linger());
    ds_linger_ = zone.ds_linger.at(now, policy.ds_linger());
  }

  void at_secondaries() {
    if (!(zone_.key_sets.pending || zone_.signatures.pending || zone_.cds_is_new) || !zone_.written) return;
    for (const auto& serial : observed_.secondaries) {
      if (!serial) return wait("a secondary is silent: what it serves is not known");
      if (is_before(*serial, zone_.written_serial))
        return wait("a secondary is behind, at serial " + std::to_string(*serial));
      // Its version is not ours: of a signer or a state that was lost, and what is in it is not known.
      if (is_before(zone_.written_serial, *serial))
        return wait("a secondary is ahead, at serial " + std::to_string(*serial) + ": what it serves is not known");
    }
    const Instant now = zone_.clock.now;
    // Before the first keys there were negative answers and unsigned data.
    const bool was_signed = zone_.key_sets.current.published != 0;
    zone_.key_sets.confirm(now, was_signed ? keys_linger_ : std::max(keys_linger_, signatures_linger_));
    zone_.signatures.confirm(now, signatures_linger_);
    if (zone_.cds_is_new) {
      zone_.cds_is_new = false;
      zone_.cds_stale_until.reset();
      if (observed_.secondaries.empty()) zone_.cds_stale_until = now + policy_.zone_propagation + policy_.safety;
    }
    zone_.written = false;
  }

  void at_parents() {
    const Instant now = zone_.clock.now;
    std::erase_if(zone_.ds, [&](const DsVersion& version) { return version.gone && *version.gone <= now; });
    if (observed_.parents.empty()) return;
    zone_.settled = false;
    if (!is_unanimous()) return;
    const ParentAnswer& all = observed_.parents.front();
    zone_.seen = now;
    zone_.settled = zone_.asked && *zone_.asked == *all.ds && !all.foreign;
    zone_.saw_other = zone_.saw_other || !zone_.settled;
    for (DsVersion& version : zone_.ds) {
      const bool there = version.keys == *all.ds && version.foreign == all.foreign;
      if (zone_.settled && !there && zone_.has_parent_forgotten()) version.may_come = false;
      if (!there && !version.may_come && !version.gone) version.gone = now + ds_linger_;
    }
  }

 private:
  void wait(std::string why) { decision_.waiting.push_back(std::move(why)); }

  bool is_unanimous() {
    bool silent = false;
    bool split = false;
    const ParentAnswer& first = observed_.parents.front();
    for (const ParentAnswer& answer : observed_.parents) {
      if (!answer.ds) {
        silent = true;
        continue;
      }
      ds_version(zone_, *answer.ds, answer.foreign).gone.reset();
      split = split || answer.ds != first.ds || answer.foreign != first.foreign;
      if (answer.foreign && *answer.ds == 0) wait("the parent has a DS that fits none of the zone's keys");
    }
    if (silent) wait("a server of the parent is silent: what DS it has is not known");
    if (split && !silent) wait("servers of the parent have different DS");
    return !silent && !split;
  }

  const Policy& policy_;
  ZoneRolls& zone_;
  const Observations& observed_;
  Decision& decision_;
  seconds signatures_linger_{0};
  seconds keys_linger_{0};
  seconds ds_linger_{0};
};

}  // namespace

DsVersion& ds_version(ZoneRolls& zone, KeyMask keys, bool foreign) {
  const auto at = std::ranges::find_if(
      zone.ds, [&](const DsVersion& version) { return version.keys == keys && version.foreign == foreign; });
  if (at != zone.ds.end()) return *at;
  return zone.ds.emplace_back(DsVersion{keys, foreign, false, std::nullopt});
}

void look(const Policy& policy, ZoneRolls& zone, const Observations& observed, Decision& decision) {
  Look now{policy, zone, observed, decision};
  now.at_secondaries();
  now.at_parents();
}

}  // namespace redoubt::dnssec
