#include "dnssec/roll/machine.hpp"

#include <algorithm>
#include <utility>

#include "dnssec/roll/observe.hpp"
#include "dnssec/roll/outlook.hpp"

namespace redoubt::dnssec {

namespace {

class Machine {
 public:
  Machine(const Policy& policy, ZoneRolls& zone, const Observations& observed)
      : policy_{policy}, zone_{zone}, observed_{observed} {}

  Decision run() {
    look(policy_, zone_, observed_, decision_);
    free_places();
    drop_refused();
    if (zone_.held) {
      wait("held by an operator: " + *zone_.held);
    } else {
      start_due_rolls();
      if (want_keys(); decision_.make.empty()) take_steps();
    }
    update_states();
    look_ahead(policy_, zone_, observed_, decision_);
    return std::move(decision_);
  }

 private:
  Instant now() const { return zone_.clock.now; }
  void tell(std::string what) { decision_.told.push_back(std::move(what)); }
  void wait(std::string why) { decision_.waiting.push_back(std::move(why)); }

  template <class Predicate>
  KeyMask keys_where(Predicate predicate) const {
    return dnssec::keys_where(zone_, predicate);
  }
  std::string names_of(KeyMask keys) const { return dnssec::names_of(zone_, keys); }
  bool is_pending() const { return dnssec::is_pending(zone_); }

  // What is wanted ------------------------------------------------------------------------------------------------

  /// A key that nobody can have any more leaves its place.
  void free_places() {
    const LiveVersions live = zone_.live();
    KeyMask used = 0;
    for (const KeySet& keys : live.keys) used |= keys.published | keys.signers;
    for (const KeyMask signatures : live.signatures) used |= signatures;
    for (const KeyMask ds : live.ds) used |= ds;
    for (unsigned place = 0; place < zone_.keys.size(); ++place) {
      RollingKey& key = zone_.keys[place];
      if (key.free || key.wanted || (used & bit(place)) != 0) continue;
      tell("key " + std::to_string(key.tag) + " is in no cache any more");
      key.free = true;
    }
    const auto drop = [&](auto& timeline) { timeline.forget_gone(now()); };
    drop(zone_.key_sets);
    drop(zone_.signatures);
  }

  /// Who signs refuses to put out what does not fit, so nobody has such a version, and it is not waited for. (This
  /// machine makes none; an earlier one did.)
  void drop_refused() {
    if (fit_together(zone_.key_sets.newest(), zone_.signatures.newest(), zone_.traits())) return;
    zone_.key_sets.pending.reset();
    zone_.signatures.pending.reset();
  }

  std::vector<KeyRole> roles() const {
    switch (policy_.layout) {
      case KeyLayout::split:
        return {KeyRole::ksk, KeyRole::zsk};
      case KeyLayout::csk:
        return {KeyRole::csk};
      case KeyLayout::unsigned_zone:
        return {};
    }
    return {};
  }

  /// Why no roll may begin now; empty when one may.
  std::string obstacle(bool asks_parent) const {
    if (observed_.clock_doubt) return *observed_.clock_doubt;
    if (zone_.largest_ttl > policy_.max_zone_ttl)
      return "the zone has a TTL of " + std::to_string(zone_.largest_ttl.count()) + " s, above max-zone-ttl";
    if (is_pending()) return "the zone's last version is not everywhere yet";
    const KeyMask leaving =
        keys_where([](const RollingKey& key) { return !key.wanted && key.role != KeyRole::foreign; });
    if (leaving != 0) return "the roll before is not finished (keys on their way out: " + names_of(leaving) + ")";
    if (asks_parent && !zone_.settled) return "the parent's DS is not known to be what was asked for";
    return {};
  }

