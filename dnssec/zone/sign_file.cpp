#include "dnssec/zone/sign_file.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "dns/rdata.hpp"
#include "dns/text_reading.hpp"
#include "dns/text_zone.hpp"
#include "dnssec/keys/durable_file.hpp"
#include "dnssec/sign/prepare.hpp"
#include "dnssec/zone/load.hpp"
#include "dnssec/zone/mapped_text.hpp"
#include "dnssec/zone/verify_file.hpp"

namespace redoubt::dnssec {

namespace {

constexpr unsigned default_mode = 0644;
constexpr std::int64_t doubtful_gap = 30 * 86400;  // a signer that slept longer than this beyond the last signature
constexpr std::size_t max_findings = 20;
constexpr std::size_t max_told = 5;        // one cause often has many effects
constexpr std::size_t rarest_check = 100;  // new signatures, of which about one is verified at least
constexpr std::size_t max_keys_remembered = 4096;

class FileSigning {
 public:
  FileSigning(const SignFileOptions& options, SourceZone& source) : options_{options}, source_{source} {}

  std::expected<SignFileResult, std::string> run() {
    if (auto keys = check_keys(); !keys) return std::unexpected{keys.error()};
    if (auto prepared = prepare_source(); !prepared) return std::unexpected{prepared.error()};
    if (auto loaded = load_earlier(); !loaded) return std::unexpected{loaded.error()};
    const auto earlier_serial = last_serial();
    // Whether anything is due must not depend on the serial, which is new only if something is.
    if (earlier_serial && options_.rules.serial != SerialRule::keep) set_serial(*earlier_serial);
    SigningTask task{.zone = &source_.zone,
                     .earlier = earlier_ ? &*earlier_ : nullptr,
                     .keys = options_.keys,
                     .rules = options_.rules,
                     .now = options_.now,
                     .threads = options_.threads};
    if (options_.everything) task.earlier = nullptr;
    auto signer = ZoneSigner::create(task);
    if (!signer) return std::unexpected{signer.error()};
    // Where all is new there is nothing to find out first.
    const bool all_new = !earlier_ || options_.everything;
    if (!all_new || options_.dry_run) result_.counts = signer->plan(options_.dry_run);
    result_.was_due = all_new || is_due();
    result_.serial = earlier_serial.value_or(source_.serial);
    if (!result_.was_due) return finish_unchanged();
    result_.serial = next_serial(options_.rules.serial, source_.serial, earlier_serial, options_.now);
    if (options_.rules.serial == SerialRule::keep && earlier_serial && !is_before(*earlier_serial, result_.serial))
      result_.remarks.push_back("the zone changes and its serial does not: secondaries will not notice (serial: keep)");
    if (options_.dry_run) return result_;
    set_serial(result_.serial);
    return write(*signer);
  }

 private:
  std::expected<void, std::string> check_keys() const {
    if (options_.rules.denial == DenialKind::none) return {};
    const auto any = [&](auto predicate) { return std::ranges::any_of(options_.keys, predicate); };
    if (!any([](const SigningKey& key) { return (key.secret || !key.presigned.empty()) && key.signs_keys; }))
      return std::unexpected{std::string{"no key that can sign the DNSKEY RRset"}};
    if (!any([](const SigningKey& key) { return key.secret && key.signs_zone; }))
      return std::unexpected{std::string{"no key that can sign the zone"}};
    return {};
  }

  std::expected<void, std::string> prepare_source() {
    result_.apex = source_.zone.apex();
    result_.max_ttl = source_.max_ttl;
    const auto dropped = std::ranges::count_if(source_.left_out_keys, [&](const Octets& rdata) {
      return std::ranges::find(options_.keys, rdata, &SigningKey::dnskey) == options_.keys.end();
    });
    if (dropped != 0)
      result_.remarks.push_back(std::to_string(dropped) +
                                " DNSKEY record(s) of the input are in no key file here and were left out; a foreign "
                                "key stays when its .key file lies among the keys");
    if (options_.max_zone_ttl != 0 && result_.max_ttl > options_.max_zone_ttl)
      return std::unexpected{options_.input + ": the zone has a TTL of " + std::to_string(result_.max_ttl) +
                             ", above the policy's max-zone-ttl of " + std::to_string(options_.max_zone_ttl) +
                             ": key rolls would not wait for it"};
    source_.zone.add_at_apex(
        records_of_signer(result_.apex, options_.keys, options_.rules, source_.soa_ttl, options_.withdrawn));
    return {};
  }

