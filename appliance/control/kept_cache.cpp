#include "appliance/control/kept_cache.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sodium.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <boost/asio/post.hpp>
#include <cerrno>
#include <cstring>
#include <span>
#include <utility>
#include <vector>

#include "appliance/log/log.hpp"

namespace redoubt::control {

namespace {

using channel::Descriptor;
using std::chrono::steady_clock;

constexpr mode_t file_mode = 0600;
constexpr const char* new_file = "cache.image.new";
constexpr std::size_t copied_at_once = 256 * 1024;
constexpr int size_seals = F_SEAL_GROW | F_SEAL_SHRINK;
constexpr int last_seals = F_SEAL_WRITE | F_SEAL_SEAL;

std::string trouble(const char* what) { return fmt::format("{}: {}", what, std::strerror(errno)); }

/// Of that size for ever: who writes into it cannot make it larger. Memory is taken for what is written alone.
std::expected<Descriptor, std::string> make_memfd(std::uint64_t octets) {
  Descriptor memfd{::memfd_create("redoubt-cache", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  if (!memfd) return std::unexpected{trouble("memfd_create")};
  if (::ftruncate(memfd.get(), static_cast<off_t>(octets)) != 0) return std::unexpected{trouble("ftruncate")};
  if (::fcntl(memfd.get(), F_ADD_SEALS, size_seals) != 0) return std::unexpected{trouble("F_ADD_SEALS")};
  return memfd;
}

std::expected<void, std::string> copy(int from, int to, std::uint64_t octets) {
  std::vector<std::uint8_t> block(copied_at_once);
  for (std::uint64_t done = 0; done < octets;) {
    const auto wanted = static_cast<std::size_t>(std::min<std::uint64_t>(block.size(), octets - done));
    const ssize_t got = ::pread(from, block.data(), wanted, static_cast<off_t>(done));
    if (got < 0 && errno == EINTR) continue;
    if (got <= 0) return std::unexpected{got == 0 ? "it is shorter than it was" : trouble("read")};
    std::span<const std::uint8_t> left{block.data(), static_cast<std::size_t>(got)};
    while (!left.empty()) {
      const ssize_t put = ::pwrite(to, left.data(), left.size(), static_cast<off_t>(done));
      if (put < 0 && errno == EINTR) continue;
      if (put <= 0) return std::unexpected{trouble("write")};
      left = left.subspan(static_cast<std::size_t>(put));
      done += static_cast<std::uint64_t>(put);
    }
  }
  return {};
}

/// Whole under its name, or not at all: written beside, on the disk, then moved.
std::expected<void, std::string> put_file(int folder, int image, std::uint64_t octets) {
  const Descriptor file{::openat(folder, new_file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, file_mode)};
  if (!file) return std::unexpected{trouble("open")};
  if (::fchmod(file.get(), file_mode) != 0) return std::unexpected{trouble("fchmod")};
  if (auto copied = copy(image, file.get(), octets); !copied) return copied;
  if (::fdatasync(file.get()) != 0) return std::unexpected{trouble("fdatasync")};
  if (::renameat(folder, new_file, folder, kept_cache_file) != 0) return std::unexpected{trouble("rename")};
  return {};
}

}  // namespace

KeptCache::KeptCache(boost::asio::io_context& loop, Siblings& siblings) : siblings_{siblings}, patience_{loop} {
  randombytes_buf(key_.data(), key_.size());
}

KeptCache::~KeptCache() {
  if (disk_) disk_->join();
}

boost::asio::thread_pool& KeptCache::disk() {
  if (!disk_) disk_.emplace(1);
  return *disk_;
}

void KeptCache::use(const config::Cache& cache, bool first) {
  const bool was_in_file = std::exchange(in_file_, cache.keep);
  const bool changed = std::exchange(most_octets_, cache.keep_size) != cache.keep_size || was_in_file != in_file_;
  if (in_file_ && !has_key_) {
    make_key();
    image_.reset();  // it was made with another one
  }
  if (!in_file_ && (was_in_file || first)) remove_file();
  if (first && in_file_ && most_octets_ != 0) read_file();
  if (most_octets_ == 0) {
    image_.reset();
    blank_.reset();
  } else if (resolver_ready_ && !greeted_) {
    greet();
  } else if (resolver_ready_ && changed) {
    give_blank();
  }
}

/// The file's checksums need the same key in the daemon's next life.
void KeptCache::make_key() {
  if (folder_ < 0) return;
  channel::CacheKey key{};
  const Descriptor there{::openat(folder_, kept_cache_key_file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
  has_key_ = there && ::pread(there.get(), key.data(), key.size(), 0) == static_cast<ssize_t>(key.size());
  if (has_key_) {
    key_ = key;
    return;
  }
  const Descriptor file{
      ::openat(folder_, kept_cache_key_file, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, file_mode)};
  has_key_ = file && ::fchmod(file.get(), file_mode) == 0 &&
             ::pwrite(file.get(), key_.data(), key_.size(), 0) == static_cast<ssize_t>(key_.size()) &&
             ::fdatasync(file.get()) == 0;
  if (!has_key_)
    log::warning("the cache will not outlive the daemon: {}: {}", kept_cache_key_file, std::strerror(errno));
}

void KeptCache::read_file() {
  const Descriptor file{::openat(folder_, kept_cache_file, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)};
  struct stat status {};
  if (!file || ::fstat(file.get(), &status) != 0) return;  // none: the first start, or the last one had none
  const auto octets = static_cast<std::uint64_t>(status.st_size);
  const auto refuse = [](std::string_view why) { log::warning("{} is not used: {}", kept_cache_file, why); };
  if (!S_ISREG(status.st_mode) || octets == 0) return refuse("it is no file with anything in it");
  if (octets > most_octets_) return refuse("it is larger than cache.keep-size");
  auto memfd = make_memfd(octets);
  if (!memfd) return refuse(memfd.error());
  if (const auto copied = copy(file.get(), memfd->get(), octets); !copied) return refuse(copied.error());
  if (::fcntl(memfd->get(), F_ADD_SEALS, last_seals) != 0) return refuse(trouble("F_ADD_SEALS"));
  image_ = Image{*std::move(memfd), octets};
}

void KeptCache::on_resolver_ready() {
  if (std::exchange(resolver_ready_, true) || most_octets_ == 0) return;  // later, or when a configuration says so
  greet();
}

void KeptCache::greet() {
  greeted_ = true;
  if (image_ && image_->uses++ >= most_uses_of_an_image) {
    log::warning("the kept cache is dropped: {} lives of the resolver that began with it made no new one",
                 most_uses_of_an_image);
    image_.reset();
  }
  if (image_) siblings_.use_kept_cache({.key = key_}, image_->memfd.get());
  give_blank();
}

void KeptCache::on_resolver_gone() {
  resolver_ready_ = greeted_ = false;
  blank_.reset();
  if (finished_) end_finishing();
}

void KeptCache::give_blank() {
  blank_.reset();
  if (!resolver_ready_ || most_octets_ == 0) return;
  auto memfd = make_memfd(most_octets_);
  if (!memfd) return log::warning("the cache is not kept: {}", memfd.error());
  blank_ = Blank{*std::move(memfd), next_number_++, most_octets_};
  siblings_.write_kept_cache({.number = blank_->number, .octets = blank_->octets, .at_end = in_file_, .key = key_},
                             blank_->memfd.get());
}

void KeptCache::on_written(const channel::KeptCacheWritten& message) {
  if (!blank_ || message.number != blank_->number) return;  // of before a flush
  Blank written = *std::exchange(blank_, std::nullopt);
  // Not while anybody could still write through a mapping of it.
  if (message.octets > written.octets || ::fcntl(written.memfd.get(), F_ADD_SEALS, last_seals) != 0) {
    log::warning("what the resolver wrote down of its cache cannot be sealed");
  } else {
    image_ = Image{std::move(written.memfd), message.octets};
    const bool due = !filed_at_ || steady_clock::now() - *filed_at_ >= kept_cache_file_period;
    if (in_file_ && (due || finished_)) write_file();
  }
  if (finished_) return end_finishing();
  give_blank();
}

/// A copy of the descriptor goes along: the image may be replaced meanwhile.
void KeptCache::write_file() {
  if (folder_ < 0 || !has_key_) return;
  filed_at_ = steady_clock::now();
  const int image = ::fcntl(image_->memfd.get(), F_DUPFD_CLOEXEC, 0);
  if (image < 0) return log::warning("the cache is not written to {}: {}", kept_cache_file, std::strerror(errno));
  boost::asio::post(disk(), [folder = folder_, image, octets = image_->octets] {
    const Descriptor held{image};
    if (const auto put = put_file(folder, image, octets); !put)
      log::warning("the cache is not written to {}: {}", kept_cache_file, put.error());
  });
}

void KeptCache::forget() {
  image_.reset();
  blank_.reset();
  if (in_file_) remove_file();
}

/// Behind a write that goes on.
void KeptCache::remove_file() {
  filed_at_.reset();
  if (folder_ < 0) return;
  if (!disk_) {
    ::unlinkat(folder_, kept_cache_file, 0);
  } else {
    boost::asio::post(disk(), [folder = folder_] { ::unlinkat(folder, kept_cache_file, 0); });
  }
}

void KeptCache::begin_anew() { give_blank(); }

void KeptCache::finish(std::function<void()> then) {
  if (finished_) return;
  finished_ = std::move(then);
  if (!in_file_ || !resolver_ready_ || !blank_) return end_finishing();
  patience_.expires_after(patience_with_last_image);
  patience_.async_wait([this](const boost::system::error_code& error) {
    if (!error) end_finishing();
  });
}

void KeptCache::end_finishing() {
  patience_.cancel();
  if (disk_) disk_->join();
  if (const auto then = std::exchange(finished_, nullptr)) then();
}

}  // namespace redoubt::control