  /// Keys of another role or algorithm than the policy's, and those of age.
  void start_due_rolls() {
    const std::vector<KeyRole> wanted_roles = roles();
    const KeyMask misfits = keys_where([&](const RollingKey& key) {
      return key.wanted && key.role != KeyRole::foreign &&
             (key.algorithm != policy_.algorithm || std::ranges::find(wanted_roles, key.role) == wanted_roles.end());
    });
    if (misfits != 0) {
      // From a split to a single key or back, and to another algorithm, all go together.
      const KeyMask all = keys_where([](const RollingKey& key) { return key.wanted && key.role != KeyRole::foreign; });
      retire(all, "the policy wants other keys", policy_.layout != KeyLayout::unsigned_zone && was_secure(zone_));
      misfits_stay_ = keys_where([](const RollingKey& key) { return key.wanted; }) & misfits;
      return;
    }
    for (const KeyRole role : wanted_roles) {
      const KeyMask due = keys_where([&](const RollingKey& key) {
        const auto time = key.role == role ? due_of(policy_, key) : std::nullopt;
        return time && now() >= *time;
      });
      if (due != 0) retire(due, "its lifetime ends", role != KeyRole::zsk);
    }
  }

  void retire(KeyMask keys, const std::string& why, bool asks_parent) {
    if (const std::string reason = obstacle(asks_parent); !reason.empty())
      return wait("a roll of " + names_of(keys) + " is due (" + why + "), and does not begin: " + reason);
    tell("a roll of " + names_of(keys) + " begins: " + why);
    for (unsigned place = 0; place < zone_.keys.size(); ++place) {
      if ((keys & bit(place)) != 0) zone_.keys[place].wanted = false;
    }
  }

  /// While a roll to other keys may not begin, those that there are do the work: a key made now would have to sign
  /// beside them.
  bool is_done_meanwhile(KeyRole role) const {
    const auto any = [&](auto does) {
      return misfits_stay_ != 0 && keys_where([&](const RollingKey& key) {
                                     return key.wanted && !key.standby && key.role != KeyRole::foreign &&
                                            does(key.role);
                                   }) != 0;
    };
    return (!is_for_keys(role) || any([](KeyRole other) { return is_for_keys(other); })) &&
           (!is_for_zone(role) || any([](KeyRole other) { return is_for_zone(other); }));
  }

  /// Asks for the keys that are missing; a standby key takes its place first.
  void want_keys() {
    for (const KeyRole role : roles()) {
      if (is_done_meanwhile(role)) continue;
      const auto count = [&](bool standby) {
        return std::ranges::count_if(zone_.keys, [&](const RollingKey& key) {
          return !key.free && key.wanted && key.role == role && key.standby == standby &&
                 key.algorithm == policy_.algorithm;
        });
      };
      if (count(false) == 0) {
        const auto standby = std::ranges::find_if(zone_.keys, [&](const RollingKey& key) {
          return !key.free && key.wanted && key.standby && key.role == role && key.algorithm == policy_.algorithm;
        });
        if (standby == zone_.keys.end()) {
          decision_.make.push_back({role, policy_.algorithm, false});
        } else {
          standby->standby = false;
        }
      }
      if (role == KeyRole::ksk && policy_.standby_ksk && count(true) == 0)
        decision_.make.push_back({role, policy_.algorithm, true});
    }
  }

  // Steps ---------------------------------------------------------------------------------------------------------

  void take_steps() {
    if (is_pending()) return;
    const KeyMask foreign =
        keys_where([](const RollingKey& key) { return key.role == KeyRole::foreign && key.wanted; });
    const KeyMask wanted = keys_where([](const RollingKey& key) { return key.wanted && key.role != KeyRole::foreign; });
    const KeyMask in_zone = zone_.key_sets.current.published;
    // Signatures of an algorithm that is new come first, then keys; leaving ones go in the reverse order.
    step_signatures(wanted);
    step_keys(in_zone | wanted | foreign, "publishes");
    step_signatures(wanted);  // by keys that came just now, where nobody needs to know them first
    step_ds(wanted);
    step_keys(wanted | foreign, "withdraws");
    if ((in_zone & ~wanted & ~foreign) != 0) {
      for (unsigned place = 0; place < zone_.keys.size(); ++place) {
        if ((in_zone & ~wanted & ~foreign & bit(place)) != 0)
          step_keys(zone_.key_sets.newest().published & ~bit(place), "withdraws");
      }
    }
  }

  void step_keys(KeyMask published, const char* verb) {
    const KeyMask signers =
        published & keys_where([](const RollingKey& key) { return key.is_for_keys() && !key.standby; });
    const KeySet before = zone_.key_sets.newest();
    // A ZSK that signed the DNSKEY RRset for another signer may have a DS: it goes on until the parent is seen.
    const KeyMask others = before.signers & published & ~zone_.traits().foreign;
    for (const KeySet& next : {KeySet{published, signers}, KeySet{published, signers | others}}) {
      if (next == before) return;
      if (!fit_together(next, zone_.signatures.newest(), zone_.traits()) ||
          !may_publish_keys(zone_.live(), next, zone_.traits()))
        continue;
      tell_keys(before, next, verb);
      return intend(zone_.key_sets, next);
    }
  }

