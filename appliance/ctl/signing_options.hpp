#pragma once
// What the commands about zones, keys and CAA take, and what they do. None of them needs resolverd, but for keys that
// its keykeeper has.
#include <cstdint>
#include <string>
#include <vector>

#include "appliance/ctl/commands.hpp"

namespace redoubt::ctl {

/// Where keys lie, and how private halves are opened.
struct KeyPlace {
  std::string folder;         ///< empty: "keys" beside the zone file
  std::string passphrase;     ///< a file; empty: systemd's credential "redoubt-passphrase" if there is one
  bool in_keykeeper = false;  ///< new keys are made in resolverd's keykeeper
};

struct ZoneSignOptions {
  std::string file;
  std::string output;  ///< empty: the file with ".signed" behind
  std::string origin;
  std::string policy{};  ///< a name or a file; empty: standard, for zones that were not signed by another one
  KeyPlace keys;
  std::vector<std::string> parents;
  std::vector<std::string> secondaries;
  unsigned jobs = 0;  ///< 0: one for each processor
  bool dry_run = false;
  bool everything = false;
  bool clock_is_right = false;
  bool despite_faults = false;            ///< sign although the zone file has faults
  bool despite_missing_keys = false;      ///< sign although the zone is signed with keys that are not in the folder
  bool despite_exposure = false;          ///< sign with private halves that others may read
  std::string resolver = "127.0.0.1@53";  ///< that finds the parent's agent, where the policy says notify-parent
  bool any_address = false;               ///< as of NotifyOptions
  bool ds_published = false;              ///< the operator has seen at the parent what was asked for
};

struct ZoneVerifyOptions {
  std::string file;
  std::string origin;
  std::vector<std::string> ds;  ///< "TAG ALGORITHM DIGESTTYPE DIGEST" of the parent
  std::string soon = "0s";
  unsigned jobs = 0;
};

struct ZoneCheckOptions {
  std::string file;
  std::string origin;
  bool no_caa = false;
};

struct ZoneKeysOptions {
  std::string zone;
  KeyPlace keys;
  std::size_t history = 0;  ///< so many of the last transitions are shown, too
};

struct RolloverOptions {
  std::string zone;
  KeyPlace keys;
  std::string reason;               ///< of a hold
  std::vector<std::uint16_t> tags;  ///< that start to roll
};

struct RehearseOptions {
  std::string policy = "standard";
  std::uint32_t years = 2;
  std::uint64_t seed = 0;  ///< 0: a calm world at its slowest; else one with faults
};

struct KeyOptions {
  std::string zone;
  std::string role{};  ///< empty: csk, or what the name of an imported file says
  std::string algorithm = "ECDSAP256SHA256";
  unsigned bits = 2048;
  std::string file;  ///< that is imported, backed up to or restored from
  std::string stem;  ///< that is exported
  bool pem = false;
  bool force = false;              ///< delete a key that is in use
  std::vector<std::string> zones;  ///< that are backed up; empty: all
  bool skip_damaged = false;       ///< back up all but states that cannot be read
  std::string token;               ///< PKCS#11 URI: where a key is made, or taken in from
  KeyPlace keys;
};

struct PresignOptions {
  std::string zone;
  std::string policy = "standard";
  std::string span = "180d";
  std::string file;
  std::string output;
  bool despite_exposure = false;  ///< as of ZoneSignOptions
  KeyPlace keys;
};

struct CaaOptions {
  std::string name;
  std::string server = "127.0.0.1@53";  ///< a resolver that validates and is trusted
  std::string issuer;
  std::string account;
  std::string method;
  bool wildcard = false;
  bool mail = false;
};

struct NotifyOptions {
  std::string zone;
  std::string type = "CDS";
  std::string server = "127.0.0.1@53";  ///< a resolver
  bool any_address = false;             ///< the agent may be at a private or local address
};

// commands_notify.cpp
/// failed when an agent of the parent has not taken notice, or there is none.
ExitCode zone_notify_parent(const Context& context, const NotifyOptions& options);

// commands_zone.cpp
ExitCode zone_sign(const Context& context, const ZoneSignOptions& options);
/// failed when there is a fault.
ExitCode zone_verify(const Context& context, const ZoneVerifyOptions& options);
ExitCode zone_check(const Context& context, const ZoneCheckOptions& options);
ExitCode zone_policy(const Context& context, const std::string& policy);
ExitCode zone_bootstrap(const Context& context, const ZoneCheckOptions& options);

// commands_rollover.cpp
ExitCode zone_keys(const Context& context, const ZoneKeysOptions& options);
/// What comes next and from when on; changes nothing.
ExitCode rollover_plan(const Context& context, const RolloverOptions& options);
ExitCode rollover_start(const Context& context, const RolloverOptions& options);
ExitCode rollover_hold(const Context& context, const RolloverOptions& options);
ExitCode rollover_resume(const Context& context, const RolloverOptions& options);
/// failed when a validator would be left without a chain.
ExitCode zone_rehearse(const Context& context, const RehearseOptions& options);

// commands_key.cpp
ExitCode key_generate(const Context& context, const KeyOptions& options);
ExitCode key_list(const Context& context, const KeyOptions& options);
ExitCode key_import(const Context& context, const KeyOptions& options);
ExitCode key_export(const Context& context, const KeyOptions& options);
ExitCode key_delete(const Context& context, const KeyOptions& options);
ExitCode key_backup(const Context& context, const KeyOptions& options);
ExitCode key_restore(const Context& context, const KeyOptions& options);

// commands_presign.cpp
ExitCode key_request(const Context& context, const PresignOptions& options);
ExitCode key_presign(const Context& context, const PresignOptions& options);
ExitCode key_accept(const Context& context, const PresignOptions& options);

// commands_caa.cpp
/// failed when it is forbidden.
ExitCode caa_check(const Context& context, const CaaOptions& options);
/// failed when a name has none.
ExitCode caa_audit(const Context& context, const std::vector<std::string>& files);

}  // namespace redoubt::ctl
