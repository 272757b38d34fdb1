#include "appliance/channel/test_clock.hpp"

#ifdef REDOUBT_TEST_HOOKS
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <cerrno>
#include <charconv>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <new>
#include <optional>
#include <string_view>

#include "appliance/channel/channel.hpp"

namespace redoubt::channel::test_clock {

namespace {

using Nanoseconds = std::atomic<std::int64_t>;
static_assert(Nanoseconds::is_always_lock_free);

constexpr std::size_t page_octets = sizeof(Nanoseconds);
/// Some 31 years, either way: far from where nanoseconds overflow.
constexpr double most_seconds = 1e9;

// One clock per process is what a clock is.
Nanoseconds* offset_page = nullptr;
Descriptor page_file;
std::string watched;

std::optional<std::int64_t> nanoseconds_from(std::string_view text) {
  while (!text.empty() && (text.back() == '\n' || text.back() == ' ')) text.remove_suffix(1);
  if (text.starts_with('+')) text.remove_prefix(1);
  double seconds = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seconds, std::chars_format::fixed);
  if (error != std::errc{} || end != text.data() + text.size() || !(std::abs(seconds) <= most_seconds))
    return std::nullopt;
  return std::llround(seconds * 1e9);
}

/// The errno of what went wrong, EINVAL for what is no number.
std::expected<std::int64_t, int> read_file() {
  const Descriptor file{::open(watched.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
  if (!file) return std::unexpected{errno};
  std::array<char, 64> text{};
  const ssize_t count = ::read(file.get(), text.data(), text.size());
  if (count < 0) return std::unexpected{errno};
  const auto value = nanoseconds_from({text.data(), static_cast<std::size_t>(count)});
  if (!value) return std::unexpected{EINVAL};
  return *value;
}

}  // namespace

std::expected<void, std::string> watch(const std::string& file) {
  const auto trouble = [&](int error) { return std::unexpected{file + ": " + std::strerror(error)}; };
  watched = file;
  const auto value = read_file();
  if (!value) return trouble(value.error());
  const Descriptor made{::memfd_create("test clock", MFD_CLOEXEC | MFD_ALLOW_SEALING)};
  // Far from the descriptors that a forked child puts in their places.
  page_file = Descriptor{::fcntl(made.get(), F_DUPFD_CLOEXEC, 64)};
  if (!page_file || ::ftruncate(page_file.get(), page_octets) != 0) return trouble(errno);
  void* page = ::mmap(nullptr, page_octets, PROT_READ | PROT_WRITE, MAP_SHARED, page_file.get(), 0);
  if (page == MAP_FAILED) return trouble(errno);
  // From here on nobody else can map it for writing.
  if (::fcntl(page_file.get(), F_ADD_SEALS, F_SEAL_FUTURE_WRITE | F_SEAL_GROW | F_SEAL_SHRINK) != 0)
    return trouble(errno);
  offset_page = new (page) Nanoseconds{*value};
  return {};
}

void refresh() {
  if (!page_file) return;
  if (const auto value = read_file()) offset_page->store(*value, std::memory_order_relaxed);
}

int page() { return page_file.get(); }

void adopt() {
  struct stat status {};
  if (::fstat(page_descriptor, &status) != 0 || status.st_size != static_cast<off_t>(page_octets)) return;
  void* page = ::mmap(nullptr, page_octets, PROT_READ, MAP_SHARED, page_descriptor, 0);
  if (page != MAP_FAILED) offset_page = static_cast<Nanoseconds*>(page);
  ::close(page_descriptor);
}

std::chrono::nanoseconds offset() {
  return std::chrono::nanoseconds{offset_page == nullptr ? 0 : offset_page->load(std::memory_order_relaxed)};
}

}  // namespace redoubt::channel::test_clock
#endif
