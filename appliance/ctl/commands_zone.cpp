// zone sign, verify, check and policy.
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <filesystem>

#include "appliance/config/units.hpp"
#include "appliance/ctl/daemon_keys.hpp"
#include "appliance/ctl/notify_support.hpp"
#include "appliance/ctl/signing_support.hpp"
#include "appliance/log/log.hpp"
#include "appliance/signing/watch.hpp"
#include "dns/text.hpp"
#include "dnssec/zone/bootstrap.hpp"
#include "dnssec/zone/check_zone.hpp"
#include "dnssec/zone/load.hpp"
#include "dnssec/zone/maintain.hpp"
#include "dnssec/zone/verify_file.hpp"

namespace redoubt::ctl {

namespace {

using nlohmann::json;
using namespace dnssec;

/// On a terminal, long work says where it is; elsewhere it is silent.
class Progress {
 public:
  explicit Progress(const Context& context)
      : out_{&context.err}, shown_{!context.json && ::isatty(STDERR_FILENO) == 1} {}
  ~Progress() {
    if (used_) *out_ << "\r\033[K";
  }
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;
  void operator()(std::string_view step, std::size_t done, std::size_t all) {
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || now - last_ < std::chrono::milliseconds{200}) return;
    last_ = now;
    used_ = true;
    *out_ << fmt::format("\r{} {} %\033[K", step, all == 0 ? 100 : done * 100 / all) << std::flush;
  }

