#include "dnssec/keys/durable_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <memory>
#include <utility>

namespace redoubt::dnssec {

namespace {

std::unexpected<std::string> trouble(const std::string& path) {
  return std::unexpected{path + ": " + std::strerror(errno)};
}

/// What a rename may replace: the path, or what it leads to when it is a link, for a rename replaces the link itself. A
/// link that another user made is not followed: in a folder like /tmp it would choose the file.
std::expected<std::string, std::string> behind_links(const std::string& path) {
  // A rename would put a file in the place of /dev/null or a pipe, for everybody on the machine.
  struct stat there {};
  const bool is_there = ::stat(path.c_str(), &there) == 0;
  if (is_there && !S_ISREG(there.st_mode)) return std::unexpected{path + ": is no file that could be replaced"};
  std::filesystem::path at{path};
  struct stat status {};
  bool is_found = ::lstat(at.c_str(), &status) == 0;
  if (!is_found) return path;
  for (int links = 0; is_found && S_ISLNK(status.st_mode) && links < 40; ++links) {  // 40: as the kernel
    if (HeldFile{{}, 0, status.st_uid}.is_anothers())
      return std::unexpected{path + ": is a link of another user: " + at.string()};
    std::error_code error;
    const auto target = std::filesystem::read_symlink(at, error);
    if (error) return std::unexpected{path + ": " + error.message()};
    at = at.parent_path() / target;
    is_found = ::lstat(at.c_str(), &status) == 0;
  }
  // The link of an open file that was deleted meanwhile, in /proc, leads to a name that it had.
  if (!is_there || !is_found || status.st_dev != there.st_dev || status.st_ino != there.st_ino)
    return std::unexpected{path + ": is a link that leads to no file"};
  return at.string();
}

}  // namespace

FileDone bring_folder_to_disk(const std::string& path) {
  const auto slash = path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : slash == 0 ? "/" : path.substr(0, slash);
  const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0) return trouble(folder);
  const int synced = ::fsync(descriptor);
  ::close(descriptor);
  if (synced != 0 && errno != EINVAL) return trouble(folder);  // EINVAL: a file system that has no such thing
  return {};
}

std::expected<DurableFile, std::string> DurableFile::create(const std::string& path, unsigned mode) {
  const auto place = behind_links(path);
  if (!place) return std::unexpected{place.error()};
  std::string temporary = *place + ".new-XXXXXX";
  const int descriptor = ::mkostemp(temporary.data(), O_CLOEXEC);
  if (descriptor < 0) return trouble(path);
  DurableFile file{*place, std::move(temporary), descriptor};
  if (::fchmod(descriptor, mode) != 0) return trouble(file.temporary_);
  return file;
}

DurableFile::DurableFile(DurableFile&& other) noexcept
    : path_{std::move(other.path_)},
      temporary_{std::exchange(other.temporary_, {})},
      descriptor_{std::exchange(other.descriptor_, -1)} {}

DurableFile::~DurableFile() {
  if (descriptor_ >= 0) ::close(descriptor_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

FileDone DurableFile::write(std::span<const std::uint8_t> octets) {
  while (!octets.empty()) {
    const ssize_t written = ::write(descriptor_, octets.data(), octets.size());
    if (written < 0 && errno == EINTR) continue;
    if (written < 0) return trouble(path_);
    octets = octets.subspan(static_cast<std::size_t>(written));
  }
  return {};
}

FileDone DurableFile::commit() {
  if (::fsync(descriptor_) != 0) return trouble(path_);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) return trouble(path_);
  temporary_.clear();
  return bring_folder_to_disk(path_);
}

FileDone write_durably(const std::string& path, std::span<const std::uint8_t> octets, unsigned mode) {
  auto file = DurableFile::create(path, mode);
  if (!file) return std::unexpected{file.error()};
  if (auto written = file->write(octets); !written) return written;
  return file->commit();
}

FileDone rename_durably(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return trouble(to);
  return bring_folder_to_disk(to);
}

bool HeldFile::is_anothers() const { return owner != 0 && owner != ::geteuid(); }

std::expected<std::string, std::string> path_that_only_we_change(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> whole{::realpath(path.c_str(), nullptr), &std::free};
  if (!whole) return trouble(path);
  std::string resolved{whole.get()};
  for (std::string at = resolved;;) {
    struct stat status {};
    if (::stat(at.c_str(), &status) != 0) return trouble(at);
    const HeldFile held{{}, status.st_mode & 07777U, status.st_uid};
    const bool is_sticky_folder = S_ISDIR(status.st_mode) && (status.st_mode & S_ISVTX) != 0;
    if (held.is_anothers() || (held.others_may_change() && !is_sticky_folder))
      return std::unexpected{path + ": others than root and the user who runs this may change " + at +
                             "; chown it, and chmod go-w"};
    if (at == "/") return resolved;
    at.resize(std::max<std::size_t>(at.rfind('/'), 1));
  }
}

std::expected<HeldFile, std::string> read_held_file(const std::string& path, std::size_t max) {
  const int descriptor = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return trouble(path);
  struct stat status {};
  if (::fstat(descriptor, &status) != 0) {
    ::close(descriptor);
    return trouble(path);
  }
  // As large as the file is, for locked memory is scarce, and one more that tells its end.
  const std::size_t room = S_ISREG(status.st_mode) ? std::min(max, static_cast<std::size_t>(status.st_size)) : max;
  HeldFile file{Secret(room + 1), status.st_mode & 07777U, status.st_uid};
  Secret& octets = file.octets;
  std::size_t size = 0;
  ssize_t got = 0;
  while (size <= max && (got = ::read(descriptor, octets.data() + size, octets.size() - size)) != 0) {
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) break;
    size += static_cast<std::size_t>(got);
    if (size == octets.size() && size <= max) octets.resize(max + 1);  // it has grown meanwhile
  }
  const int error = errno;
  ::close(descriptor);
  errno = error;
  if (got < 0) return trouble(path);
  if (size > max) return std::unexpected{path + ": larger than " + std::to_string(max) + " octets"};
  octets.resize(size);
  return file;
}

std::expected<Secret, std::string> read_secret_file(const std::string& path, std::size_t max) {
  auto file = read_held_file(path, max);
  if (!file) return std::unexpected{file.error()};
  return std::move(file->octets);
}

}  // namespace redoubt::dnssec
