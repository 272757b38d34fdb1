// key generate, list, import, export, backup and restore.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <filesystem>

#include "appliance/ctl/signing_support.hpp"
#include "dns/text.hpp"
#include "dnssec/base/records.hpp"
#include "dnssec/keys/backup.hpp"
#include "dnssec/keys/durable_file.hpp"
#include "dnssec/keys/key_names.hpp"
#include "dnssec/keys/key_text.hpp"
#include "dnssec/roll/outlook.hpp"
#include "dnssec/zone/state_file.hpp"

namespace redoubt::ctl {

namespace {

using nlohmann::json;
using namespace dnssec;

/// The command line takes no other word.
KeyRole role_of(const std::string& text) { return own_role_from_text(text).value_or(KeyRole::csk); }

json to_json(const StoredKey& key) {
  return {{"file", key.stem},       {"zone", key.zone.to_text()},
          {"tag", key.tag},         {"flags", key.flags},
          {"retired", key.retired}, {"algorithm", algorithm_to_text(static_cast<std::uint8_t>(key.algorithm))}};
}

ExitCode tell(const Context& context, const KeyFolder& keys, const StoredKey& key) {
  if (context.json) {
    context.out << to_json(key).dump(2) << "\n";
  } else {
    context.out << keys.path() << "/" << key.stem << ".key\n";
  }
  return ExitCode::done;
}

/// The private half in a file, as BIND's tools or OpenSSL write it.
std::expected<PrivateKey, std::string> read_private(const std::string& path, Algorithm rsa) {
  const auto text = read_secret_file(path, max_key_text);
  if (!text) return std::unexpected{text.error()};
  if (as_text(*text).find("-----BEGIN") != std::string_view::npos) {
    auto key = PrivateKey::from_pem(*text, rsa);
    if (!key) return std::unexpected{path + ": " + std::string{describe(key.error())}};
    return std::move(*key);
  }
  auto key = private_key_from_text(*text);
  if (!key) return std::unexpected{path + ": " + key.error()};
  return std::move(*key);
}

std::string lowered(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

/// The zone that a file's name tells: "corp.example." of "Kcorp.example.+013+12345.private". Nothing where it tells
/// none.
std::optional<dns::Name> zone_of_file(const std::string& path) {
  const std::string name = std::filesystem::path{path}.filename().string();
  const auto tag = name.rfind('+');
  const auto algorithm = tag == std::string::npos || tag == 0 ? std::string::npos : name.rfind('+', tag - 1);
  if (!name.starts_with('K') || algorithm == std::string::npos || algorithm < 2) return std::nullopt;
  std::string text;
  for (std::size_t at = 1; at < algorithm; ++at) {
    unsigned octet = 0;
    if (name[at] == '%' && at + 2 < algorithm &&
        std::from_chars(&name[at + 1], &name[at] + 3, octet, 16).ptr == &name[at] + 3) {
      text += fmt::format("\\{:03}", octet);
      at += 2;
    } else {
      text += name[at];
    }
  }
  const auto zone = dns::Name::from_text(text);
  return zone ? std::optional{*zone} : std::nullopt;
}

/// What it may sign: as asked for, else as the file's name has it where it is called as BIND's tools call it (the tag
/// in it depends on the flags), else both. errors   the name speaks of another key than the one that would be taken in
std::expected<KeyRole, std::string> role_of_file(const KeyOptions& options, const dns::Name& zone,
                                                 const PrivateKey& key) {
  std::string name = std::filesystem::path{options.file}.stem().string();
  if (!name.starts_with('K') || name.find('+') == std::string::npos) return role_of(options.role);
  name = lowered(std::move(name));
  const auto stem_as = [&](KeyRole role) {
    return key_file_stem(zone, key.algorithm(),
                         key_tag(dnskey_rdata(flags_of(role), key.algorithm(), key.public_key())));
  };
  const auto is_named = [&](KeyRole role) { return lowered(stem_as(role)) == name; };
  if (is_named(role_of(options.role))) return role_of(options.role);
  const KeyRole other = flags_of(role_of(options.role)) == flags_of(KeyRole::zsk) ? KeyRole::csk : KeyRole::zsk;
  if (is_named(other) && options.role.empty()) return other;
  if (is_named(other))
    return std::unexpected{fmt::format("{}: by its name it is {}, not a {}", options.file,
                                       other == KeyRole::zsk ? "a ZSK" : "a KSK or CSK", options.role)};
  return std::unexpected{
      fmt::format("{}: by its name it is another key than {}; another --zone, or another name for it", options.file,
                  stem_as(role_of(options.role)))};
}

}  // namespace

ExitCode key_generate(const Context& context, const KeyOptions& options) {
  const auto zone = dns::Name::from_text(options.zone);
  const auto algorithm = algorithm_from_text(options.algorithm);
  if (!zone) return misused(context, options.zone + ": it is no name");
  if (!algorithm) return misused(context, options.algorithm + ": it is no algorithm that is known here");
  const auto keys = open_keys(context, options.keys, "./", true);
  if (!keys) return complain(context, keys.error());
  std::expected<StoredKey, std::string> key;
  if (options.token.empty()) {
    key = keys->generate(*zone, *algorithm, role_of(options.role), options.bits);
  } else {
    auto uri = token_uri_from_text(options.token);
    if (!uri) return complain(context, uri.error());
    key = keys->generate_in_token(*zone, *algorithm, role_of(options.role), std::move(*uri), options.bits);
  }
  if (!key) return complain(context, key.error());
  return tell(context, *keys, *key);
}

ExitCode key_list(const Context& context, const KeyOptions& options) {
  const auto keys = open_keys(context, options.keys, "./", false);
  if (!keys) return complain(context, keys.error());
  const auto all = keys->list();
  if (!all) return complain(context, all.error());
  json list = json::array();
  for (const StoredKey& key : *all) {
    if (context.json) {
      list.push_back(to_json(key));
    } else {
      context.out << fmt::format(
          "{:<34} {} {} {}{}\n", key.stem, key.zone.to_text(), key.is_entry_point() ? "ksk/csk" : "zsk",
          algorithm_to_text(static_cast<std::uint8_t>(key.algorithm)), key.retired ? ", retired" : "");
    }
  }
  if (context.json) context.out << list.dump(2) << "\n";
  return ExitCode::done;
}

ExitCode key_import(const Context& context, const KeyOptions& options) {
  const auto algorithm = algorithm_from_text(options.algorithm);
  if (!algorithm) return misused(context, options.algorithm + ": it is no algorithm that is known here");
  if (options.file.empty() == options.token.empty())
    return misused(context, "one of FILE and --token says where the key is");
  std::optional<dns::Name> zone = zone_of_file(options.file);
  if (!options.zone.empty()) {
    const auto given = dns::Name::from_text(options.zone);
    if (!given) return misused(context, options.zone + ": it is no name");
    zone = *given;
  }
  if (!zone)
    return misused(context,
                   "--zone is required where no file's name tells the zone (as KZONE.+013+12345.private does)");
  const auto keys = open_keys(context, options.keys, "./", true);
  if (!keys) return complain(context, keys.error());
  std::expected<StoredKey, std::string> key;
  if (options.token.empty()) {
    auto secret = read_private(options.file, *algorithm);
    if (!secret) return complain(context, secret.error());
    const auto role = role_of_file(options, *zone, *secret);
    if (!role) return complain(context, role.error());
    key = keys->add(*zone, *role, std::move(*secret));
  } else {
    const auto uri = token_uri_from_text(options.token);
    if (!uri) return complain(context, uri.error());
    key = keys->add_from_token(*zone, *algorithm, role_of(options.role), *uri);
  }
  if (!key) return complain(context, key.error());
  return tell(context, *keys, *key);
}

ExitCode key_export(const Context& context, const KeyOptions& options) {
  const auto keys = open_keys(context, options.keys, "./", false);
  if (!keys) return complain(context, keys.error());
  auto all = keys->list();
  if (!all) return complain(context, all.error());
  const auto key = std::ranges::find(*all, options.stem, &StoredKey::stem);
  if (key == all->end()) return complain(context, options.stem + ": there is no such key in " + keys->path());
  if (auto opened = keys->unlock(*key); !opened) return complain(context, opened.error());
  if (!key->secret) return complain(context, options.stem + ": its private half is not here");
  if (key->secret->is_remote())
    return complain(context, options.stem + ": its private half is in a token or with resolverd, and stays there");
  const Secret text = options.pem ? key->secret->to_pem() : private_key_to_text(*key->secret);
  if (text.empty()) return complain(context, options.stem + ": no memory for it");
  context.out << as_text(text);
  return ExitCode::done;
}

namespace {

/// Why a key must stay; nothing where it need not.
std::optional<std::string> need_of_key(const std::optional<ZoneRolls>& zone, const StoredKey& key) {
  if (zone) return need_of(*zone, key.stem);
  return "nothing is known here of " + key.zone.to_text() + ", so nobody can say whether the zone needs the key";
}

}  // namespace

ExitCode key_delete(const Context& context, const KeyOptions& options) {
  const auto keys = open_keys(context, options.keys, "./", false);
  if (!keys) return complain(context, keys.error());
  const auto lock = FolderLock::take(keys->path());
  if (!lock) return complain(context, lock.error());
  const auto all = keys->list();
  if (!all) return complain(context, all.error());
  const auto key = std::ranges::find(*all, options.stem, &StoredKey::stem);
  if (key == all->end()) return complain(context, options.stem + ": there is no such key in " + keys->path());
  if (!options.force) {
    const auto zone = read_state(*keys, key->zone);
    if (!zone) return complain(context, zone.error());
    if (const auto need = need_of_key(*zone, *key))
      return complain(context, options.stem + ": " + *need +
                                   "; nothing was deleted. Roll it away first (zone rollover " +
                                   "start); --force deletes it all the same, and answers may become bogus");
  }
  if (auto erased = keys->erase_in_house(*key, unix_now(), options.force); !erased)
    return complain(context, erased.error());
  if (context.json) {
    context.out << json{{"deleted", options.stem}}.dump(2) << "\n";
  } else {
    context.out << options.stem << " is deleted; its .key file stays, marked as retired\n";
  }
  return ExitCode::done;
}

namespace {

/// Backups are sealed always.
std::expected<Secret, std::string> needed_passphrase(const KeyOptions& options) {
  auto passphrase = read_passphrase(options.keys);
  if (!passphrase) return std::unexpected{passphrase.error()};
  if (!*passphrase) return std::unexpected{std::string{"a backup is sealed: --passphrase-file FILE is needed"}};
  return std::move(**passphrase);
}

}  // namespace

ExitCode key_backup(const Context& context, const KeyOptions& options) {
  const auto passphrase = needed_passphrase(options);
  if (!passphrase) return complain(context, passphrase.error());
  const std::string folder = key_folder_path(options.keys, "./");
  BackupChoice choice{.zones = {}, .skip_damaged = options.skip_damaged};
  for (const std::string& text : options.zones) {
    const auto zone = dns::Name::from_text(text);
    if (!zone) return complain(context, text + ": it is no name");
    choice.zones.push_back(*zone);
  }
  const auto done = back_up_keys(folder, options.file, *passphrase, SealCost::sensible, choice);
  if (!done) return complain(context, done.error());
  if (context.json) {
    const json told{{"folder", folder}, {"file", options.file}, {"files", done->files}, {"left_out", done->left_out}};
    context.out << told.dump(2, ' ', false, json::error_handler_t::replace) << "\n";  // a file may be called anything
    return ExitCode::done;
  }
  for (const std::string& what : done->left_out) context.err << "left out: " << what << "\n";
  context.out << fmt::format("{} is backed up to {}, {} files\n", folder, options.file, done->files);
  return ExitCode::done;
}

ExitCode key_restore(const Context& context, const KeyOptions& options) {
  const auto passphrase = needed_passphrase(options);
  if (!passphrase) return complain(context, passphrase.error());
  const auto keys = open_keys(context, options.keys, "./", true);
  if (!keys) return complain(context, keys.error());
  const auto files = restore_keys(options.file, keys->path(), *passphrase);
  if (!files) return complain(context, files.error());
  if (context.json) {
    context.out << json{{"folder", keys->path()}, {"files", *files}}.dump(2) << "\n";
  } else {
    context.out << fmt::format("{} files restored to {}\n", *files, keys->path());
  }
  return ExitCode::done;
}

}  // namespace redoubt::ctl