  std::expected<void, std::string> load_earlier() {
    std::error_code error;
    const bool is_there = std::filesystem::exists(options_.output, error);
    // What cannot be looked at may be good all the same, and is not replaced unseen.
    if (error) return std::unexpected{options_.output + ": " + error.message()};
    if (is_there) {
      auto file = MappedText::open(options_.output);
      if (!file) return std::unexpected{file.error()};
      mapped_.emplace(std::move(*file));
      earlier_ =
          EarlierText::index(mapped_->text(), result_.apex, [&](std::string_view part) { mapped_->release(part); });
      if (!earlier_) load_strange();
    } else if (options_.last_serial) {
      result_.remarks.push_back("there is no " + options_.output + " any more, all is signed anew after serial " +
                                std::to_string(*options_.last_serial));
    }
    if (auto ours = check_keys_of_earlier(); !ours) return ours;
    return check_clock();
  }

  std::expected<void, std::string> check_keys_of_earlier() const {
    if (options_.known_keys.empty()) return {};
    const auto published = at_earlier_apex(dns::type::dnskey, {});
    if (published.empty() || std::ranges::find_first_of(published, options_.known_keys) != published.end()) return {};
    std::string tags;
    for (const Octets& rdata : published) tags += (tags.empty() ? "" : ", ") + std::to_string(key_tag(rdata));
    return refuse(options_.output + ": it has keys of another signer (" + tags +
                  ") and none of the keys here; with these instead the zone would be bogus for all who hold its DS or "
                  "its old keys. Nothing was replaced; say --keys FOLDER for the folder of those, -o FILE for another "
                  "output, or --despite-missing-keys to sign all the same");
  }

  /// An output of another form: of another tool, or the input itself. It is read whole, and written in ours.
  void load_strange() {
    const auto zone = load_zone(options_.output, {.origin = result_.apex});
    if (!zone || !(zone->apex() == result_.apex)) {
      result_.remarks.push_back("the earlier output cannot be used, all is signed anew: " +
                                (zone ? "it is of another zone" : zone.error()));
      return;
    }
    for (const ZoneNode& node : zone->nodes()) {
      const std::string owner = node.name().to_text();
      for (const ZoneSet& set : zone->sets(node)) {
        for (const OctetView rdata : set.rdata()) {
          // Signatures are over sets with TTLs of their own, which the zone does not keep.
          const auto rrsig = set.type == dns::type::rrsig ? Rrsig::parse(rdata) : std::nullopt;
          append_record_line(rewritten_, owner, rrsig ? rrsig->original_ttl.seconds() : set.ttl, set.type, rdata);
        }
      }
    }
    earlier_ = EarlierText::index(rewritten_, result_.apex);
    if (!earlier_) result_.remarks.push_back("the earlier output cannot be used, all is signed anew");
  }

  /// RDATA of those records at the earlier output's apex that are of that type, or signatures over it.
  std::vector<Octets> at_earlier_apex(dns::RrType type, dns::RrType covered) const {
    std::vector<Octets> found;
    if (!earlier_) return found;
    EarlierText::Reader reader{*earlier_};
    for (const EarlierText::Line& line : reader.at(result_.apex, result_.apex.to_text(), false)) {
      if (line.type != type || line.covered != covered) continue;
      auto record = dns::read_plain_line(line.text, {dns::Name{}, dns::Ttl::from_wire(0), std::nullopt});
      if (record) found.push_back(std::move(record->rdata));
    }
    return found;
  }

  std::optional<std::uint32_t> serial_before() const {
    const auto soa = at_earlier_apex(dns::type::soa, {});
    if (soa.empty()) return std::nullopt;
    const auto fields = dns::parse_soa(soa.front());
    return fields ? std::optional{fields->serial} : std::nullopt;
  }

