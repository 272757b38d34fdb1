#include "dnssec/keys/backup.hpp"

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <vector>

#include "dnssec/database/database.hpp"
#include "dnssec/keys/durable_file.hpp"
#include "dnssec/keys/key_folder.hpp"
#include "dnssec/keys/key_names.hpp"
#include "dnssec/keys/token_uri.hpp"

namespace redoubt::dnssec {

namespace {

constexpr std::string_view first_line = "redoubt-keys 1\n";
constexpr std::size_t max_file = 4 * 1024 * 1024;
constexpr std::size_t max_content = 64 * 1024 * 1024;  // 250 zones with all of their history; keys need little
constexpr std::size_t max_backup = 96 * 1024 * 1024;   // the same, sealed and in base64
constexpr unsigned secret_mode = 0600;
constexpr unsigned public_mode = 0644;

/// What is known of a zone: its database, or the text of an earlier version. Of the root they have no more than an
/// ending.
bool is_state(std::string_view name) { return name.ends_with(".sqlite") || name.ends_with(".state"); }

/// K….key, K….private, K….sealed, K….token, K….keykeeper and states; nothing that leads out of the folder.
bool is_key_file(std::string_view name) {
  if (name.find('/') != std::string_view::npos) return false;
  if (is_state(name)) return !name.starts_with('.') || name.find('.', 1) == std::string_view::npos;
  return name.starts_with('K') && (name.ends_with(".key") || name.ends_with(".private") || name.ends_with(".sealed") ||
                                   name.ends_with(".token") || name.ends_with(".keykeeper"));
}

bool is_public(std::string_view name) { return name.ends_with(".key") || is_state(name); }

std::expected<std::vector<std::string>, std::string> names_in(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> names;
  for (std::filesystem::directory_iterator at{folder, error}, end; !error && at != end; at.increment(error)) {
    std::string name = at->path().filename().string();
    if (is_key_file(name)) names.push_back(std::move(name));
  }
  if (error) return std::unexpected{folder + ": " + error.message()};
  std::ranges::sort(names);
  return names;
}

struct Entry {
  std::string name;
  OctetView content;
};

/// "file NAME OCTETS", a line end, the octets; again and again.
std::expected<std::vector<Entry>, std::string> entries_of(const std::string& file, OctetView plain) {
  const auto damaged = [&] { return std::unexpected{file + ": it is no backup of keys"}; };
  std::string_view left = as_text(plain);
  if (!left.starts_with(first_line)) return damaged();
  left.remove_prefix(first_line.size());
  std::vector<Entry> entries;
  while (!left.empty()) {
    const auto end = left.find('\n');
    if (end == std::string_view::npos || !left.starts_with("file ")) return damaged();
    const std::string_view line = left.substr(5, end - 5);
    const auto blank = line.rfind(' ');
    std::size_t octets = 0;
    if (blank == std::string_view::npos) return damaged();
    const auto [last, error] = std::from_chars(line.data() + blank + 1, line.data() + line.size(), octets);
    left.remove_prefix(end + 1);
    const std::string_view name = line.substr(0, blank);
    if (error != std::errc{} || last != line.data() + line.size() || octets > left.size() || !is_key_file(name))
      return damaged();
    entries.push_back({std::string{name}, octets_of(left.substr(0, octets))});
    left.remove_prefix(octets);
  }
  return entries;
}

/// What it names is loaded as code one day: a backup from elsewhere brings no module that others may change. One that
/// is not here yet is looked at when it is loaded.
std::expected<void, std::string> check_token_file(std::string_view text) {
  const auto uri = token_uri_from_text(text.substr(0, text.find('\n')));
  if (!uri) return std::unexpected{uri.error()};
  std::error_code error;
  if (!std::filesystem::exists(uri->module_path, error)) return {};
  if (const auto held = path_that_only_we_change(uri->module_path); !held) return std::unexpected{held.error()};
  return {};
}

std::expected<void, std::string> add_entry(Secret& plain, const std::string& folder, const std::string& name,
                                           OctetView content) {
  append_text(plain, "file " + name + " " + std::to_string(content.size()) + "\n");
  plain.insert(plain.end(), content.begin(), content.end());
  if (plain.size() > max_content)
    return std::unexpected{folder + ": more than one backup can hold; --zone makes several of it"};
  return {};
}

/// What is committed in it, whoever is writing to it, and whatever a killed run left beside it.
std::expected<std::string, std::string> database_content(const std::string& folder, const std::string& name) {
  const std::string path = folder + "/" + name;
  const database::Bounds bounds{.file_octets = max_file};
  if (auto fit = database::check_file(path, path, bounds); !fit) return std::unexpected{fit.error()};
  const auto opened = database::Connection::open(path, path, database::Opening::existing, bounds);
  if (!opened) return std::unexpected{opened.error()};
  return opened->content();
}

std::expected<void, std::string> add_file(Secret& plain, const std::string& folder, const std::string& name) {
  const auto held = read_held_file(folder + "/" + name, max_file);
  if (!held) return std::unexpected{held.error()};
  // Restored, it would be a file of our own.
  if (name.ends_with(".token") && held->others_may_change())
    return std::unexpected{folder + "/" + name + ": " + std::string{token_file_is_open}};
  return add_entry(plain, folder, name, held->octets);
}

bool is_of_zone(std::string_view name, const dns::Name& zone) {
  const std::string text = zone_file_name(zone);
  return is_state(name) ? name == text + "sqlite" || name == text + "state" : name.starts_with("K" + text + "+");
}

/// Leaves the files of these zones, of which each has one at least.
std::expected<void, std::string> choose(std::vector<std::string>& names, const std::string& folder,
                                        const std::vector<dns::Name>& zones) {
  if (zones.empty()) return {};
  for (const dns::Name& zone : zones) {
    if (std::ranges::none_of(names, [&](const std::string& name) { return is_of_zone(name, zone); }))
      return std::unexpected{folder + ": there is no key or state of " + zone.to_text()};
  }
  std::erase_if(names, [&](const std::string& name) {
    return std::ranges::none_of(zones, [&](const dns::Name& zone) { return is_of_zone(name, zone); });
  });
  return {};
}

}  // namespace

std::expected<BackedUp, std::string> back_up_keys(const std::string& folder, const std::string& file,
                                                  const Secret& passphrase, SealCost cost, const BackupChoice& choice) {
  auto names = names_in(folder);
  if (!names) return std::unexpected{names.error()};
  if (auto chosen = choose(*names, folder, choice.zones); !chosen) return std::unexpected{chosen.error()};
  Secret plain;
  append_text(plain, first_line);
  BackedUp done;
  for (const std::string& name : *names) {
    if (name.ends_with(".sqlite")) {
      const auto content = database_content(folder, name);
      if (!content && choice.skip_damaged) {
        done.left_out.push_back(content.error());
        continue;
      }
      if (!content)
        return std::unexpected{content.error() +
                               "; nothing was backed up, for a backup without that zone's state would look whole. "
                               "--zone backs up the other zones, --skip-damaged all but that file"};
      if (auto added = add_entry(plain, folder, name, octets_of(*content)); !added)
        return std::unexpected{added.error()};
    } else if (auto added = add_file(plain, folder, name); !added) {
      return std::unexpected{added.error()};
    }
    ++done.files;
  }
  const auto sealed = seal(plain, passphrase, cost);
  if (!sealed) return std::unexpected{file + ": " + std::string{describe(sealed.error())}};
  if (auto written = write_durably(file, octets_of(*sealed), secret_mode); !written)
    return std::unexpected{written.error()};
  return done;
}

std::expected<std::size_t, std::string> restore_keys(const std::string& file, const std::string& folder,
                                                     const Secret& passphrase) {
  const auto sealed = read_secret_file(file, max_backup);
  if (!sealed) return std::unexpected{sealed.error()};
  const auto plain = open_sealed(as_text(*sealed), passphrase);
  if (!plain) return std::unexpected{file + ": " + std::string{describe(plain.error())}};
  auto entries = entries_of(file, *plain);
  if (!entries) return std::unexpected{entries.error()};
  for (const Entry& entry : *entries) {
    if (entry.name.ends_with(".token")) {
      if (const auto good = check_token_file(as_text(entry.content)); !good)
        return std::unexpected{file + ": " + entry.name + ": " + good.error()};
    }
    // A journal would be played back into a database that it does not belong to.
    for (const std::string& name : {entry.name, entry.name + "-journal"}) {
      std::error_code error;
      if (std::filesystem::exists(folder + "/" + name, error))
        return std::unexpected{folder + "/" + name + ": it is there already, and nothing is overwritten"};
    }
  }
  // A key is there once its .key is, and a state needs its keys: so in this order a kill leaves whole keys.
  const auto rank = [](const Entry& entry) { return is_state(entry.name) ? 2 : entry.name.ends_with(".key") ? 1 : 0; };
  std::ranges::stable_sort(*entries, {}, rank);
  for (const Entry& entry : *entries) {
    const auto done =
        write_durably(folder + "/" + entry.name, entry.content, is_public(entry.name) ? public_mode : secret_mode);
    if (!done) return std::unexpected{done.error()};
  }
  return entries->size();
}

}  // namespace redoubt::dnssec