 private:
  std::ostream* out_;
  bool shown_;
  bool used_ = false;
  std::chrono::steady_clock::time_point last_ = std::chrono::steady_clock::now();
};

std::expected<std::vector<dns::Endpoint>, std::string> endpoints_of(const std::vector<std::string>& texts) {
  std::vector<dns::Endpoint> endpoints;
  for (const std::string& text : texts) {
    const auto at = dns::Endpoint::from_text(text, 53);
    if (!at) return std::unexpected{text + ": expected an address such as 192.0.2.1 or 2001:db8::1@5353"};
    endpoints.push_back(*at);
  }
  return endpoints;
}

std::string ds_line(const dns::Name& apex, const Octets& rdata) {
  return fmt::format("{} IN DS {}", apex.to_text(), dns::rdata_to_text(dns::type::ds, dns::rr_class::in, rdata));
}

json to_json(const MaintainResult& result, const ZoneSignOptions& options) {
  json ds = json::array();
  for (const Octets& rdata : result.ds) ds.push_back(ds_line(result.file.apex, rdata));
  json body{
      {"zone", result.file.apex.to_text()},
      {"output", options.output},
      {"due", result.file.was_due},
      {"written", result.file.written},
      {"serial", result.file.serial},
      {"names", result.file.counts.names},
      {"signatures",
       {{"made", result.file.counts.made}, {"kept", result.file.counts.kept}, {"verified", result.file.verified}}},
      {"ds", ds},
      {"keys", ctl::to_json(result.zone)},
      {"parent-settled", result.zone.settled},
      {"done", result.told},
      {"waiting", result.waiting},
      {"later", ctl::to_json(result.later)},
      {"remarks", result.file.remarks}};
  if (result.file.earliest_expiration != 0) body["earliest-expiration"] = result.file.earliest_expiration;
  if (result.signed_ahead_until) body["signed-ahead-until"] = time_text(*result.signed_ahead_until);
  if (result.next) body["next"] = time_text(*result.next);
  return body;
}

void show(const Context& context, const MaintainResult& result, const ZoneSignOptions& options) {
  for (const std::string& what : result.told) context.out << what << "\n";
  for (const std::string& why : result.waiting) context.out << "waiting: " << why << "\n";
  for (const LaterStep& step : result.later) context.out << to_line(step) << "\n";
  for (const std::string& remark : result.file.remarks) context.err << "note: " << remark << "\n";
  const SigningCounts& counts = result.file.counts;
  if (result.keys_missing) {
    context.out << "dry run: there are no keys; they would be made, and the whole zone signed\n";
  } else if (!result.file.was_due) {
    context.out << fmt::format("{}: nothing is due, serial {}\n", options.output, result.file.serial);
  } else if (options.dry_run) {
    context.out << fmt::format("dry run: serial {}, {} signatures to make, {} to keep\n", result.file.serial,
                               counts.made, counts.kept);
  }
  if (result.file.written)
    context.out << fmt::format("{}: serial {}, {} names, {} signatures made, {} kept, {} verified\n", options.output,
                               result.file.serial, counts.names, counts.made, counts.kept, result.file.verified);
  if (!result.zone.settled) {
    for (const Octets& rdata : result.ds)
      context.out << (result.zone.asked ? "the parent needs: " : "the parent will need, not yet: ")
                  << ds_line(result.file.apex, rdata) << "\n";
  }
  if (result.signed_ahead_until)
    context.out << "the KSK signed ahead until: " << time_text(*result.signed_ahead_until) << "\n";
  if (result.next) context.out << "next look: " << time_text(*result.next) << "\n";
}

std::string policy_of(const ZoneSignOptions& options) { return options.policy.empty() ? "standard" : options.policy; }

/// The same whatever folder it is called from.
std::string policy_name_of(const ZoneSignOptions& options) {
  const std::string given = policy_of(options);
  if (dnssec::built_in_policy(given)) return given;
  std::error_code error;
  const auto path = std::filesystem::weakly_canonical(given, error);
  return log::printable(error ? given : path.string());
}

std::expected<signing::SitePolicy, std::string> site_of(const ZoneSignOptions& options) {
  auto site = find_policy(policy_of(options));
  if (!site) return site;
  auto parents = endpoints_of(options.parents);
  if (!parents) return std::unexpected{parents.error()};
  auto secondaries = endpoints_of(options.secondaries);
  if (!secondaries) return std::unexpected{secondaries.error()};
  if (!parents->empty()) site->parents = std::move(*parents);
  if (!secondaries->empty()) site->secondaries = std::move(*secondaries);
  return site;
}

/// An operator's word stands for what servers would say.
Observations sworn(const ZoneRolls& zone) {
  Observations observed;
  observed.sworn = true;
  if (zone.asked) observed.parents.push_back({*zone.asked, false});
  return observed;
}

/// Nothing where nobody is to be told. The zone is signed whatever comes of it.
using ParentTold = std::optional<std::expected<signing::ParentNotified, std::string>>;
ParentTold tell_parent(const signing::SitePolicy& site, const MaintainResult& result, const dns::Endpoint& resolver,
                       const ZoneSignOptions& options) {
  if (!site.notify_parent || !result.asks_parent_anew) return std::nullopt;
  return signing::notify_parent(result.file.apex, dns::type::cds, resolver, options.any_address);
}

void tell(const Context& context, const MaintainResult& result, const ZoneSignOptions& options,
          const ParentTold& parent) {
  if (context.json) {
    json body = to_json(result, options);
    if (parent) body["parent"] = *parent ? ctl::to_json(**parent) : json{{"error", parent->error()}};
    context.out << body.dump(2) << "\n";
    return;
  }
  show(context, result, options);
  if (!parent) return;
  if (*parent)
    ctl::show(context, **parent);
  else
    context.err << "note: the parent was not told: " << parent->error() << "\n";
}

ExitCode tell_verdict(const Context& context, const std::string& file, const ZoneVerdict& verdict, json body) {
  if (context.json) {
    json findings = json::array();
    for (const ZoneFinding& finding : verdict.findings) {
      findings.push_back({{"severity", finding.severity == Severity::fault ? "fault" : "warning"},
                          {"name", finding.owner.to_text()},
                          {"type", finding.type},
                          {"message", finding.what}});
    }
    body.update({{"ok", verdict.is_good()},
                 {"faults", verdict.faults},
                 {"warnings", verdict.warnings},
                 {"findings", findings}});
    context.out << body.dump(2) << "\n";
    return verdict.is_good() ? ExitCode::done : ExitCode::failed;
  }
  for (const ZoneFinding& finding : verdict.findings) context.err << finding.to_text() << "\n";
  const std::uint64_t all = verdict.faults + verdict.warnings;
  if (all > verdict.findings.size()) context.err << fmt::format("and {} more\n", all - verdict.findings.size());
  if (!verdict.is_good()) {
    context.err << fmt::format("{}: {} faults\n", file, verdict.faults);
    return ExitCode::failed;
  }
  context.out << file << ": no faults";
  if (verdict.verified != 0) context.out << fmt::format(", {} signatures verified", verdict.verified);
  context.out << "\n";
  return ExitCode::done;
}

/// RDATA alone, or a line of BIND's dsset- file, which has a name in front: "example. IN DS 27176 13 2 ...".
std::expected<std::vector<Octets>, std::string> ds_of(const std::vector<std::string>& texts) {
  std::vector<Octets> all;
  for (const std::string& text : texts) {
    const auto type = std::max(text.rfind(" DS ") + 1, text.rfind("\tDS ") + 1);  // 0: there is none
    const std::string rdata = type == 0 ? text : text.substr(type + 3);
    const auto record = dns::record_from_text(". 0 IN DS " + rdata);
    if (!record) return std::unexpected{"--ds " + text + ": " + record.error().what};
    all.push_back(record->rdata);
  }
  return all;
}

}  // namespace

