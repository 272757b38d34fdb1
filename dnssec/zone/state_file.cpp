#include "dnssec/zone/state_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <utility>

#include "dnssec/keys/durable_file.hpp"
#include "dnssec/roll/state_text.hpp"

namespace redoubt::dnssec {

namespace {

constexpr unsigned state_mode = 0644;  // nothing in it is secret

std::string state_path(const KeyFolder& keys, const dns::Name& zone) {
  return keys.path() + "/" + zone_file_name(zone) + "state";
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

std::expected<void, std::string> store_state(const KeyFolder& keys, const dns::Name& apex, const ZoneRolls& zone) {
  for (const RollingKey& key : zone.keys) {
    if (key.free || key.wanted || key.role == KeyRole::foreign) continue;
    if (auto done = keys.retire(key.stem, zone.clock.now.time_since_epoch().count()); !done) return done;
  }
  const std::string text = to_text(zone);
  return write_durably(state_path(keys, apex), octets_of(text), state_mode);
}

std::expected<std::optional<ZoneRolls>, std::string> read_state(const KeyFolder& keys, const dns::Name& zone) {
  const std::string path = state_path(keys, zone);
  std::error_code error;
  const bool is_there = std::filesystem::exists(path, error);
  if (error) return std::unexpected{path + ": " + error.message()};
  if (!is_there) return std::optional<ZoneRolls>{};
  const auto text = read_secret_file(path, max_state_text);
  if (!text) return std::unexpected{text.error()};
  auto state = zone_keys_from_text(as_text(*text));
  if (!state) return std::unexpected{path + ": " + state.error()};
  return std::optional{std::move(*state)};
}

std::expected<ZoneRolls, std::string> change_state(
    const KeyFolder& keys, const dns::Name& zone,
    const std::function<std::expected<void, std::string>(ZoneRolls&)>& change) {
  const auto lock = FolderLock::take(keys.path());
  if (!lock) return std::unexpected{lock.error()};
  auto state = read_state(keys, zone);
  if (!state) return std::unexpected{state.error()};
  if (!*state) return std::unexpected{keys.path() + ": nothing is known of " + zone.to_text() + " yet; sign it first"};
  if (auto changed = change(**state); !changed) return std::unexpected{changed.error()};
  if (auto stored = store_state(keys, zone, **state); !stored) return std::unexpected{stored.error()};
  return std::move(**state);
}

}  // namespace redoubt::dnssec
