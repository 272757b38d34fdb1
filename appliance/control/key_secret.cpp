#include "appliance/control/key_secret.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "appliance/sandbox/accounts.hpp"

namespace redoubt::control {

namespace {

constexpr const char* file_name = "keykeeper.secret";
constexpr mode_t file_mode = 0600;

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
  // As an ordinary user, all roles are that user.
  const auto keys = sandbox::account_of(channel::Role::keykeeper);
  const auto control = sandbox::account_of(channel::Role::control);
  if (!keys || !control || ::geteuid() != control->user || status.st_uid == keys->user) return file;
  if (::fchown(file.get(), keys->user, keys->group) != 0) return fail("it cannot be given to keykeeper's user");
  return file;
}

}  // namespace redoubt::control
