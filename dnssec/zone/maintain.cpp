#include "dnssec/zone/maintain.hpp"

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <utility>

#include "dnssec/zone/adopt.hpp"
#include "dnssec/zone/check_zone.hpp"
#include "dnssec/zone/load.hpp"
#include "dnssec/zone/offline_keys.hpp"
#include "dnssec/zone/state_file.hpp"
#include "dnssec/zone/take_back.hpp"

namespace redoubt::dnssec {

namespace {

constexpr unsigned max_rounds = 8;  // steps that one run may take, one after the other
constexpr std::size_t max_told_findings = 20;

class Maintenance {
 public:
  explicit Maintenance(const MaintainOptions& options) : options_{options}, keys_{*options.keys} {}

  std::expected<MaintainResult, std::string> run() {
    file_ = options_.file;
    file_.rules = options_.policy.signing;
    auto source = read_source(file_);
    if (!source) return std::unexpected{source.error()};
    source_.emplace(std::move(*source));
    apex_ = source_->zone.apex();
    if (auto fit = check_source(); !fit) return std::unexpected{fit.error()};
    std::error_code error;
    if (!std::filesystem::is_directory(keys_.path(), error)) {
      if (auto all_here = refuse_missing_keys(adopt_from(), {}); !all_here) return std::unexpected{all_here.error()};
      if (file_.dry_run) return without_folder();
    }
    if (auto made = keys_.make(); !made) return std::unexpected{made.error()};
    const auto lock = FolderLock::take(keys_.path());
    if (!lock) return std::unexpected{lock.error()};
    auto stored = keys_.keys_of(apex_);
    if (!stored) return std::unexpected{stored.error()};
    result_.keys = std::move(*stored);
    if (auto ahead = load_signed_ahead(); !ahead) return std::unexpected{ahead.error()};
    if (auto known = recall(); !known) return std::unexpected{known.error()};
    if (auto hidden = check_exposure(); !hidden) return std::unexpected{hidden.error()};
    const auto asked_before = zone_.asked;
    for (unsigned round = 0; round < max_rounds; ++round) {
      auto again = once();
      if (!again) return std::unexpected{again.error()};
      if (!*again) break;
    }
    describe_ds();
    tell_remarks();
    result_.asks_parent_anew = result_.file.written && file_.rules.cds && zone_.asked != asked_before;
    result_.zone = std::move(zone_);
    return std::move(result_);
  }

 private:
  /// What `zone check` calls a fault is not signed, for afterwards it is wrong with a signature on it.
  std::expected<void, std::string> check_source() {
    const ZoneVerdict verdict = check_zone(source_->zone, {.max_findings = max_told_findings});
    std::vector<ZoneFinding> faults;
    for (const ZoneFinding& finding : verdict.findings) {
      if (finding.severity == Severity::fault) faults.push_back(finding);
      remarks_.push_back(finding.to_text());
    }
    if (faults.empty() || options_.despite_faults) return {};
    std::string text;
    for (const std::string& one : with_places(file_.input, file_.origin, faults)) text += one + "\n";
    return std::unexpected{text + "nothing was signed; --despite-faults signs it as it is"};
  }

  /// Remarks about a file that has not changed would be told anew each day.
  void tell_remarks() {
    if (result_.file.was_due) std::ranges::move(remarks_, std::back_inserter(result_.file.remarks));
    std::ranges::move(warnings_, std::back_inserter(result_.file.remarks));
    for (const StoredKey& key : result_.keys) {
      if (key.exposed) result_.file.remarks.push_back(keys_.exposure_of(key));
    }
  }

  /// A key that others may have is used only by who knows that. After recall(), which opens keys that leave.
  std::expected<void, std::string> check_exposure() const {
    if (options_.despite_exposure) return {};
    return keys_.refuse_exposed(result_.keys);
  }

  std::expected<MaintainResult, std::string> without_folder() {
    result_.file.apex = apex_;
    result_.file.was_due = true;
    result_.keys_missing = true;
    tell_remarks();
    return std::move(result_);
  }

