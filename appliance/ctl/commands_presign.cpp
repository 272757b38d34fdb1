// key request, presign and accept: a KSK that is kept where no network is.
#include <fmt/format.h>

#include <algorithm>

#include "appliance/config/units.hpp"
#include "appliance/ctl/signing_support.hpp"
#include "dnssec/keys/durable_file.hpp"
#include "dnssec/zone/load.hpp"
#include "dnssec/zone/offline_keys.hpp"

namespace redoubt::ctl {

namespace {

using nlohmann::json;
using namespace dnssec;

constexpr std::int64_t most_signed_ahead = std::int64_t{400} * 86'400;  // seconds
constexpr unsigned public_mode = 0644;                                  // neither file holds a secret

std::expected<PresignedSets, std::string> read_sets(const std::string& path) {
  const auto text = read_text_file(path);
  if (!text) return std::unexpected{text.error()};
  auto sets = presigned_from_text(*text);
  if (!sets) return std::unexpected{path + ": " + sets.error()};
  return sets;
}

ExitCode tell(const Context& context, const PresignedSets& sets, const std::string& file, const std::string& next) {
  if (context.json) {
    context.out << json{{"zone", sets.zone.to_text()},
                        {"file", file},
                        {"sets", sets.sets.size()},
                        {"from", time_text(Instant{std::chrono::seconds{sets.from}})},
                        {"until", time_text(Instant{std::chrono::seconds{sets.until}})}}
                       .dump(2)
                << "\n";
  } else {
    context.out << fmt::format("{}: {} sets of {}, until {}{}\n", file, sets.sets.size(), sets.zone.to_text(),
                               time_text(Instant{std::chrono::seconds{sets.until}}), next);
  }
  return ExitCode::done;
}

ExitCode write_sets(const Context& context, const PresignedSets& sets, const std::string& file,
                    const std::string& next) {
  const std::string text = to_text(sets);
  if (const auto done = write_durably(file, octets_of(text), public_mode); !done)
    return complain(context, done.error());
  return tell(context, sets, file, next);
}

}  // namespace

ExitCode key_request(const Context& context, const PresignOptions& options) {
  const auto zone = dns::Name::from_text(options.zone);
  if (!zone) return misused(context, options.zone + ": it is no name");
  const auto span = config::duration_from_text(options.span);
  if (!span || span->count() < 1000)
    return misused(context, "--for " + options.span + ": expected a duration such as 180d");
  const auto site = find_policy(options.policy);
  if (!site) return complain(context, site.error());
  const auto keys = open_keys(context, options.keys, "./", false);
  if (!keys) return complain(context, keys.error());
  const auto sets =
      request_key_sets(*keys, *zone, site->policy, unix_now(), std::chrono::duration_cast<std::chrono::seconds>(*span));
  if (!sets) return complain(context, sets.error());
  return write_sets(context, *sets, options.output, "; carry it to the KSK, and sign it there (key presign)");
}

ExitCode key_presign(const Context& context, const PresignOptions& options) {
  const auto request = read_sets(options.file);
  if (!request) return complain(context, request.error());
  // Whoever has taken over the machine of the other keys asks for all eternity.
  if (request->until - request->from > most_signed_ahead || request->until - unix_now() > most_signed_ahead)
    return complain(context, options.file + ": it asks for signatures that hold for longer than 400 days");
  const auto keys = open_keys(context, options.keys, "./", false);
  if (!keys) return complain(context, keys.error());
  const auto stored = keys->keys_of(request->zone);
  if (!stored) return complain(context, stored.error());
  if (!options.despite_exposure) {
    if (const auto hidden = keys->refuse_exposed(*stored); !hidden) return complain(context, hidden.error());
  }
  const auto signed_sets = presign(*request, *stored);
  if (!signed_sets) return complain(context, options.file + ": " + signed_sets.error());
  return write_sets(context, *signed_sets, options.output, "; carry it back (key accept)");
}

ExitCode key_accept(const Context& context, const PresignOptions& options) {
  const auto sets = read_sets(options.file);
  if (!sets) return complain(context, sets.error());
  const auto keys = open_keys(context, options.keys, "./", false);
  if (!keys) return complain(context, keys.error());
  if (const auto done = accept_key_sets(*keys, *sets); !done)
    return complain(context, options.file + ": " + done.error());
  return tell(context, *sets, options.file, "; taken in");
}

}  // namespace redoubt::ctl
