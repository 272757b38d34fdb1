#include "dnssec/zone/state_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "dnssec/base/digest.hpp"
#include "dnssec/keys/durable_file.hpp"
#include "dnssec/roll/state_text.hpp"
#include "dnssec/zone/state_database.hpp"

namespace redoubt::dnssec {

namespace {

constexpr unsigned state_mode = 0644;  // nothing in it is secret

struct Places {
  Places(const KeyFolder& keys, const dns::Name& zone)
      : database{keys.path() + "/" + zone_file_name(zone) + "sqlite"},
        text{keys.path() + "/" + zone_file_name(zone) + "state"} {}
  std::string imported() const { return text + ".imported"; }
  std::string database;
  std::string text;  ///< of an earlier version
};

/// A name that leads nowhere is there, too.
std::expected<bool, std::string> is_there(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) == 0) return true;
  if (errno == ENOENT) return false;
  return std::unexpected{path + ": " + std::strerror(errno)};
}

std::string digest_text(OctetView octets) {
  std::string text;
  for (const std::uint8_t octet : digest_of("SHA256", octets)) {
    constexpr std::string_view digits = "0123456789abcdef";
    text += digits[octet >> 4];
    text += digits[octet & 15];
  }
  return text;
}

struct TextState {
  ZoneRolls zone;
  std::string digest;
};

/// What an earlier version left; nothing when there is none.
std::expected<std::optional<TextState>, std::string> read_text(const std::string& path) {
  const auto found = is_there(path);
  if (!found) return std::unexpected{found.error()};
  if (!*found) return std::optional<TextState>{};
  const auto text = read_secret_file(path, max_state_text);
  if (!text) return std::unexpected{text.error()};
  auto state = zone_keys_from_text(as_text(*text));
  if (!state) return std::unexpected{path + ": " + state.error()};
  return std::optional{TextState{std::move(*state), digest_text(*text)}};
}

/// A database, and a text beside it: the text was taken over and its renaming was cut off, or it is another state, of
/// which nobody but the operator can know whether it is the right one. Whether there is such a text to be renamed.
std::expected<bool, std::string> has_text_that_was_taken(const Places& at, const StateDatabase& database) {
  const auto found = is_there(at.text);
  if (!found) return std::unexpected{found.error()};
  if (!*found) return false;
  const auto text = read_secret_file(at.text, max_state_text);
  if (!text) return std::unexpected{text.error()};
  const auto taken = database.taken_over();
  if (!taken) return std::unexpected{taken.error()};
  if (*taken == digest_text(*text)) return true;
  return std::unexpected{at.text + ": it is another state than that in " + at.database +
                         "; keep the one that is right, and move the other away"};
}

std::expected<std::optional<StateDatabase>, std::string> open_database(const Places& at, const dns::Name& zone) {
  const auto found = is_there(at.database);
  if (!found) return std::unexpected{found.error()};
  if (!*found) return std::optional<StateDatabase>{};
  auto database = StateDatabase::open(at.database, zone);
  if (!database) return std::unexpected{database.error()};
  return std::optional{*std::move(database)};
}

/// Of a database that was moved away: its journal would be played back into the one that comes to its place.
std::expected<void, std::string> forget_leavings(const std::string& database) {
  bool was_there = false;
  for (const char* const ending : {"-journal", "-wal", "-shm"}) {
    const std::string path = database + ending;
    if (::unlink(path.c_str()) == 0) {
      was_there = true;
    } else if (errno != ENOENT) {
      return std::unexpected{path + ": " + std::strerror(errno)};
    }
  }
  if (!was_there) return {};
  return bring_folder_to_disk(database);
}