  // Keys that are kept elsewhere -------------------------------------------------------------------------------------

  bool is_offline(const StoredKey& key) const { return is_kept_elsewhere(options_.policy, key); }

  std::expected<void, std::string> load_signed_ahead() {
    if (!options_.policy.offline_ksk) return {};
    auto sets = accepted_key_sets(keys_, apex_);
    if (!sets) return std::unexpected{sets.error()};
    signed_ahead_ = std::move(*sets);
    if (!signed_ahead_) return {};
    if (auto good = check_presigned(*signed_ahead_, result_.keys); !good) return good;
    const Instant until{seconds{signed_ahead_->until}};
    result_.signed_ahead_until = until;
    if (until - Instant{seconds{file_.now}} < 2 * options_.policy.signing.refresh)
      warnings_.push_back(
          "what the KSK signed ahead ends soon: have more signed (key request, key presign, key accept)");
    return {};
  }

  /// Whether every signature by a key that is kept elsewhere is there, for what would be published.
  bool is_signed_ahead_for(const ZoneRolls& zone) const {
    std::vector<Octets> published;
    std::vector<Octets> cds;
    for (const StoredKey& key : result_.keys) {
      const auto place = zone.place_of(key.stem);
      if (place && (zone.key_sets.newest().published & bit(*place)) != 0) published.push_back(key.dnskey);
      if (place && (zone.asked.value_or(0) & bit(*place)) != 0)
        cds.push_back(ds_rdata(apex_, key.dnskey, DsDigest::sha256));
    }
    std::ranges::sort(published);
    std::ranges::sort(cds);
    return std::ranges::all_of(result_.keys, [&](const StoredKey& key) {
      const auto place = zone.place_of(key.stem);
      const bool signs = place && (zone.key_sets.newest().signers & bit(*place)) != 0;
      if (!signs || !is_offline(key)) return true;
      if (!signed_ahead_) return false;
      const auto has = [&](dns::RrType type, const std::vector<Octets>& rdata) {
        return is_signed_ahead(*signed_ahead_, key, type, rdata, file_.now);
      };
      return has(dns::type::dnskey, published) && (!file_.rules.cds || cds.empty() || has(dns::type::cds, cds));
    });
  }

  // What is known ----------------------------------------------------------------------------------------------------

  std::expected<void, std::string> recall() {
    auto state = read_state(keys_, apex_);
    if (!state) return std::unexpected{state.error()};
    if (!*state) {
      zone_ = fresh_zone(options_.policy, advance_clock({}, options_.clock, false).clock);
      zone_.policy = options_.policy_name;
      return adopt_output();
    }
    zone_ = std::move(**state);
    stored_policy_ = zone_.policy;
    if (auto same = compare_policy(); !same) return same;
    if (zone_.written_serial != 0 && zone_.clock.last)
      file_.last_run = zone_.clock.last->wall.time_since_epoch().count();
    stored_clock_ = zone_.clock;
    ClockStep step = advance_clock(zone_.clock, options_.clock, options_.file.clock_is_right);
    zone_.clock = std::move(step.clock);
    clock_doubt_ = std::move(step.doubt);
    return compare_with_folder();
  }

  std::expected<void, std::string> compare_policy() {
    const std::string& name = options_.policy_name;
    const std::string before = std::exchange(zone_.policy, name.empty() ? zone_.policy : name);
    if (before.empty() || before == zone_.policy) return {};
    if (!options_.policy_is_chosen)
      return std::unexpected{keys_.path() + ": the zone was signed by the policy " + before + "; say --policy " +
                             before + " to go on with it, or --policy " + name + " to change to that one"};
    result_.told.push_back("the policy changes from " + before + " to " + name);
    return {};
  }

