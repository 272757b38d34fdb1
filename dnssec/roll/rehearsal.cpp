#include "dnssec/roll/rehearsal.hpp"

#include <algorithm>
#include <map>
#include <random>
#include <set>

#include "dnssec/roll/state_text.hpp"

namespace redoubt::dnssec {

namespace {

/// Keys by names that are never used again, unlike the machine's places.
using Names = std::set<std::string>;

struct ZoneVersion {
  std::uint32_t serial = 0;
  Names keys;
  Names key_signers;
  Names zone_signers;
  std::optional<Names> cds;
};

template <class What>
struct Handed {  // something that servers hand out, or did until `last`
  What what;
  std::optional<Instant> last;
};

struct Secondary {
  ZoneVersion zone;
  Instant next_transfer;
};

struct ParentServer {
  Names ds;
  Instant next_copy;
  bool silent = false;
};

class World {
 public:
  explicit World(const RehearsalOptions& options)
      : options_{options}, policy_{options.policy}, random_{options.seed}, now_{start}, end_{start + options.time} {
    secondaries_.resize(options.faults ? 1 + pick(3) : 1);
    parents_.resize(options.faults ? 1 + pick(3) : 1);
    for (Secondary& secondary : secondaries_) secondary.next_transfer = never();
    for (ParentServer& server : parents_) server.next_copy = never();
    next_look_ = now_;
    next_scan_ = now_ + scan_delay();
    next_trouble_ = options.faults ? now_ + up_to(options_.trouble_every) : end_ + seconds{1};
    boot_ = now_ - std::chrono::hours{2};
    if (options_.before) sign_elsewhere(*options_.before);
    zones_.push_back({primary_, std::nullopt});
    ds_.push_back({registry_, std::nullopt});
  }

  Rehearsal run() {
    while (now_ <= end_ && !result_.broken) {
      Instant next = std::min({next_look_, next_scan_, next_trouble_});
      for (const Secondary& secondary : secondaries_) next = std::min(next, secondary.next_transfer);
      for (const ParentServer& server : parents_) next = std::min(next, server.next_copy);
      now_ = next;
      if (now_ > end_) break;
      transfer();
      copy_at_parents();
      if (now_ >= next_scan_) scan();
      if (now_ >= next_trouble_) trouble();
      if (now_ >= next_look_) look();
    }
    finish();
    return std::move(result_);
  }