  void tell_keys(const KeySet& before, const KeySet& next, const char* verb) {
    if (const KeyMask changed = next.published ^ before.published; changed != 0)
      return tell(std::string{verb} + " " + names_of(changed));
    if ((next.signers & ~before.signers) != 0) return tell("a standby key signs the DNSKEY RRset");
    tell("the DNSKEY RRset is signed without " + names_of(before.signers & ~next.signers));
  }

  void step_signatures(KeyMask wanted) {
    const KeyMask for_zone = keys_where([](const RollingKey& key) { return key.is_for_zone() && !key.standby; });
    const KeyMask current = zone_.signatures.newest();
    // Algorithm by algorithm: the wanted keys of it, or what signs now.
    KeyMask replaced = 0;
    const auto same_algorithm = [&](unsigned place, KeyMask keys) {
      for (unsigned other = 0; other < zone_.keys.size(); ++other) {
        if ((keys & bit(other)) != 0 && zone_.keys[other].algorithm == zone_.keys[place].algorithm) return true;
      }
      return false;
    };
    for (unsigned place = 0; place < zone_.keys.size(); ++place) {
      if ((current & bit(place)) != 0 && same_algorithm(place, wanted & for_zone)) replaced |= bit(place);
    }
    const KeyMask target = wanted & for_zone;
    KeyMask new_algorithms = 0;
    for (unsigned place = 0; place < zone_.keys.size(); ++place) {
      if ((target & bit(place)) != 0 && !same_algorithm(place, current)) new_algorithms |= bit(place);
    }
    for (const KeyMask next : {target, (current & ~replaced) | target, current | new_algorithms}) {
      if (next == current) return;
      if (!fit_together(zone_.key_sets.newest(), next, zone_.traits()) ||
          !may_publish_signatures(zone_.live(), next, zone_.traits()))
        continue;
      tell("the zone is signed with " + names_of(next));
      return intend(zone_.signatures, next);
    }
  }

  void step_ds(KeyMask wanted) {
    const bool leaving = policy_.layout == KeyLayout::unsigned_zone;
    const KeyMask next = wanted & zone_.key_sets.newest().published &
                         keys_where([](const RollingKey& key) { return key.is_for_keys() && !key.standby; });
    if (next == zone_.asked.value_or(0) && zone_.asked) return;
    if (next == 0 && (!leaving || !was_secure(zone_))) return;
    if (!may_publish_ds(zone_.live(), next, zone_.traits())) return;
    tell(next == 0 ? "asks the parent to remove the DS" : "asks the parent for the DS of " + names_of(next));
    const auto may_come = [&](KeyMask keys) {
      DsVersion& version = ds_version(zone_, keys, false);
      version.may_come = true;
      version.gone.reset();
    };
    if (zone_.asked) may_come(*zone_.asked);  // until no secondary serves that CDS any more
    may_come(next);
    zone_.asked = next;
    zone_.asked_since = now();
    zone_.saw_other = zone_.settled || parent_has_other(next);
    zone_.settled = false;
    zone_.cds_is_new = true;
    zone_.written = false;
  }

  /// Each server of the parent was just seen, and none has that.
  bool parent_has_other(KeyMask keys) const {
    return !observed_.parents.empty() && std::ranges::all_of(observed_.parents, [&](const ParentAnswer& answer) {
      return answer.ds && *answer.ds != keys;
    });
  }

  template <class What>
  void intend(Timeline<What>& timeline, const What& next) {
    timeline.pending.reset();  // within one look nothing was stored yet: what was intended first was never published
    if (next == timeline.current) return;
    timeline.pending = next;
    zone_.written = false;
  }

  // What it comes to -----------------------------------------------------------------------------------------------