  std::expected<void, std::string> compare_with_folder() {
    for (RollingKey& key : zone_.keys) {
      if (key.free) continue;
      const auto stored = std::ranges::find(result_.keys, key.stem, &StoredKey::stem);
      if (stored != result_.keys.end()) {
        // It leaves, and is still needed: retired keys are opened for those who know that.
        if (!stored->retired || key.role == KeyRole::foreign) continue;
        if (auto opened = keys_.unlock(*stored); !opened) return opened;
        continue;
      }
      if (key.role != KeyRole::foreign)
        return std::unexpected{keys_.path() + ": " + key.stem + ".key is gone, and the zone needs it"};
      key.wanted = false;
    }
    for (const StoredKey& key : result_.keys) {
      if (zone_.place_of(key.stem) || key.retired) continue;
      if (options_.policy.offline_ksk && (key.secret || key.is_entry_point())) continue;  // for a roll to come
      if (!key.secret) {
        take_in(zone_, key, KeyRole::foreign);
      } else {
        result_.told.push_back(key.stem + " is not used (import: when there is no state yet)");
      }
    }
    return {};
  }

  AdoptFrom adopt_from() const {
    return {.output = file_.output,
            .input = file_.input,
            .input_is_signed = !source_->left_out_keys.empty(),
            .apex = apex_,
            .policy = options_.policy,
            .folder = keys_,
            .despite_missing_keys = options_.despite_missing_keys};
  }

  std::expected<void, std::string> adopt_output() {
    const auto taken = adopt_signed_zone(adopt_from(), zone_, result_.keys);
    if (!taken) return std::unexpected{taken.error()};
    if (*taken) result_.told.push_back("takes over the keys that the zone is signed with");
    return {};
  }

  // One step ---------------------------------------------------------------------------------------------------------

  /// Whether there may be more to do at once.
  std::expected<bool, std::string> once() {
    cause_ = "zone sign";
    Observations observed;
    if (options_.observe) observed = options_.observe(apex_, zone_, result_.keys);
    observed.clock_doubt = clock_doubt_;
    const ZoneRolls before = zone_;
    made_.clear();
    Decision decision = decide(options_.policy, zone_, observed);
    if (!decision.make.empty()) {
      note(decision);
      if (file_.dry_run) return pretend(decision);
      for (const KeyRequest& request : decision.make) {
        if (auto made = make_key(request); !made) return std::unexpected{made.error()};
      }
      decision = decide(options_.policy, zone_, observed);
    }
    if (!is_signed_ahead_for(zone_)) {
      if (before.key_sets.newest().published == 0)
        return std::unexpected{keys_.path() +
                               ": the KSK is kept elsewhere, and has signed nothing ahead that fits: "
                               "key request, key presign there, key accept here"};
      decision = stay(before, observed);
    }
    note(decision);
    if (!file_.dry_run) {
      if (auto stored = store_ahead(); !stored) return std::unexpected{stored.error()};
    }
    const bool pending = zone_.key_sets.pending || zone_.signatures.pending;
    if (auto done = write(); !done) return std::unexpected{done.error() + undo(before)};
    if (file_.dry_run) return false;
    stored_policy_ = zone_.policy;
    note_written(zone_, result_.file.serial, seconds{result_.file.max_ttl});
    stored_clock_ = zone_.clock;
    if (auto stored = store_state(keys_, apex_, zone_, cause_); !stored) return std::unexpected{stored.error()};
    return pending && observed.secondaries.empty();
  }

  /// Before anything is put out. The clock's reading counts once a run has come to its end: a clock for which a run
  /// ends in an error would be believed by the next one.
  std::expected<void, std::string> store_ahead() const {
    ZoneRolls ahead = zone_;
    if (stored_clock_) ahead.clock = *stored_clock_;
    return store_state(keys_, apex_, ahead, cause_);
  }

  /// returns  what to add to the error
  std::string undo(const ZoneRolls& before) const {
    if (!was_refused_ || file_.dry_run) return "";
    ZoneRolls back = before;
    back.policy = stored_policy_;
    if (stored_clock_) back.clock = *stored_clock_;
    const auto done = take_back(keys_, apex_, back, zone_, made_, file_.now);
    return done ? "" : "\n" + done.error();
  }

