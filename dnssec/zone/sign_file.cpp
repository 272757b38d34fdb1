#include "dnssec/zone/sign_file.hpp"

#include <sys/stat.h>

#include <algorithm>
#include <filesystem>

#include "dns/rdata.hpp"
#include "dns/text_zone.hpp"
#include "dnssec/keys/durable_file.hpp"
#include "dnssec/sign/prepare.hpp"
#include "dnssec/zone/load.hpp"
#include "dnssec/zone/verify_file.hpp"

namespace redoubt::dnssec {

namespace {

constexpr unsigned default_mode = 0644;
constexpr std::int64_t doubtful_gap = 30 * 86400;  // a signer that slept longer than this beyond the last signature
constexpr std::size_t max_told = 20;
constexpr std::size_t rarest_check = 100;  // signatures of the output, of which at least one is verified
constexpr std::size_t max_keys_remembered = 4096;

class FileSigning {
 public:
  FileSigning(const SignFileOptions& options, SourceZone& source) : options_{options}, source_{source} {}

  std::expected<SignFileResult, std::string> run() {
    if (auto keys = check_keys(); !keys) return std::unexpected{keys.error()};
    if (auto prepared = prepare_source(); !prepared) return std::unexpected{prepared.error()};
    if (auto loaded = load_earlier(); !loaded) return std::unexpected{loaded.error()};
    const auto earlier_serial = earlier_ ? serial_of(*earlier_) : std::nullopt;
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
    if (!all_new || options_.dry_run) result_.counts = signer->plan();
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
    if (!std::filesystem::exists(options_.output, error)) return {};
    auto zone = load_zone(options_.output, {.origin = result_.apex});
    if (!zone || !(zone->apex() == result_.apex)) {
      result_.remarks.push_back("the earlier output cannot be used, all is signed anew: " +
                                (zone ? "it is of another zone" : zone.error()));
      return {};
    }
    earlier_.emplace(std::move(*zone));
    return check_clock();
  }

  /// A clock that jumped would put out signatures that nobody can use, or let good ones be thrown away.
  std::expected<void, std::string> check_clock() {
    const ZoneSet* signatures = earlier_->find(earlier_->nodes().front(), dns::type::rrsig);
    if (signatures == nullptr || options_.clock_is_right) return {};
    const auto now = static_cast<std::uint32_t>(options_.now);
    for (const OctetView rdata : signatures->rdata()) {
      const auto rrsig = Rrsig::parse(rdata);
      if (!rrsig || rrsig->covered != dns::type::soa) continue;
      if (is_before(now, rrsig->inception))
        return std::unexpected{options_.output +
                               " was signed in what this clock calls the future: the clock is wrong, or was. If it is "
                               "right now, say --clock-is-right"};
      if (is_before(rrsig->expiration + static_cast<std::uint32_t>(doubtful_gap), now))
        return std::unexpected{options_.output +
                               " expired more than 30 days ago by this clock: the clock is wrong, or nobody signed. If "
                               "it is right, say --clock-is-right"};
    }
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
    // The ZONEMD is made last and never counted as changed or kept: with nothing else new, it is as it was.
    if (result_.counts.made != 0 || result_.counts.changed != 0) return true;
    std::size_t now = 0;
    std::size_t before = 0;
    for (const ZoneNode& node : source_.zone.nodes()) now += node.set_count;
    for (const ZoneNode& node : earlier_->nodes()) {
      for (const ZoneSet& set : earlier_->sets(node)) before += set.type == dns::type::rrsig ? 0 : 1;
    }
    return before != now + result_.counts.proofs;  // something went
  }

  SignFileResult finish_unchanged() {
    for (const ZoneNode& node : earlier_->nodes()) {
      const ZoneSet* signatures = earlier_->find(node, dns::type::rrsig);
      if (signatures == nullptr) continue;
      for (const OctetView rdata : signatures->rdata()) {
        const auto rrsig = Rrsig::parse(rdata);
        if (rrsig && (result_.earliest_expiration == 0 || is_before(rrsig->expiration, result_.earliest_expiration)))
          result_.earliest_expiration = rrsig->expiration;
      }
    }
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
    earlier_.reset();
    if (auto checked = check(file->temporary_path()); !checked) return std::unexpected{checked.error()};
    if (auto done = file->commit(); !done) return std::unexpected{done.error()};
    result_.written = true;
    return std::move(result_);
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
    const auto checked =
        verify_zone_file(path, result_.apex,
                         {.now = options_.now,
                          .threads = options_.threads,
                          .max_findings = max_told,
                          .one_in = std::clamp<std::size_t>((result_.counts.made + result_.counts.kept) /
                                                                std::max<std::size_t>(1, options_.checked_signatures),
                                                            1, rarest_check),
                          .trusted_ds = {}});
    if (!checked) return unreadable(checked.error());
    const ZoneVerdict& verdict = checked->verdict;
    result_.earliest_expiration = verdict.earliest_expiration;
    result_.verified = verdict.verified;
    if (verdict.is_good()) return {};
    std::string text = "the output would not validate, nothing was replaced:";
    for (const ZoneFinding& finding : verdict.findings) {
      if (finding.severity == Severity::fault) text += "\n" + finding.to_text();
    }
    return std::unexpected{text};
  }

  void progress(std::string_view step, std::size_t done, std::size_t all) const {
    if (options_.progress) options_.progress(step, done, all);
  }

  const SignFileOptions& options_;
  SignFileResult result_;
  SourceZone& source_;
  std::optional<Zone> earlier_;
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