/// Under its name once it is whole, so that a file of that name never lacks a state.
std::expected<void, std::string> make_database(const Places& at, const dns::Name& apex, const ZoneRolls& zone,
                                               std::string_view cause) {
  auto former = read_text(at.text);
  if (!former) return std::unexpected{former.error()};
  std::vector<Transition> changes;
  if (*former) {
    changes.push_back({.at = (*former)->zone.clock.now,
                       .of = "state",
                       .before = "text",
                       .after = "database",
                       .why = "taken over from " + std::filesystem::path{at.text}.filename().string()});
  }
  const auto added = transitions(*former ? (*former)->zone : ZoneRolls{}, zone, cause);
  changes.insert(changes.end(), added.begin(), added.end());
  const std::string fresh = at.database + ".new";
  for (const std::string& leftover : {fresh, fresh + "-journal"}) {
    if (::unlink(leftover.c_str()) != 0 && errno != ENOENT)
      return std::unexpected{leftover + ": " + std::strerror(errno)};
  }
  const int descriptor = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, state_mode);
  if (descriptor < 0) return std::unexpected{fresh + ": " + std::strerror(errno)};
  const bool has_mode = ::fchmod(descriptor, state_mode) == 0;
  ::close(descriptor);
  if (!has_mode) return std::unexpected{fresh + ": " + std::strerror(errno)};
  auto made = StateDatabase::create(fresh, apex, zone, changes, *former ? (*former)->digest : std::string{});
  if (made) made = forget_leavings(at.database);
  if (made) made = rename_durably(fresh, at.database);
  if (!made) {
    ::unlink(fresh.c_str());
    return made;
  }
  if (*former) return rename_durably(at.text, at.imported());
  return {};
}

}  // namespace

std::expected<FolderLock, std::string> FolderLock::take(const std::string& folder) {
  const std::string path = folder + "/.lock";
  const int descriptor = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
  if (descriptor < 0) return std::unexpected{path + ": " + std::strerror(errno)};
  if (::flock(descriptor, LOCK_EX | LOCK_NB) != 0) {
    ::close(descriptor);
    return std::unexpected{folder + ": another run is using these keys"};
  }
  return FolderLock{descriptor};
}

FolderLock::~FolderLock() {
  if (descriptor_ >= 0) ::close(descriptor_);
}

std::expected<void, std::string> store_state(const KeyFolder& keys, const dns::Name& apex, const ZoneRolls& zone,
                                             std::string_view cause) {
  for (const RollingKey& key : zone.keys) {
    if (key.free || key.wanted || key.role == KeyRole::foreign) continue;
    if (auto done = keys.retire(key.stem, zone.clock.now.time_since_epoch().count()); !done) return done;
  }
  const Places at{keys, apex};
  const auto database = open_database(at, apex);
  if (!database) return std::unexpected{database.error()};
  if (!*database) return make_database(at, apex, zone, cause);
  const auto has_text = has_text_that_was_taken(at, **database);
  if (!has_text) return std::unexpected{has_text.error()};
  const auto before = (*database)->read();
  if (!before) return std::unexpected{before.error()};
  if (auto done = (*database)->write(zone, transitions(*before, zone, cause)); !done) return done;
  if (*has_text) return rename_durably(at.text, at.imported());
  return {};
}

std::expected<std::optional<ZoneRolls>, std::string> read_state(const KeyFolder& keys, const dns::Name& zone) {
  const Places at{keys, zone};
  const auto database = open_database(at, zone);
  if (!database) return std::unexpected{database.error()};
  if (!*database) {
    auto text = read_text(at.text);
    if (!text) return std::unexpected{text.error()};
    if (!*text) return std::optional<ZoneRolls>{};
    return std::optional{std::move((*text)->zone)};
  }
  if (const auto clear = has_text_that_was_taken(at, **database); !clear) return std::unexpected{clear.error()};
  auto state = (*database)->read();
  if (!state) return std::unexpected{state.error()};
  return std::optional{std::move(*state)};
}

std::expected<std::vector<Transition>, std::string> read_history(const KeyFolder& keys, const dns::Name& zone,
                                                                 std::size_t most) {
  const auto database = open_database({keys, zone}, zone);
  if (!database) return std::unexpected{database.error()};
  if (!*database) return std::vector<Transition>{};
  return (*database)->history(most);
}

std::expected<ZoneRolls, std::string> change_state(
    const KeyFolder& keys, const dns::Name& zone,
    const std::function<std::expected<void, std::string>(ZoneRolls&)>& change, std::string_view cause) {
  const auto lock = FolderLock::take(keys.path());
  if (!lock) return std::unexpected{lock.error()};
  auto state = read_state(keys, zone);
  if (!state) return std::unexpected{state.error()};
  if (!*state) return std::unexpected{keys.path() + ": nothing is known of " + zone.to_text() + " yet; sign it first"};
  if (auto changed = change(**state); !changed) return std::unexpected{changed.error()};
  if (auto stored = store_state(keys, zone, **state, cause); !stored) return std::unexpected{stored.error()};
  return std::move(**state);
}

}  // namespace redoubt::dnssec
