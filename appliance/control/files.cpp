#include "appliance/control/files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <memory>

#include "appliance/config/yaml.hpp"
#include "appliance/log/log.hpp"

namespace redoubt::control {

namespace {

using channel::Descriptor;

constexpr mode_t state_mode = 0700;

std::unexpected<std::string> trouble(std::string_view what, const std::string& path, int error) {
  return std::unexpected{fmt::format("{}: {}: {}", what, log::printable(path), std::strerror(error))};
}

/// By owner and mode rather than by access(): capabilities that are about to go would answer yes to everything.
bool is_ours(const struct stat& status) {
  if (status.st_uid == ::geteuid()) return (status.st_mode & 0700U) == 0700U;
  return status.st_gid == ::getegid() && (status.st_mode & 0070U) == 0070U;
}

}  // namespace

bool is_empty(const Descriptor& folder) {
  const int copy = ::openat(folder.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (copy < 0) return false;
  const std::unique_ptr<DIR, int (*)(DIR*)> entries{::fdopendir(copy), &::closedir};
  if (!entries) return false;
  while (const dirent* entry = ::readdir(entries.get())) {
    const std::string_view name{entry->d_name};
    if (name != "." && name != ".." && name != "lost+found") return false;
  }
  return true;
}

int make_folders(const std::string& path, unsigned last_mode) {
  constexpr mode_t parent_mode = 0755;  // for all to pass, whatever the umask is
  for (std::size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string part = path.substr(0, slash);
    const mode_t mode = slash == std::string::npos ? last_mode : parent_mode;
    if (::mkdir(part.c_str(), mode) == 0) {
      if (::chmod(part.c_str(), mode) != 0) return errno;
    } else if (errno != EEXIST) {
      // Of a folder that is there, mkdir() may also say EROFS or EACCES.
      const int error = errno;
      struct stat status {};
      if (::stat(part.c_str(), &status) != 0 || !S_ISDIR(status.st_mode)) return error;
    }
    if (slash == std::string::npos) return 0;
  }
}

std::expected<std::string, std::string> read_all(int descriptor, std::size_t limit) {
  std::string text;
  std::string block(64 * 1024, '\0');
  for (;;) {
    const ssize_t count = ::read(descriptor, block.data(), block.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::unexpected{std::string{std::strerror(errno)}};
    if (count == 0) return text;
    text.append(block.data(), static_cast<std::size_t>(count));
    if (text.size() > limit) return std::unexpected{fmt::format("more than {} octets", limit)};
  }
}

std::expected<DatedFile, std::string> read_dated_file(const std::string& path, const std::string& configuration_path,
                                                      std::size_t limit) {
  const std::string whole = whole_path(path, configuration_path);
  // Without waiting: the path may name a pipe that nobody writes.
  const Descriptor file{::open(whole.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return std::unexpected{std::string{std::strerror(errno)}};
  auto text = read_all(file.get(), limit);
  if (!text) return std::unexpected{std::move(text.error())};
  return DatedFile{.text = *std::move(text), .modified_at = status.st_mtim.tv_sec};
}

std::expected<std::string, std::string> read_named_file(const std::string& path,
                                                        const std::string& configuration_path) {
  auto file = read_dated_file(path, configuration_path, config::max_file_octets);
  if (!file) return std::unexpected{std::move(file.error())};
  return std::move(file->text);
}

std::string folder_of(const std::string& path) {
  const std::size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

std::string whole_path(const std::string& path, const std::string& configuration_path) {
  return path.starts_with('/') ? path : folder_of(configuration_path) + "/" + path;
}

std::set<std::string> folders_of(const std::set<std::string>& files, const std::string& configuration_path) {
  std::set<std::string> folders;
  for (const std::string& file : files) {
    const std::string whole = whole_path(file, configuration_path);
    folders.insert(folder_of(whole));
    std::error_code error;
    const std::filesystem::path behind = std::filesystem::canonical(whole, error);
    if (!error) folders.insert(folder_of(behind.string()));
  }
  return folders;
}

Descriptor open_folder(const std::string& path) {
  return Descriptor{::open(path.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC)};
}

bool is_root_folder(const Descriptor& folder) {
  struct stat status {};
  struct stat root {};
  return ::fstat(folder.get(), &status) == 0 && ::stat("/", &root) == 0 && status.st_dev == root.st_dev &&
         status.st_ino == root.st_ino;
}

std::expected<Descriptor, std::string> open_state_folder(const std::string& path) {
  if (const int error = make_folders(path, state_mode); error != 0) return trouble("state", path, error);
  Descriptor folder{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  struct stat status {};
  if (!folder || ::fstat(folder.get(), &status) != 0) return trouble("state", path, errno);
  if (!is_ours(status) && status.st_uid == 0 && is_empty(folder)) {
    if (::fchown(folder.get(), ::geteuid(), ::getegid()) != 0 || ::fchmod(folder.get(), state_mode) != 0) {
      return std::unexpected{fmt::format("state: {}: it cannot be made writable for user {}, as which control runs: {}",
                                         log::printable(path), ::geteuid(), std::strerror(errno))};
    }
    return folder;
  }
  if (!is_ours(status)) {
    return std::unexpected{
        fmt::format("state: {}: it belongs to user {} and cannot be written by user {}, as which control runs",
                    log::printable(path), status.st_uid, ::geteuid())};
  }
  return folder;
}

}  // namespace redoubt::control