  KeyState state_of(unsigned place, const LiveVersions& live) const {
    const KeyMask me = bit(place);
    const RollingKey& key = zone_.keys[place];
    const auto in_keys = [&](const KeySet& keys) { return (keys.published & me) != 0; };
    const bool is_published = in_keys(zone_.key_sets.newest());
    const bool signs = key.is_for_zone() && (zone_.signatures.newest() & me) != 0;
    const auto has_me = [&](KeyMask mask) { return (mask & me) != 0; };
    const bool needed = std::ranges::any_of(live.ds, has_me) || std::ranges::any_of(live.signatures, has_me);
    if (!key.wanted) {
      if (is_published) return needed ? KeyState::retired : KeyState::dead;
      return KeyState::removed;
    }
    const bool trusted = key.is_for_keys() && zone_.settled && zone_.asked && has_me(*zone_.asked);
    if (signs || trusted || (key.in_use && is_published)) return is_published ? KeyState::active : KeyState::generated;
    if (!is_published) return KeyState::generated;
    return std::ranges::all_of(live.keys, in_keys) ? KeyState::ready : KeyState::published;
  }

  void update_states() {
    const LiveVersions live = zone_.live();
    for (unsigned place = 0; place < zone_.keys.size(); ++place) {
      RollingKey& key = zone_.keys[place];
      if (key.free) continue;
      const KeyState state = state_of(place, live);
      if (state == key.state) continue;
      tell("key " + std::to_string(key.tag) + " (" + std::string{to_text(key.role)} + ") is " +
           std::string{to_text(state)});
      key.state = state;
      key.since = now();
      if (state == KeyState::active && !key.in_use) key.in_use = now();
    }
  }

  const Policy& policy_;
  ZoneRolls& zone_;
  const Observations& observed_;
  Decision decision_;
  KeyMask misfits_stay_ = 0;  // keys that the policy does not want, and whose roll may not begin yet
};

}  // namespace

ZoneRolls fresh_zone(const Policy& policy, const MachineClock& clock) {
  ZoneRolls zone;
  zone.clock = clock;
  zone.ds.push_back({});
  // Whatever the zone published before is told to adopt(); unsigned data is in caches in any case.
  zone.key_sets.past.push_back({{}, clock.now + std::max(policy.keys_linger(), policy.signatures_linger())});
  zone.signatures.past.push_back({0, clock.now + policy.signatures_linger()});
  return zone;
}

std::optional<unsigned> add_key(ZoneRolls& zone, RollingKey key) {
  key.since = zone.clock.now;
  const auto place = std::ranges::find_if(zone.keys, [](const RollingKey& old) { return old.free; });
  if (place != zone.keys.end()) {
    *place = std::move(key);
    return static_cast<unsigned>(place - zone.keys.begin());
  }
  if (zone.keys.size() == max_keys) return std::nullopt;
  zone.keys.push_back(std::move(key));
  return static_cast<unsigned>(zone.keys.size() - 1);
}

void adopt(ZoneRolls& zone, const KeySet& keys, KeyMask signatures) {
  zone.key_sets.current = keys;  // how long already, nobody says: before may have been an unsigned zone
  zone.signatures.current = signatures;
  for (unsigned place = 0; place < zone.keys.size(); ++place) {
    if ((keys.signers & bit(place)) != 0) ds_version(zone, bit(place), false);
  }
  ds_version(zone, keys.signers, false);
}

Decision decide(const Policy& policy, ZoneRolls& zone, const Observations& observed) {
  return Machine{policy, zone, observed}.run();
}

void note_written(ZoneRolls& zone, std::uint32_t serial, seconds largest_ttl) {
  zone.written = true;
  zone.largest_ttl = largest_ttl;
  zone.written_serial = serial;
}

std::expected<void, std::string> start_roll(ZoneRolls& zone, KeyMask keys) {
  for (unsigned place = 0; place < zone.keys.size(); ++place) {
    RollingKey& key = zone.keys[place];
    if ((keys & bit(place)) == 0) continue;
    if (key.free || key.role == KeyRole::foreign) return std::unexpected{std::string{"it is no key of this signer"}};
    if (!key.wanted) return std::unexpected{"key " + std::to_string(key.tag) + " is on its way out already"};
  }
  for (unsigned place = 0; place < zone.keys.size(); ++place) {
    if ((keys & bit(place)) != 0) zone.keys[place].wanted = false;
  }
  return {};
}

}  // namespace redoubt::dnssec