 private:
  static constexpr Instant start{seconds{1'800'000'000}};
  static constexpr std::size_t most_events = 20'000;

  std::uint64_t pick(std::uint64_t below) { return below == 0 ? 0 : random_() % below; }
  /// At most that long; without faults always so long, for that is the worst.
  seconds up_to(seconds most) {
    if (!options_.faults) return std::max(seconds{1}, most);
    return seconds{
        1 + static_cast<std::int64_t>(pick(static_cast<std::uint64_t>(std::max<std::int64_t>(1, most.count()))))};
  }
  seconds scan_delay() {
    return options_.faults ? up_to(std::chrono::days{pick(4) == 0 ? 40 : 3}) : seconds{options_.looks_every * 6};
  }
  Instant never() const { return end_ + seconds{1}; }
  void note(std::string what) {
    if (result_.events.size() < most_events) result_.events.push_back({now_, std::move(what)});
  }

  // Before
  // --------------------------------------------------------------------------------------------------------------

  void sign_elsewhere(const SignedElsewhere& before) {
    primary_.serial = 1;
    const std::string entry = before.one_key ? "elsewhere-csk" : "elsewhere-ksk";
    const std::string zone_key = before.one_key ? entry : "elsewhere-zsk";
    primary_.keys = {entry, zone_key};
    primary_.key_signers = before.all_sign_keys ? primary_.keys : Names{entry};
    primary_.zone_signers = {zone_key};
    for (const std::string& name : primary_.keys) algorithms_[name] = static_cast<std::uint8_t>(before.algorithm);
    if (before.has_ds) registry_ = {entry};
    for (Secondary& secondary : secondaries_) secondary.zone = primary_;
    for (ParentServer& server : parents_) server.ds = registry_;
  }

  /// The tool's first look, with those keys in its folder.
  void take_over(ZoneRolls& zone) {
    KeySet keys;
    KeyMask signatures = 0;
    for (const std::string& name : primary_.keys) {
      RollingKey key;
      key.tag = static_cast<std::uint16_t>(50'000 + zone.keys.size());
      key.stem = name;
      key.algorithm = options_.before->algorithm;
      key.role = own_role_from_text(name.substr(name.size() - 3)).value_or(KeyRole::csk);
      const KeyMask me = bit(add_key(zone, std::move(key)).value_or(0));
      keys.published |= me;
      if (primary_.key_signers.contains(name)) keys.signers |= me;
      if (primary_.zone_signers.contains(name)) signatures |= me;
    }
    adopt(zone, keys, signatures);
  }

  // The zone's servers ----------------------------------------------------------------------------------------------

  void transfer() {
    for (Secondary& secondary : secondaries_) {
      if (now_ < secondary.next_transfer) continue;
      secondary.zone = primary_;
      secondary.next_transfer = never();
      retire_unserved();
    }
  }

  /// A version that no server has is handed out no more.
  void retire_unserved() {
    for (auto& zone : zones_) {
      const bool served =
          zone.what.serial == primary_.serial ||
          std::ranges::any_of(secondaries_, [&](const Secondary& s) { return s.zone.serial == zone.what.serial; });
      if (!served && !zone.last) zone.last = now_;
    }
    const seconds longest = std::max({options_.world.dnskey_ttl(), options_.world.max_zone_ttl});
    std::erase_if(zones_, [&](const auto& zone) { return zone.last && *zone.last + longest < now_; });
  }

  void publish(const ZoneRolls& keys) {
    ZoneVersion next;
    next.serial = primary_.serial + 1;
    const KeySet& set = keys.key_sets.newest();
    for (unsigned place = 0; place < keys.keys.size(); ++place) {
      const std::string& name = keys.keys[place].stem;
      if ((set.published & bit(place)) != 0) next.keys.insert(name);
      if ((set.signers & bit(place)) != 0) next.key_signers.insert(name);
      if ((keys.signatures.newest() & bit(place)) != 0) next.zone_signers.insert(name);
      if (keys.asked && (*keys.asked & bit(place)) != 0) {
        if (!next.cds) next.cds.emplace();
        next.cds->insert(name);
      }
    }
    if (keys.asked && *keys.asked == 0) next.cds.emplace();
    if (next.keys == primary_.keys && next.key_signers == primary_.key_signers &&
        next.zone_signers == primary_.zone_signers && next.cds == primary_.cds)
      return;
    for (const std::string& name : next.keys) {
      if (!disk_ || disk_->find(" " + name + " ") == std::string::npos)
        result_.broken = {now_, name + " is published, and a kill now would lose it"};
    }
    for (const std::string& name : next.zone_signers) {
      if (!next.keys.contains(name) && algorithms_of(next.keys).contains(algorithms_.at(name)))
        result_.broken = {now_, name + " signs, and is not in the DNSKEY RRset: who checks that refuses it"};
    }
    primary_ = next;
    zones_.push_back({next, std::nullopt});
    for (Secondary& secondary : secondaries_) {
      // Where somebody looks at the secondaries, they may be later than the policy says.
      const bool late = options_.faults && options_.sees_secondaries && pick(20) == 0;
      const seconds delay = late ? std::chrono::days{1 + pick(5)} : up_to(options_.world.zone_propagation);
      secondary.next_transfer = std::min(secondary.next_transfer, now_ + delay);
    }
    retire_unserved();
    validate();
  }

  // The parent ------------------------------------------------------------------------------------------------------

  /// The registry looks for CDS at one server of the zone (RFC 7344 §6).
  void scan() {
    next_scan_ = now_ + scan_delay();
    const std::size_t which = pick(secondaries_.size() + 1);
    const ZoneVersion& seen = which == secondaries_.size() ? primary_ : secondaries_[which].zone;
    if (!seen.cds || *seen.cds == registry_) return;
    registry_ = *seen.cds;
    for (ParentServer& server : parents_) {
      const bool late = options_.faults && pick(20) == 0;  // seen by whoever asks all of them
      const seconds delay = late ? std::chrono::days{1 + pick(9)} : up_to(options_.world.parent_propagation);
      server.next_copy = std::min(server.next_copy, now_ + delay);
    }
    note("the registry takes the DS of " + text_of(registry_));
  }

  void copy_at_parents() {
    for (ParentServer& server : parents_) {
      if (now_ < server.next_copy) continue;
      server.next_copy = never();
      if (server.ds == registry_) continue;
      server.ds = registry_;
      bool known = false;
      for (auto& ds : ds_) {
        if (ds.what != registry_) continue;
        ds.last.reset();
        known = true;
      }
      if (!known) ds_.push_back({registry_, std::nullopt});
      for (auto& ds : ds_) {
        const bool served = std::ranges::any_of(parents_, [&](const ParentServer& s) { return s.ds == ds.what; });
        if (!served && !ds.last) ds.last = now_;
      }
      validate();
    }
    std::erase_if(ds_, [&](const auto& ds) { return ds.last && *ds.last + options_.world.parent_ds_ttl < now_; });
  }

  // The validator ---------------------------------------------------------------------------------------------------

  std::set<std::uint8_t> algorithms_of(const Names& names) const {
    std::set<std::uint8_t> all;
    for (const std::string& name : names) all.insert(algorithms_.at(name));
    return all;
  }

  /// Told in its own words, so that a mistake of the guard is not made here again.
  bool is_chain(const Names& ds, const ZoneVersion& keys, const ZoneVersion& data) const {
    if (ds.empty()) return true;
    std::set<std::uint8_t> wanted = algorithms_of(keys.keys);
    for (const std::uint8_t algorithm : algorithms_of(ds)) {
      wanted.insert(algorithm);
      const bool entered = std::ranges::any_of(ds, [&](const std::string& name) {
        return algorithms_.at(name) == algorithm && keys.keys.contains(name) && keys.key_signers.contains(name);
      });
      if (!entered) return false;
    }
    return std::ranges::all_of(wanted, [&](std::uint8_t algorithm) {
      const auto among = [&](const Names& signers) {
        return std::ranges::any_of(signers, [&](const std::string& name) {
          return algorithms_.at(name) == algorithm && keys.keys.contains(name);
        });
      };
      return among(data.zone_signers) && among(keys.key_signers);
    });
  }

  /// Anything that may be cached, with anything else that may be.
  void validate() {
    for (const auto& ds : ds_) {
      if (ds.last && *ds.last + options_.world.parent_ds_ttl < now_) continue;
      for (const auto& keys : zones_) {
        if (keys.last && *keys.last + options_.world.dnskey_ttl() < now_) continue;
        for (const auto& data : zones_) {
          if (data.last && *data.last + options_.world.max_zone_ttl < now_) continue;
          ++result_.combinations;
          if (is_chain(ds.what, keys.what, data.what)) continue;
          result_.broken = {now_, "DS " + text_of(ds.what) + "; DNSKEY " + text_of(keys.what.keys) + "; signed by " +
                                      text_of(data.what.zone_signers)};
          return;
        }
      }
    }
  }

  static std::string text_of(const Names& names) {
    std::string text;
    for (const std::string& name : names) text += (text.empty() ? "" : ", ") + name;
    return text.empty() ? "none" : text;
  }

  // The tool --------------------------------------------------------------------------------------------------------

  bool is_killed() { return options_.faults && pick(25) == 0; }

  ClockReading clock() const {
    return {now_ + wall_offset_, std::chrono::duration_cast<seconds>(now_ - boot_),
            std::to_string(boot_.time_since_epoch().count()), wall_offset_ == seconds{0}};
  }

  Observations observe(const ZoneRolls& zone) {
    Observations observed;
    for (const ParentServer& server : parents_) {
      ParentAnswer answer;
      if (!server.silent) {
        answer.ds = 0;
        for (const std::string& name : server.ds) {
          if (const auto place = zone.place_of(name)) {
            *answer.ds |= bit(*place);
          } else {
            answer.foreign = true;
          }
        }
      }
      observed.parents.push_back(answer);
    }
    if (options_.sees_secondaries) {
      for (const Secondary& secondary : secondaries_) observed.secondaries.push_back(secondary.zone.serial);
    }
    return observed;
  }

  void look() {
    ++result_.looks;
    if (options_.changes_at && changes_ == 0 && now_ >= start + *options_.changes_at && !options_.later.empty())
      policy_ = options_.later[changes_++];
    next_look_ = now_ + options_.looks_every;
    ZoneRolls zone;
    if (disk_) {
      zone = zone_keys_from_text(*disk_).value();
      const ClockStep step = advance_clock(zone.clock, clock(), false);
      zone.clock = step.clock;
      run_once(std::move(zone), step.doubt);
    } else {
      zone = fresh_zone(policy_, advance_clock({}, clock(), false).clock);
      if (options_.before) take_over(zone);
      run_once(std::move(zone), std::nullopt);
    }
  }

  void run_once(ZoneRolls zone, const std::optional<std::string>& doubt) {
    Observations observed = observe(zone);
    observed.clock_doubt = doubt;
    for (unsigned round = 0; round < 4; ++round) {
      Decision decision = decide(policy_, zone, observed);
      while (!decision.make.empty()) {
        for (const KeyRequest& request : decision.make) make_key(zone, request);
        for (std::string& what : decision.told) note(std::move(what));
        decision = decide(policy_, zone, observed);
      }
      for (std::string& what : decision.told) note(std::move(what));
      if (is_killed()) return;
      if (!options_.publishes_before_storing) disk_ = to_text(zone);
      if (is_killed()) return;
      publish(zone);
      if (is_killed()) return;
      const bool pending = zone.key_sets.pending || zone.signatures.pending;
      note_written(zone, primary_.serial, policy_.max_zone_ttl);
      disk_ = to_text(zone);
      wake_at(zone, decision);
      if (!pending || options_.sees_secondaries) return;
    }
  }

  /// Without faults nothing happens until the time that the machine named.
  void wake_at(const ZoneRolls& zone, const Decision& decision) {
    if (options_.faults || !decision.next) return;
    Instant next = now_ + std::chrono::duration_cast<seconds>(*decision.next - zone.clock.now);
    if (options_.changes_at && changes_ == 0) next = std::min(next, start + *options_.changes_at);
    next_look_ = std::max(next_look_, next);
  }

  void make_key(ZoneRolls& zone, const KeyRequest& request) {
    RollingKey key;
    key.tag = static_cast<std::uint16_t>(++made_);
    key.stem = std::string{to_text(request.role)} + std::to_string(made_);
    key.algorithm = request.algorithm;
    key.role = request.role;
    key.standby = request.standby;
    algorithms_[key.stem] = static_cast<std::uint8_t>(key.algorithm);
    static_cast<void>(add_key(zone, std::move(key)));
  }

  void trouble() {
    next_trouble_ = now_ + up_to(options_.trouble_every);
    switch (pick(7)) {
      case 0:  // the wall clock jumps
        wall_offset_ = seconds{static_cast<std::int64_t>(pick(800 * 86400)) - 400 * 86400};
        return note("the clock is set by " + std::to_string(wall_offset_.count()) + " s");
      case 1:
        wall_offset_ = seconds{0};
        return;
      case 2:  // a restart
        boot_ = now_;
        return note("the system starts anew");
      case 3:
        parents_[pick(parents_.size())].silent ^= true;
        return;
      case 4:  // nobody runs the tool for a while
        next_look_ = now_ + up_to(std::chrono::days{30});
        return;
      case 5:
        return ask_for_roll();
      default:
        if (changes_ < options_.later.size() && pick(3) == 0) {
          policy_ = options_.later[changes_++];
          note("the policy is now " + policy_.name);
        }
    }
  }

  void ask_for_roll() {
    if (!disk_) return;
    ZoneRolls zone = zone_keys_from_text(*disk_).value();
    const unsigned place = static_cast<unsigned>(pick(zone.keys.size()));
    if (!zone.keys.empty() && start_roll(zone, bit(place))) {
      note("an operator rolls " + zone.keys[place].stem);
      disk_ = to_text(zone);
    }
  }

  void finish() {
    result_.ended_secure = std::ranges::all_of(ds_, [](const auto& ds) { return !ds.what.empty(); });
    if (!disk_) return;
    const ZoneRolls zone = zone_keys_from_text(*disk_).value();
    result_.ended_at_rest =
        std::ranges::all_of(zone.keys, [](const RollingKey& key) { return key.free || key.wanted; });
    result_.rolls = made_ - static_cast<std::uint64_t>(
                                std::ranges::count_if(zone.keys, [](const RollingKey& key) { return !key.free; }));
  }

  const RehearsalOptions& options_;
  Policy policy_;
  std::mt19937_64 random_;
  Instant now_;
  Instant end_;
  Instant next_look_;
  Instant next_scan_;
  Instant next_trouble_;
  Instant boot_;
  seconds wall_offset_{0};
  std::size_t changes_ = 0;
  std::uint64_t made_ = 0;
  std::map<std::string, std::uint8_t> algorithms_;
  ZoneVersion primary_;
  std::vector<Secondary> secondaries_;
  std::vector<ParentServer> parents_;
  Names registry_;
  std::vector<Handed<ZoneVersion>> zones_;  // with every version that is or was handed out lately
  std::vector<Handed<Names>> ds_;
  std::optional<std::string> disk_;  // the stored state
  Rehearsal result_;
};

}  // namespace

Rehearsal rehearse(const RehearsalOptions& options) { return World{options}.run(); }

}  // namespace redoubt::dnssec