ExitCode zone_sign(const Context& context, const ZoneSignOptions& given) {
  ZoneSignOptions options = given;
  if (options.output.empty()) options.output = options.file + ".signed";
  const auto site = site_of(options);
  if (!site) return complain(context, site.error());
  const auto origin = name_of(options.origin);
  if (!origin) return misused(context, origin.error());
  const auto resolver = dns::Endpoint::from_text(options.resolver, 53);
  if (!resolver)
    return misused(context, "--resolver " + options.resolver + ": expected an address such as 127.0.0.1@5300");
  auto passphrase = read_passphrase(options.keys);
  if (!passphrase) return complain(context, passphrase.error());
  KeyFolder keys{key_folder_path(options.keys, options.file), std::move(*passphrase)};
  keys.use(daemon_keys(context.api), options.keys.in_keykeeper);
  Progress progress{context};
  MaintainOptions work;
  work.file.input = options.file;
  work.file.output = options.output;
  work.file.origin = *origin;
  work.file.now = unix_now();
  work.file.threads = jobs_or_all(options.jobs);
  work.file.dry_run = options.dry_run;
  work.file.everything = options.everything;
  work.file.clock_is_right = options.clock_is_right;
  work.file.progress = [&](std::string_view step, std::size_t done, std::size_t all) { progress(step, done, all); };
  work.policy = site->policy;
  work.policy_name = policy_name_of(options);
  work.policy_is_chosen = !options.policy.empty();
  work.keys = &keys;
  work.despite_faults = options.despite_faults;
  work.despite_missing_keys = options.despite_missing_keys;
  work.despite_exposure = options.despite_exposure;
  work.clock = read_clock();
  if (options.ds_published) {
    work.observe = [](const dns::Name&, const ZoneRolls& zone, std::span<const StoredKey>) { return sworn(zone); };
  } else if (!site->parents.empty() || !site->secondaries.empty()) {
    work.observe = [&](const dns::Name& apex, const ZoneRolls& zone, std::span<const StoredKey> known) {
      return signing::watch(*site, apex, zone, known);
    };
  }
  const auto result = maintain(work);
  if (!result) return complain(context, result.error());
  tell(context, *result, options, tell_parent(*site, *result, *resolver, options));
  return ExitCode::done;
}

ExitCode zone_verify(const Context& context, const ZoneVerifyOptions& options) {
  const auto origin = name_of(options.origin);
  if (!origin) return misused(context, origin.error());
  const auto soon = config::duration_from_text(options.soon);
  if (!soon) return misused(context, "--soon " + options.soon + ": expected a duration such as 3d");
  auto ds = ds_of(options.ds);
  if (!ds) return complain(context, ds.error());
  const auto checked = verify_zone_file(options.file, *origin,
                                        {.now = unix_now(),
                                         .soon = std::chrono::duration_cast<std::chrono::seconds>(*soon).count(),
                                         .threads = jobs_or_all(options.jobs),
                                         .trusted_ds = std::move(*ds)});
  if (!checked) return complain(context, checked.error());
  const ZoneVerdict& verdict = checked->verdict;
  return tell_verdict(context, options.file, verdict,
                      {{"zone", checked->apex.to_text()},
                       {"signatures", verdict.signatures},
                       {"verified", verdict.verified},
                       {"earliest-expiration", verdict.earliest_expiration}});
}

ExitCode zone_check(const Context& context, const ZoneCheckOptions& options) {
  const auto origin = name_of(options.origin);
  if (!origin) return misused(context, origin.error());
  const auto zone = load_zone(options.file, {.origin = *origin});
  if (!zone) return complain(context, zone.error());
  CheckOptions check;
  check.expect_caa = !options.no_caa;
  const ZoneVerdict verdict = check_zone(*zone, check);
  return tell_verdict(context, options.file, verdict,
                      {{"zone", zone->apex().to_text()}, {"records", zone->record_count()}});
}

ExitCode zone_bootstrap(const Context& context, const ZoneCheckOptions& options) {
  const auto origin = name_of(options.origin);
  if (!origin) return misused(context, origin.error());
  const auto zone = load_zone(options.file, {.origin = *origin});
  if (!zone) return complain(context, zone.error());
  const auto found = bootstrap_records(*zone);
  if (!found) return complain(context, options.file + ": " + found.error());
  for (const dns::Name& server : found->unfit)
    context.err << "note: " << server.to_text()
                << " cannot signal: it is in the zone itself, or the name is too long\n";
  json records = json::array();
  for (const dns::Record& record : found->records) {
    if (context.json) {
      records.push_back(dns::record_to_text(record));
    } else {
      context.out << dns::record_to_text(record) << "\n";
    }
  }
  if (context.json) context.out << json{{"zone", zone->apex().to_text()}, {"records", records}}.dump(2) << "\n";
  return found->records.empty() ? ExitCode::failed : ExitCode::done;
}

ExitCode zone_policy(const Context& context, const std::string& policy) {
  const auto site = find_policy(policy);
  if (!site) return complain(context, site.error());
  context.out << signing::policy_to_yaml(*site);
  return ExitCode::done;
}

}  // namespace redoubt::ctl
