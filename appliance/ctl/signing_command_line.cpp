#include "appliance/ctl/signing_command_line.hpp"

#include <CLI/CLI.hpp>

#include "dnssec/roll/history.hpp"

namespace redoubt::ctl {

namespace {

void take_keys(CLI::App* app, KeyPlace& place) {
  app->add_option("--keys", place.folder, "the folder of keys (default: `keys` beside the zone file, or here)")
      ->type_name("FOLDER");
  app->add_option(
         "--passphrase-file", place.passphrase,
         "private halves are sealed under what is in this file (also: systemd's credential redoubt-passphrase)")
      ->type_name("FILE");
}

void take_keykeeper(CLI::App* app, KeyPlace& place) {
  app->add_flag("--keykeeper", place.in_keykeeper,
                "make new keys in resolverd's keykeeper, where their private halves stay (setting zone-keys)");
}

void take_any_address(CLI::App* app, bool& any_address) {
  app->add_flag("--any-address", any_address, "the parent's agent may be at a private or local address");
}

void add_sign(CLI::App& zone, const AddCommand& command) {
  const auto options = std::make_shared<ZoneSignOptions>();
  CLI::App* app =
      command(zone, "sign", "do what is due: make keys, roll them, sign what needs it; run it daily or oftener",
              [options](const Context& context) { return zone_sign(context, *options); });
  app->add_option("ZONEFILE", options->file, "the zone, unsigned or signed")->required();
  app->add_option("-o,--output", options->output, "where the signed zone goes (default: ZONEFILE.signed)")
      ->type_name("FILE");
  app->add_option("--origin", options->origin, "the zone's name (default: from the file, or its name)")
      ->type_name("NAME");
  app->add_option("--policy", options->policy,
                  "standard, csk, nsec3, fast, unsigned, or a file; standard for a zone that was not signed before")
      ->type_name("POLICY")
      ->capture_default_str();
  app->add_option("--parent", options->parents, "a server of the parent zone; give all of them")->type_name("ADDRESS");
  app->add_option("--secondary", options->secondaries, "a server of the zone; give all of them")->type_name("ADDRESS");
  app->add_option("-j,--jobs", options->jobs, "threads (default: one for each processor)")
      ->type_name("N")
      ->check(CLI::Range(1, 256));
  app->add_flag("--dry-run", options->dry_run, "say what would be done, and change nothing");
  app->add_flag("--everything", options->everything, "sign anew what is still good, too");
  app->add_flag("--clock-is-right", options->clock_is_right,
                "the clock is right, although what was stored speaks against it");
  app->add_flag("--despite-exposure", options->despite_exposure,
                "sign although others than the owner may read a private half");
  app->add_flag("--despite-faults", options->despite_faults,
                "sign although `zone check` finds faults in the zone file");
  app->add_flag("--despite-missing-keys", options->despite_missing_keys,
                "sign although the zone is signed with keys that are not in the folder: it becomes bogus");
  app->add_flag("--ds-published", options->ds_published,
                "you have seen at every server of the parent the DS that was asked for");
  app->add_option("--resolver", options->resolver,
                  "finds the parent's agent, where the policy says notify-parent (RFC 9859)")
      ->type_name("ADDRESS")
      ->capture_default_str();
  take_any_address(app, options->any_address);
  take_keys(app, options->keys);
  take_keykeeper(app, options->keys);
}

void add_judges(CLI::App& zone, const AddCommand& command) {
  const auto verify = std::make_shared<ZoneVerifyOptions>();
  CLI::App* app = command(zone, "verify", "check every signature and proof of a signed zone file",
                          [verify](const Context& context) { return zone_verify(context, *verify); });
  app->add_option("FILE", verify->file, "a signed zone file")->required();
  app->add_option("--origin", verify->origin, "the zone's name")->type_name("NAME");
  app->add_option("--ds", verify->ds, "a DS of the parent: \"TAG ALGORITHM DIGESTTYPE DIGEST\"")->type_name("DS");
  app->add_option("--soon", verify->soon, "warn of signatures that end within this time")
      ->type_name("TIME")
      ->capture_default_str();
  app->add_option("-j,--jobs", verify->jobs, "threads")->type_name("N")->check(CLI::Range(1, 256));
  const auto check = std::make_shared<ZoneCheckOptions>();
  app = command(zone, "check", "look for mistakes that zone files may have",
                [check](const Context& context) { return zone_check(context, *check); });
  app->add_option("FILE", check->file, "a zone file")->required();
  app->add_option("--origin", check->origin, "the zone's name")->type_name("NAME");
  app->add_flag("--no-caa", check->no_caa, "do not ask for CAA records");
  const auto bootstrap = std::make_shared<ZoneCheckOptions>();
  app =
      command(zone, "bootstrap", "records for the zones of the name servers, by which a first DS is trusted (RFC 9615)",
              [bootstrap](const Context& context) { return zone_bootstrap(context, *bootstrap); });
  app->add_option("FILE", bootstrap->file, "a signed zone file")->required();
  app->add_option("--origin", bootstrap->origin, "the zone's name")->type_name("NAME");
  const auto notified = std::make_shared<NotifyOptions>();
  app = command(zone, "notify-parent", "tell the parent's agent that there is a new CDS or CSYNC (RFC 9859)",
                [notified](const Context& context) { return zone_notify_parent(context, *notified); });
  app->add_option("ZONE", notified->zone, "the zone's name")->required();
  app->add_option("--type", notified->type, "CDS (for CDNSKEY, too) or CSYNC")
      ->type_name("TYPE")
      ->check(CLI::IsMember({"CDS", "CSYNC"}))
      ->capture_default_str();
  app->add_option("--server", notified->server, "a resolver")->type_name("ADDRESS")->capture_default_str();
  take_any_address(app, notified->any_address);
  const auto policy = std::make_shared<std::string>("standard");
  app = command(zone, "policy", "print a signing policy with its comments, or the faults of a file",
                [policy](const Context& context) { return zone_policy(context, *policy); });
  app->add_option("POLICY", *policy, "a name or a file")->capture_default_str();
}

void add_rolls(CLI::App& zone, const AddCommand& command) {
  const auto keys = std::make_shared<ZoneKeysOptions>();
  CLI::App* app = command(zone, "keys", "the keys of a zone and their states",
                          [keys](const Context& context) { return zone_keys(context, *keys); });
  app->add_option("ZONE", keys->zone, "the zone's name")->required();
  take_keys(app, keys->keys);
  const auto take_history = [&](CLI::App* of) {
    of->add_option("--history", keys->history, "so many of the last changes: what, when and why")
        ->type_name("N")
        ->check(CLI::Range(std::size_t{1}, dnssec::max_transitions_kept));
  };
  take_history(app);
  CLI::App* rollover = zone.add_subcommand("rollover", "begin, hold or resume rolls of keys");
  rollover->require_subcommand(1);
  const auto roll = std::make_shared<RolloverOptions>();
  const auto add = [&](const char* name, const char* help, ExitCode (*run)(const Context&, const RolloverOptions&)) {
    CLI::App* added =
        command(*rollover, name, help, [roll, run](const Context& context) { return run(context, *roll); });
    added->add_option("ZONE", roll->zone, "the zone's name")->required();
    take_keys(added, roll->keys);
    return added;
  };
  add("start", "roll these keys now, in an emergency too; no chain breaks", rollover_start)
      ->add_option("TAG", roll->tags, "tags of the keys that go")
      ->required();
  command(*rollover, "status", "keys and their states, what the rolls wait for, and until when",
          [keys](const Context& context) { return zone_keys(context, *keys); });
  CLI::App* status = rollover->get_subcommand("status");
  status->add_option("ZONE", keys->zone, "the zone's name")->required();
  take_keys(status, keys->keys);
  take_history(status);
  add("plan", "what comes next, from when on, and what is waited for", rollover_plan);
  add("hold", "begin and continue no roll", rollover_hold)->add_option("--reason", roll->reason, "why")->required();
  add("resume", "let rolls go on", rollover_resume);
  const auto rehearse = std::make_shared<RehearseOptions>();
  app = command(zone, "rehearse", "the coming years of a policy under virtual time, with every cache at its worst",
                [rehearse](const Context& context) { return zone_rehearse(context, *rehearse); });
  app->add_option("--policy", rehearse->policy, "a name or a file")->type_name("POLICY")->capture_default_str();
  app->add_option("--years", rehearse->years, "how many")
      ->type_name("N")
      ->check(CLI::Range(1, 50))
      ->capture_default_str();
  app->add_option("--faults", rehearse->seed,
                  "with kills, jumping clocks and slow parents, repeatable from this number")
      ->type_name("SEED");
}

/// Below `key`.
void add_presigning(CLI::App& key, const AddCommand& command) {
  const auto options = std::make_shared<PresignOptions>();
  const auto add = [&](const char* name, const char* help, ExitCode (*run)(const Context&, const PresignOptions&)) {
    CLI::App* added =
        command(key, name, help, [options, run](const Context& context) { return run(context, *options); });
    take_keys(added, options->keys);
    return added;
  };
  CLI::App* request = add("request", "which key sets a KSK that is kept elsewhere shall sign ahead", key_request);
  request->add_option("ZONE", options->zone, "the zone's name")->required();
  request->add_option("--policy", options->policy, "a policy with offline-ksk")
      ->type_name("POLICY")
      ->capture_default_str();
  request->add_option("--for", options->span, "how long the signatures shall hold")
      ->type_name("TIME")
      ->capture_default_str();
  CLI::App* presign = add("presign", "sign a request, where the KSK is kept", key_presign);
  CLI::App* accept = add("accept", "take in what the KSK signed ahead", key_accept);
  for (CLI::App* app : {request, presign})
    app->add_option("-o,--output", options->output, "the file that is written")->type_name("FILE")->required();
  presign->add_option("REQUEST", options->file, "from `key request`")->required();
  presign->add_flag("--despite-exposure", options->despite_exposure,
                    "sign although others may read the file of a private half");
  accept->add_option("FILE", options->file, "from `key presign`")->required();
}

void add_keys(CLI::App& app, const AddCommand& command) {
  CLI::App* key = app.add_subcommand("key", "make, list, take in and give out keys");
  key->require_subcommand(1);
  const auto options = std::make_shared<KeyOptions>();
  const auto add = [&](const char* name, const char* help, ExitCode (*run)(const Context&, const KeyOptions&)) {
    CLI::App* added =
        command(*key, name, help, [options, run](const Context& context) { return run(context, *options); });
    take_keys(added, options->keys);
    return added;
  };
  CLI::App* made = add("generate", "a new key, whose tag no other key of the zone has", key_generate);
  take_keykeeper(made, options->keys);
  add("list", "every key of the folder", key_list);
  CLI::App* import = add("import", "take in a private key: BIND's format, or PKCS#8 in PEM", key_import);
  import->add_option("FILE", options->file, "the private key");
  for (CLI::App* app_with_zone : {made, import}) {
    app_with_zone
        ->add_option("--zone", options->zone,
                     app_with_zone == made ? "the zone's name" : "the zone's name (default: from the file's name)")
        ->type_name("ZONE")
        ->required(app_with_zone == made);
    app_with_zone->add_option("--role", options->role, "ksk, zsk or csk (csk, or what an imported file's name says)")
        ->type_name("ROLE")
        ->check(CLI::IsMember({"ksk", "zsk", "csk"}));
    app_with_zone->add_option("--algorithm", options->algorithm, "of a new key, or of an RSA key in PEM")
        ->type_name("ALGORITHM")
        ->capture_default_str();
    app_with_zone
        ->add_option("--token", options->token,
                     "PKCS#11 URI of the token that makes the key, or has it: "
                     "pkcs11:token=LABEL[;object=LABEL]?module-path=FILE&pin-source=file:FILE")
        ->type_name("URI");
  }
  made->add_option("--bits", options->bits, "size of an RSA key")
      ->type_name("N")
      ->check(CLI::Range(1024, 4096))
      ->capture_default_str();
  CLI::App* exported = add("export", "print a private key in BIND's format", key_export);
  exported->add_option("KEY", options->stem, "its file name without ending, such as Kexample.+013+12345")->required();
  exported->add_flag("--pem", options->pem, "in PKCS#8");
  CLI::App* deleted = add("delete", "take a key out of resolverd's keykeeper, for good", key_delete);
  deleted->add_option("KEY", options->stem, "its file name without ending, such as Kexample.+013+12345")->required();
  deleted->add_flag("--force", options->force, "although the zone may still need it: its answers may become bogus");
  CLI::App* backup = add("backup", "the whole folder, keys and states, in one file under a passphrase", key_backup);
  backup->add_option("FILE", options->file, "the backup")->required();
  backup->add_option("--zone", options->zones, "of this zone alone, or of these")->type_name("ZONE");
  backup->add_flag("--skip-damaged", options->skip_damaged,
                   "although a zone's state cannot be read: without that state");
  add_presigning(*key, command);
  add("restore", "a backup into a folder that has none of its files", key_restore)
      ->add_option("FILE", options->file, "the backup")
      ->required();
}

void add_caa(CLI::App& app, const AddCommand& command) {
  CLI::App* caa = app.add_subcommand("caa", "who may issue certificates");
  caa->require_subcommand(1);
  const auto options = std::make_shared<CaaOptions>();
  CLI::App* check = command(*caa, "check", "whether a certificate for NAME may be issued, and what says so",
                            [options](const Context& context) { return caa_check(context, *options); });
  check->add_option("NAME", options->name, "the name; *.NAME for a wildcard")->required();
  check->add_option("--issuer", options->issuer, "the authority's domain (default: anyone at all)")
      ->type_name("DOMAIN");
  check->add_option("--account", options->account, "the account's URI (RFC 8657)")->type_name("URI");
  check->add_option("--method", options->method, "the validation method, such as dns-01 (RFC 8657)")
      ->type_name("METHOD");
  check->add_flag("--wildcard", options->wildcard, "for *.NAME");
  check->add_flag("--mail", options->mail, "for mail addresses at NAME (RFC 9495)");
  check->add_option("--server", options->server, "a validating resolver, asked over TCP")
      ->type_name("ADDRESS")
      ->capture_default_str();
  const auto files = std::make_shared<std::vector<std::string>>();
  CLI::App* audit = command(*caa, "audit", "names in zone files that have no CAA",
                            [files](const Context& context) { return caa_audit(context, *files); });
  audit->add_option("ZONEFILE", *files, "zone files")->required();
}

}  // namespace

void add_signing_commands(CLI::App& app, const AddCommand& command) {
  CLI::App* zone = app.add_subcommand("zone", "sign zone files, check them, roll their keys");
  zone->require_subcommand(1);
  add_sign(*zone, command);
  add_judges(*zone, command);
  add_rolls(*zone, command);
  add_keys(app, command);
  add_caa(app, command);
}

}  // namespace redoubt::ctl