  /// The next key set is not signed ahead: all stays as it is, and time goes on.
  Decision stay(const ZoneRolls& before, const Observations& observed) {
    zone_ = before;
    const auto held = std::exchange(zone_.held, "not signed ahead");
    Decision decision = decide(options_.policy, zone_, observed);
    zone_.held = held;
    decision.waiting = {"the next key set is not among those that the KSK signed ahead (key request)"};
    zone_.waiting = decision.waiting;
    return decision;
  }

  void note(Decision& decision) {
    // For the history. What it says of single keys is there by itself.
    for (const std::string& what : decision.told) {
      if (!what.starts_with("key ")) cause_ += (cause_ == "zone sign" ? ": " : "; ") + what;
    }
    for (std::string& what : decision.told) result_.told.push_back(std::move(what));
    result_.waiting = std::move(decision.waiting);
    result_.later = std::move(decision.later);
    result_.next = decision.next;
  }

  std::expected<bool, std::string> pretend(const Decision& decision) {
    for (const KeyRequest& request : decision.make)
      result_.told.push_back("would make a " + std::string{to_text(request.role)} + " (" +
                             algorithm_to_text(static_cast<std::uint8_t>(request.algorithm)) + ")");
    result_.keys_missing = zone_.key_sets.newest().published == 0;
    if (result_.keys_missing) return false;
    if (auto done = write(); !done) return std::unexpected{done.error()};
    return false;
  }

  std::expected<void, std::string> make_key(const KeyRequest& request) {
    if (options_.policy.offline_ksk) {
      const auto spare = std::ranges::find_if(result_.keys, [&](const StoredKey& key) {
        return !key.retired && key.flags == flags_of(request.role) && key.algorithm == request.algorithm &&
               !zone_.place_of(key.stem) && (key.secret || is_offline(key));
      });
      if (spare != result_.keys.end()) {
        result_.told.push_back("takes " + spare->stem + " (" + std::string{to_text(request.role)} + ")");
        take_in(zone_, *spare, request.role);
        return {};
      }
      if (request.role != KeyRole::zsk)
        return std::unexpected{keys_.path() +
                               ": a KSK is needed; make it where KSKs are kept (key generate), and put "
                               "its .key file here"};
    }
    auto made = make_key_by(keys_, options_.policy, apex_, request.algorithm, request.role);
    if (!made) return std::unexpected{made.error()};
    result_.told.push_back("made " + made->stem + " (" + std::string{to_text(request.role)} + ")");
    made_.push_back(made->stem);
    take_in(zone_, *made, request.role);
    zone_.keys[*zone_.place_of(made->stem)].standby = request.standby;
    result_.keys.push_back(std::move(*made));
    return {};
  }