  /// Secondaries do not go back, and one that has a later serial seems to have seen what it never saw.
  std::optional<std::uint32_t> last_serial() const {
    auto earlier = serial_before();
    // A source that is signed was served with these signatures and this serial.
    if (!earlier && !source_.left_out_keys.empty()) earlier = source_.serial;
    const auto known = options_.last_serial;
    return known && (!earlier || is_before(*earlier, *known)) ? known : earlier;
  }

  /// A clock that jumped would put out signatures that nobody can use, or let good ones be thrown away.
  std::expected<void, std::string> check_clock() {
    if (options_.clock_is_right) return {};
    const auto now = static_cast<std::uint32_t>(options_.now);
    bool has_signature = false;
    for (const Octets& rdata : at_earlier_apex(dns::type::rrsig, dns::type::soa)) {
      const auto rrsig = Rrsig::parse(rdata);
      if (!rrsig) continue;
      has_signature = true;
      if (is_before(now, rrsig->inception))
        return std::unexpected{options_.output +
                               " was signed in what this clock calls the future: the clock is wrong, or was. If it is "
                               "right now, say --clock-is-right"};
      if (is_before(rrsig->expiration + static_cast<std::uint32_t>(doubtful_gap), now))
        return std::unexpected{options_.output +
                               " expired more than 30 days ago by this clock: the clock is wrong, or nobody signed. If "
                               "it is right, say --clock-is-right"};
    }
    return has_signature ? std::expected<void, std::string>{} : check_clock_by_last_run();
  }

  /// No signature tells what time it was: then the run before does, with the same tolerances.
  std::expected<void, std::string> check_clock_by_last_run() const {
    if (!options_.last_run || options_.rules.denial == DenialKind::none) return {};
    if (options_.now + options_.rules.backdate.count() < *options_.last_run)
      return std::unexpected{options_.output +
                             ": the last run was in what this clock calls the future: the clock is wrong, or was. If "
                             "it is right now, say --clock-is-right"};
    if (*options_.last_run + options_.rules.lifetime.count() + doubtful_gap < options_.now)
      return std::unexpected{options_.output +
                             ": what the last run signed expired more than 30 days ago by this clock: the clock is "
                             "wrong, or nobody signed. If it is right, say --clock-is-right"};
    return {};
  }

  void set_serial(std::uint32_t serial) {
    Zone& zone = source_.zone;
    const ZoneSet* soa = zone.find(zone.nodes().front(), dns::type::soa);
    dns::RdataList rdata;
    rdata.add(with_serial(*soa->rdata().begin(), serial));
    zone.replace(dns::type::soa, rdata);
  }

  bool is_due() const {
    // The ZONEMD is made last and never counted as changed: with nothing else new, it is as it was.
    if (result_.counts.made != 0 || result_.counts.changed != 0) return true;
    if (result_.counts.gone != 0) return true;  // a key stopped signing: the last step of a roll
    std::size_t now = 0;
    for (const ZoneNode& node : source_.zone.nodes()) now += node.set_count;
    return earlier_->set_count() != now + result_.counts.proofs;  // something went
  }

  SignFileResult finish_unchanged() {
    result_.earliest_expiration = earlier_->earliest_expiration();
    return std::move(result_);
  }

  std::expected<SignFileResult, std::string> write(const ZoneSigner& signer) {
    struct stat status {};
    const bool there = ::stat(options_.output.c_str(), &status) == 0;
    auto file = DurableFile::create(options_.output, there ? status.st_mode & 0777 : default_mode);
    if (!file) return std::unexpected{file.error()};
    std::string trouble;
    const auto counts = signer.sign([&](std::string_view text, std::size_t done, std::size_t all) {
      progress("signing", done, all);
      auto written = file->write(octets_of(text));
      if (!written) trouble = written.error();
      return written.has_value();
    });
    if (!counts) return std::unexpected{trouble.empty() ? counts.error() : trouble};
    result_.counts = *counts;
    forget_earlier();
    if (auto checked = check(file->temporary_path()); !checked) return std::unexpected{checked.error()};
    if (auto done = file->commit(); !done) return std::unexpected{done.error()};
    result_.written = true;
    return std::move(result_);
  }

