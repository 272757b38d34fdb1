#pragma once
// What the commands about zones and keys share.
#include <expected>
#include <nlohmann/json.hpp>
#include <optional>
#include <span>
#include <string>

#include "appliance/ctl/signing_options.hpp"
#include "appliance/signing/policy_file.hpp"
#include "dnssec/keys/key_folder.hpp"
#include "dnssec/roll/zone_rolls.hpp"

namespace redoubt::ctl {

/// Tells the trouble, as text or as {"error": ...}.
ExitCode complain(const Context& context, const std::string& what);
/// The same of an argument that makes no sense.
ExitCode misused(const Context& context, const std::string& what);

/// A built-in policy, or a file. errors: one line for each fault, with its place
std::expected<signing::SitePolicy, std::string> find_policy(const std::string& name_or_file);

/// near: a file beside which keys lie when no folder was named. With `make`, the folder is made, for its owner alone.
std::expected<dnssec::KeyFolder, std::string> open_keys(const Context& context, const KeyPlace& place,
                                                        const std::string& near, bool make);

std::string key_folder_path(const KeyPlace& place, const std::string& near);
/// What the passphrase's file or systemd's credential has; nothing when there is neither.
std::expected<std::optional<dnssec::Secret>, std::string> read_passphrase(const KeyPlace& place);

/// Nothing for an empty text. errors: it is no name
std::expected<std::optional<dns::Name>, std::string> name_of(const std::string& text);

unsigned jobs_or_all(unsigned jobs);
std::int64_t unix_now();
/// "2027-01-15 08:00:00Z"
std::string time_text(dnssec::Instant time);

nlohmann::json to_json(const dnssec::ZoneRolls& zone);
nlohmann::json to_json(std::span<const dnssec::LaterStep> steps);
/// "not before 2027-01-15 08:00:00Z: what"
std::string to_line(const dnssec::LaterStep& step);

}  // namespace redoubt::ctl
