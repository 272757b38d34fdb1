#include "dnssec/keeper/sealed_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstddef>
#include <cstring>

namespace redoubt::keykeeper {

namespace {

using dnssec::OctetView;
using dnssec::Secret;

std::unexpected<std::string> trouble(std::string_view name, std::string_view what) {
  return std::unexpected{fmt::format("{}: {}", name, what)};
}
std::unexpected<std::string> system_trouble(std::string_view name) { return trouble(name, std::strerror(errno)); }

constexpr std::string_view erased_ending = ".erased";
constexpr std::size_t most_swept = 64;

bool write_all(int descriptor, OctetView octets) {
  while (!octets.empty()) {
    const ssize_t count = ::write(descriptor, octets.data(), octets.size());
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return false;
    octets = octets.subspan(static_cast<std::size_t>(count));
  }
  return true;
}

}  // namespace

std::expected<Secret, std::string> read_whole(int descriptor, std::size_t most) {
  // Another life of this process may have read it: a descriptor that is handed on keeps its place.
  if (::lseek(descriptor, 0, SEEK_SET) != 0) return std::unexpected{std::string{std::strerror(errno)}};
  Secret octets(most + 1);
  std::size_t size = 0;
  while (size < octets.size()) {
    const ssize_t count = ::read(descriptor, octets.data() + size, octets.size() - size);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return std::unexpected{std::string{std::strerror(errno)}};
    if (count == 0) break;
    size += static_cast<std::size_t>(count);
  }
  if (size > most) return std::unexpected{fmt::format("larger than {} octets", most)};
  octets.resize(size);
  return octets;
}

bool is_exposed(int descriptor) {
  // By the kernel's own call: the library's fstat() may be one that takes paths.
  struct stat status {};
  if (::syscall(SYS_fstat, descriptor, &status) != 0) return true;
  return (status.st_mode & 077U) != 0 || (status.st_uid != 0 && status.st_uid != ::geteuid());
}

std::expected<std::vector<std::string>, std::string> SealedFiles::names(std::string_view beginning,
                                                                        std::string_view ending,
                                                                        std::size_t most) const {
  // A descriptor of its own, for its place in the folder is its own then.
  const FileHandle folder{::openat(folder_.get(), ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (!folder) return system_trouble("zone keys");
  std::vector<std::string> found;
  alignas(dirent64) std::array<char, 16 * 1024> block;
  for (;;) {
    const ssize_t count = ::getdents64(folder.get(), block.data(), block.size());
    if (count < 0) return system_trouble("zone keys");
    if (count == 0) break;
    for (std::size_t at = 0; at < static_cast<std::size_t>(count);) {
      const auto* entry = reinterpret_cast<const dirent64*>(block.data() + at);  // NOLINT: the kernel's own layout
      const std::string_view name{entry->d_name};
      if (name.size() >= beginning.size() + ending.size() && name.starts_with(beginning) && name.ends_with(ending))
        found.emplace_back(name);
      at += entry->d_reclen;
    }
    if (found.size() > most)
      return trouble("zone keys", fmt::format("more than {} files {}*{}", most, beginning, ending));
  }
  std::ranges::sort(found);
  return found;
}

std::expected<Secret, std::string> SealedFiles::read(const std::string& name, std::size_t most) const {
  const FileHandle file{::openat(folder_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  if (!file) return system_trouble(name);
  if (is_exposed(file.get()))
    return trouble(name, "others may read or change it, or it is another user's; chown and chmod 600 it");
  auto octets = read_whole(file.get(), most);
  if (!octets) return trouble(name, octets.error());
  return octets;
}

std::expected<FileIdentity, FileTrouble> SealedFiles::identity(const std::string& name) const {
  const FileHandle file{::openat(folder_.get(), name.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)};
  struct stat status {};
  if (!file || ::syscall(SYS_fstat, file.get(), &status) != 0) {
    // A link, or what cannot be opened so (ENXIO), stands in its place.
    const bool is_gone = errno == ENOENT || errno == ELOOP || errno == ENXIO;
    return std::unexpected{FileTrouble{.what = system_trouble(name).error(), .is_gone = is_gone}};
  }
  return FileIdentity{.device = status.st_dev,
                      .number = status.st_ino,
                      .changed = std::int64_t{status.st_ctim.tv_sec} * 1'000'000'000 + status.st_ctim.tv_nsec};
}

std::expected<void, std::string> SealedFiles::erase(const std::string& name) const {
  const std::string erased = name + std::string{erased_ending};
  if (::renameat(folder_.get(), name.c_str(), folder_.get(), erased.c_str()) != 0) return system_trouble(name);
  if (::unlinkat(folder_.get(), erased.c_str(), 0) != 0) return system_trouble(erased);
  if (::fsync(folder_.get()) != 0 && errno != EINVAL) return system_trouble(name);
  return {};
}

void SealedFiles::sweep() const {
  const auto left = names("K", erased_ending, most_swept);
  if (!left) return;
  for (const std::string& name : *left) ::unlinkat(folder_.get(), name.c_str(), 0);
}

std::expected<void, std::string> SealedFiles::write(const std::string& name, OctetView octets, unsigned mode) const {
  const std::string beside = name + ".new";
  ::unlinkat(folder_.get(), beside.c_str(), 0);  // of a life that ended in between
  FileHandle file{
      ::openat(folder_.get(), beside.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, mode & 0777U)};
  if (!file) return system_trouble(beside);
  if (!write_all(file.get(), octets) || ::fsync(file.get()) != 0 ||
      ::renameat(folder_.get(), beside.c_str(), folder_.get(), name.c_str()) != 0) {
    const auto failed = system_trouble(name);
    ::unlinkat(folder_.get(), beside.c_str(), 0);
    return failed;
  }
  // EINVAL: a file system that has no such thing.
  if (::fsync(folder_.get()) != 0 && errno != EINVAL) return system_trouble(name);
  return {};
}

}  // namespace redoubt::keykeeper
