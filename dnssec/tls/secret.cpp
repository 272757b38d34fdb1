#include "dnssec/tls/secret.hpp"

#include <fmt/format.h>
#include <openssl/crypto.h>
#include <sodium.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

namespace redoubt::keykeeper {

namespace {

constexpr std::size_t locked_octets = 512 * 1024;
constexpr std::string_view mark{"redoubt secret 1"};
constexpr std::size_t secret_octets = 32;
constexpr std::size_t file_octets = mark.size() + secret_octets;

/// To the end of the file or of `into`. returns  octets read, or -1
ssize_t read_whole(int descriptor, std::span<std::uint8_t> into) {
  if (::lseek(descriptor, 0, SEEK_SET) != 0) return -1;
  std::size_t total = 0;
  while (total < into.size()) {
    const ssize_t count = ::read(descriptor, into.data() + total, into.size() - total);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -1;
    if (count == 0) break;
    total += static_cast<std::size_t>(count);
  }
  return static_cast<ssize_t>(total);
}

}  // namespace

bool prepare_locked_memory() {
  static const bool locked = OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, nullptr) == 1 &&
                             CRYPTO_secure_malloc_init(locked_octets, 32) == 1;
  return locked && ::sodium_init() >= 0;
}

LockedOctets::LockedOctets(std::size_t count)
    : at_{static_cast<std::uint8_t*>(OPENSSL_secure_zalloc(count))}, count_{at_ == nullptr ? 0 : count} {}
LockedOctets::LockedOctets(LockedOctets&& other) noexcept
    : at_{std::exchange(other.at_, nullptr)}, count_{std::exchange(other.count_, 0)} {}
LockedOctets& LockedOctets::operator=(LockedOctets&& other) noexcept {
  std::swap(at_, other.at_);
  std::swap(count_, other.count_);
  return *this;
}
LockedOctets::~LockedOctets() {
  if (at_ != nullptr) OPENSSL_secure_clear_free(at_, count_);
}

std::expected<Secret, std::string> Secret::from_file(int descriptor) {
  LockedOctets file{file_octets + 1};
  LockedOctets own{secret_octets};
  if (!file || !own) return std::unexpected{std::string{"no locked memory"}};
  const ssize_t count = read_whole(descriptor, file.octets());
  if (count < 0) return std::unexpected{fmt::format("the secret cannot be read: {}", std::strerror(errno))};
  const auto kept = file.octets().subspan(mark.size(), secret_octets);
  if (count == 0) {
    std::ranges::copy(mark, file.octets().begin());
    ::randombytes_buf(kept.data(), kept.size());
    if (::lseek(descriptor, 0, SEEK_SET) != 0 ||
        ::write(descriptor, file.octets().data(), file_octets) != static_cast<ssize_t>(file_octets) ||
        ::fdatasync(descriptor) != 0)
      return std::unexpected{fmt::format("the secret cannot be written: {}", std::strerror(errno))};
  } else if (static_cast<std::size_t>(count) != file_octets ||
             std::memcmp(file.octets().data(), mark.data(), mark.size()) != 0) {
    return std::unexpected{std::string{"the secret's file is not whole; it is left as it is"}};
  }
  std::ranges::copy(kept, own.octets().begin());
  return Secret{std::move(own)};
}

LockedOctets Secret::derive(std::string_view purpose, std::size_t count) const {
  LockedOctets derived{count};
  if (derived) {
    ::crypto_generichash(derived.octets().data(), count,
                         reinterpret_cast<const unsigned char*>(purpose.data()),  // NOLINT
                         purpose.size(), octets_.octets().data(), octets_.octets().size());
  }
  return derived;
}

}  // namespace redoubt::keykeeper