  void forget_earlier() {
    earlier_.reset();
    rewritten_ = {};
    mapped_.reset();
  }

  /// What was written, read back and judged without a look at how it was made.
  std::expected<void, std::string> check(const std::string& path) {
    progress("checking", 0, 1);
    const auto unreadable = [](const std::string& why) {
      return std::unexpected{"the output cannot be read back, nothing was replaced: " + why};
    };
    if (options_.rules.denial == DenialKind::none) {
      const auto zone = load_zone(path, {.origin = result_.apex});
      return zone ? std::expected<void, std::string>{} : unreadable(zone.error());
    }
    const auto checked = verify_zone_file(path, result_.apex,
                                          {.now = options_.now,
                                           .threads = options_.threads,
                                           .max_findings = max_findings,
                                           .one_in = one_in(result_.counts.kept),
                                           .new_inception = new_inception(),
                                           .one_in_new = std::min(rarest_check, one_in(result_.counts.made)),
                                           .trusted_ds = {}});
    if (!checked) return unreadable(checked.error());
    const ZoneVerdict& verdict = checked->verdict;
    result_.earliest_expiration = verdict.earliest_expiration;
    result_.verified = verdict.verified;
    if (verdict.is_good()) return {};
    std::string text = "the output would not validate, nothing was replaced:";
    std::size_t told = 0;
    for (const ZoneFinding& finding : verdict.findings) {
      if (finding.severity != Severity::fault || told == max_told) continue;
      text += "\n" + finding.to_text();
      ++told;
    }
    if (verdict.faults > told) text += "\nand " + std::to_string(verdict.faults - told) + " more faults";
    return refuse(text);
  }

  std::unexpected<std::string> refuse(std::string why) const {
    if (options_.on_refusal) options_.on_refusal();
    return std::unexpected{std::move(why)};
  }

  /// What was kept was made by a run before this one, which verified its share of it.
  std::size_t one_in(std::size_t signatures) const {
    return std::max<std::size_t>(1, signatures / std::max<std::size_t>(1, options_.checked_signatures));
  }

  /// As the signer writes it; what was signed ahead elsewhere is about keys, and always verified.
  std::uint32_t new_inception() const {
    return static_cast<std::uint32_t>(options_.now - options_.rules.backdate.count());
  }

  void progress(std::string_view step, std::size_t done, std::size_t all) const {
    if (options_.progress) options_.progress(step, done, all);
  }

  const SignFileOptions& options_;
  SignFileResult result_;
  SourceZone& source_;
  std::optional<MappedText> mapped_;    // the earlier output,
  std::string rewritten_;               // or that in our form,
  std::optional<EarlierText> earlier_;  // and where its names are
};

}  // namespace

std::expected<SourceZone, std::string> read_source(const SignFileOptions& options) {
  if (options.progress) options.progress("reading", 0, 1);
  SourceZone source;
  LoadOptions load{.origin = options.origin};
  load.leave_out = [&](const dns::Name& apex, const dns::Record& record) {
    if (!is_made_by_signer(apex, record, options.rules)) return false;
    if (record.type == dns::type::dnskey && source.left_out_keys.size() < max_keys_remembered)
      source.left_out_keys.push_back(record.rdata);
    return true;
  };
  load.look = [&](const dns::Record& record) { source.max_ttl = std::max(source.max_ttl, record.ttl.seconds()); };
  auto zone = load_zone(options.input, load);
  if (!zone) return std::unexpected{zone.error()};
  source.zone = std::move(*zone);
  source.serial = serial_of(source.zone).value_or(0);
  source.soa_ttl = source.zone.find(source.zone.nodes().front(), dns::type::soa)->ttl;
  return source;
}

std::expected<SignFileResult, std::string> sign_file(const SignFileOptions& options, SourceZone& source) {
  return FileSigning{options, source}.run();
}

std::expected<SignFileResult, std::string> sign_file(const SignFileOptions& options) {
  auto source = read_source(options);
  if (!source) return std::unexpected{source.error()};
  return sign_file(options, *source);
}

}  // namespace redoubt::dnssec