  std::expected<void, std::string> write() {
    SignFileOptions file = file_;
    if (zone_.written_serial != 0) file.last_serial = zone_.written_serial;  // 0: nothing was written yet
    const KeySet set = zone_.key_sets.newest();
    const KeyMask signing = zone_.signatures.newest();
    const Written now{set, signing, zone_.asked};
    if (written_ && *written_ == now) return {};  // by this run, with the same keys
    written_ = now;
    const bool is_unsigned = set.published == 0 && signing == 0;
    if (is_unsigned) file.rules.denial = DenialKind::none;
    file.withdrawn = !is_unsigned && zone_.asked == KeyMask{0};
    file.keys.clear();
    for (const StoredKey& stored : result_.keys) {
      const auto place = zone_.place_of(stored.stem);
      if (!place) continue;
      SigningKey key;
      key.dnskey = stored.dnskey;
      key.tag = stored.tag;
      key.algorithm = stored.algorithm;
      key.secret = stored.secret;
      key.published = (set.published & bit(*place)) != 0;
      key.signs_keys = (set.signers & bit(*place)) != 0;
      key.signs_zone = (signing & bit(*place)) != 0;
      key.in_cds = (zone_.asked.value_or(0) & bit(*place)) != 0;
      if (is_offline(stored) && signed_ahead_) key.presigned = signatures_of(*signed_ahead_, stored);
      if ((key.signs_keys || key.signs_zone) && !key.secret && (key.signs_zone || key.presigned.empty()))
        return std::unexpected{keys_.path() + ": the private half of " + stored.stem + " is not here, and is needed"};
      if (key.published || key.signs_zone) file.keys.push_back(std::move(key));
    }
    if (!is_signed_ahead_for(zone_))
      return std::unexpected{keys_.path() + ": what the KSK signed ahead has run out, or has not begun; key request"};
    was_refused_ = false;
    file.on_refusal = [this] { was_refused_ = true; };
    if (!options_.despite_missing_keys) {
      for (const StoredKey& stored : result_.keys) file.known_keys.push_back(stored.dnskey);
    }
    auto done = sign_file(file, *source_);
    if (!done) return std::unexpected{done.error() + troubles()};
    take_result(std::move(*done));
    return {};
  }

  /// What devices said that did not sign.
  std::string troubles() const {
    std::string text;
    for (const StoredKey& key : result_.keys) {
      if (key.secret && !key.secret->trouble().empty()) text += "; " + key.stem + ": " + key.secret->trouble();
    }
    return text;
  }

  /// One run may write the zone several times; what it did is told as one.
  void take_result(SignFileResult&& done) {
    std::vector<std::string> remarks = std::move(result_.file.remarks);
    for (std::string& remark : done.remarks) {
      if (std::ranges::find(remarks, remark) == remarks.end()) remarks.push_back(std::move(remark));
    }
    const bool before = result_.file.written;
    const std::uint64_t made = before ? result_.file.counts.made : 0;
    if (!before || done.written) {
      result_.file = std::move(done);
      result_.file.counts.made += made;
    }
    result_.file.written = result_.file.written || before;
    result_.file.was_due = result_.file.was_due || before;
    result_.file.remarks = std::move(remarks);
  }

  void describe_ds() {
    const KeyMask wanted = zone_.asked.value_or(0);
    for (const StoredKey& stored : result_.keys) {
      const auto place = zone_.place_of(stored.stem);
      if (!place) continue;
      // Before anything is asked for, what will be: so that an operator can prepare it.
      const RollingKey& key = zone_.keys[*place];
      const bool will_be = !zone_.asked && key.wanted && key.is_for_keys() && !key.standby;
      if ((wanted & bit(*place)) != 0 || will_be)
        result_.ds.push_back(ds_rdata(apex_, stored.dnskey, DsDigest::sha256));
    }
  }

  /// What decides how a zone is signed, of all that changes within a run.
  struct Written {
    KeySet keys;
    KeyMask signing;
    std::optional<KeyMask> asked;
    bool operator==(const Written&) const = default;
  };

  const MaintainOptions& options_;
  const KeyFolder& keys_;
  SignFileOptions file_;
  std::optional<SourceZone> source_;
  std::optional<Written> written_;
  std::vector<std::string> remarks_;   // about the zone file
  std::vector<std::string> warnings_;  // told each time
  std::optional<PresignedSets> signed_ahead_;
  dns::Name apex_;
  ZoneRolls zone_;
  std::optional<std::string> clock_doubt_;
  std::string cause_;                         // of what is stored
  std::optional<MachineClock> stored_clock_;  // nothing: there is no state yet
  std::string stored_policy_;                 // empty: none
  std::vector<std::string> made_;             // keys, by the step that is taken
  bool was_refused_ = false;                  // what that step would have put out
  MaintainResult result_;
};

}  // namespace

std::expected<MaintainResult, std::string> maintain(const MaintainOptions& options) {
  return Maintenance{options}.run();
}

}  // namespace redoubt::dnssec
