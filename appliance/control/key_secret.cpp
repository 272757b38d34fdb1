#include "appliance/control/key_secret.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "appliance/control/files.hpp"
#include "appliance/log/log.hpp"
#include "appliance/sandbox/accounts.hpp"

namespace redoubt::control {

namespace {

constexpr const char* file_name = "keykeeper.secret";
constexpr mode_t file_mode = 0600;
constexpr mode_t folder_mode = 0700;

/// As root, what is root's or control's becomes keykeeper's; as an ordinary user, all roles are that user.
bool give_to_keykeeper(const channel::Descriptor& what, const struct stat& status) {
  const auto keys = sandbox::account_of(channel::Role::keykeeper);
  const auto control = sandbox::account_of(channel::Role::control);
  if (!keys || !control || ::geteuid() != control->user || status.st_uid == keys->user) return true;
  return ::fchown(what.get(), keys->user, keys->group) == 0;
}

/// Somebody else's is not taken away from him.
bool is_ours_to_give(const struct stat& status) {
  const auto keys = sandbox::account_of(channel::Role::keykeeper);
  return status.st_uid == 0 || status.st_uid == ::geteuid() || (keys && status.st_uid == keys->user);
}

/// As open_zone_keys() leaves it.
bool is_keykeepers(const struct stat& status) {
  const auto keys = sandbox::account_of(channel::Role::keykeeper);
  const auto control = sandbox::account_of(channel::Role::control);
  const uid_t user = keys && control && ::geteuid() == control->user ? keys->user : ::geteuid();
  return status.st_uid == user && (status.st_mode & 0777U) == folder_mode;
}

bool is_same_file(const struct stat& left, const struct stat& right) {
  return left.st_dev == right.st_dev && left.st_ino == right.st_ino;
}

/// Whether `folder` is `above` or somewhere below it: by what the folders are, for names can be links. Zero or an
/// errno.
int find_above(const channel::Descriptor& folder, const struct stat& above, bool& found) {
  channel::Descriptor at{::openat(folder.get(), ".", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  struct stat status {};
  struct stat below {};
  for (bool is_first = true;; is_first = false) {
    if (!at || ::fstat(at.get(), &status) != 0) return errno;
    found = is_same_file(status, above);
    if (found || (!is_first && is_same_file(status, below))) return 0;  // the root is above itself
    below = status;
    at = channel::Descriptor{::openat(at.get(), "..", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  }
}

/// Without what would make a link in the last place be followed.
std::string without_end(std::string path) {
  while (path.size() > 1 && (path.ends_with('/') || path.ends_with("/."))) path.pop_back();
  return path;
}

}  // namespace

std::expected<channel::Descriptor, std::string> open_key_secret(int state_folder) {
  const auto fail = [](const char* what) {
    return std::unexpected{fmt::format("state: {}: {}: {}", file_name, what, std::strerror(errno))};
  };
  channel::Descriptor file{
      ::openat(state_folder, file_name, O_RDWR | O_CREAT | O_NOFOLLOW | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, file_mode)};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return fail("it cannot be opened");
  if (!S_ISREG(status.st_mode) || status.st_nlink != 1)
    return std::unexpected{fmt::format("state: {}: it is not a file of its own", file_name)};
  if (::fchmod(file.get(), file_mode) != 0) return fail("its mode cannot be set");
  if (!give_to_keykeeper(file, status)) return fail("it cannot be given to keykeeper's user");
  return file;
}

std::expected<channel::Descriptor, std::string> open_zone_keys(const std::string& path,
                                                               const channel::Descriptor& state_folder) {
  const auto fail = [&](std::string_view what) {
    return std::unexpected{fmt::format("zone-keys.folder: {}: {}", log::printable(path), what)};
  };
  const std::string place = without_end(path);
  // That one alone: a folder above it that control had made would be control's to rename.
  if (::mkdir(place.c_str(), folder_mode) != 0 && errno != EEXIST) {
    const int error = errno;
    if (error == ENOENT) return fail("the folder that it shall lie in is not there");
    struct stat status {};  // of a folder that is there, mkdir() may also say EROFS or EACCES
    if (::stat(place.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return fail(std::strerror(error));
  }
  channel::Descriptor folder{::open(place.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  struct stat status {};
  if (!folder && (errno == ENOTDIR || errno == ELOOP)) return fail("it is a link or a file; expected a folder itself");
  if (!folder || ::fstat(folder.get(), &status) != 0) return fail(std::strerror(errno));
  struct stat state {};
  bool is_in_state = false;
  if (::fstat(state_folder.get(), &state) != 0) return fail(std::strerror(errno));
  if (const int error = find_above(folder, state, is_in_state); error != 0) return fail(std::strerror(error));
  if (is_in_state) return fail("it is the state folder or below it, where control writes; expected a folder elsewhere");
  if (!is_ours_to_give(status)) return fail(fmt::format("it belongs to user {}", status.st_uid));
  if (!is_keykeepers(status) && !is_empty(folder)) {
    return fail(
        fmt::format("it has files in it and is not keykeeper's (user {}, mode {:04o}); expected an empty folder, "
                    "or one of keykeeper's user with mode {:04o}",
                    status.st_uid, status.st_mode & 07777U, folder_mode));
  }
  if (::fchmod(folder.get(), folder_mode) != 0 || !give_to_keykeeper(folder, status)) return fail(std::strerror(errno));
  return folder;
}

std::expected<channel::Descriptor, std::string> open_zone_passphrase(const std::string& path) {
  const auto fail = [&](std::string_view what) {
    return std::unexpected{fmt::format("zone-keys.passphrase-file: {}: {}", log::printable(path), what)};
  };
  channel::Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return fail(std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return fail("not a file");
  return file;
}

}  // namespace redoubt::control
