#pragma once
// One end of a SOCK_SEQPACKET pair: whole messages of bounded size, with descriptors. Two ways to use it: Channel
// blocks (or is polled) and needs no event loop, AsyncChannel (async_channel.hpp) lives on one.
#include <cstdint>
#include <expected>
#include <optional>
#include <span>
#include <system_error>
#include <utility>
#include <vector>

#include "appliance/channel/codec.hpp"

namespace redoubt::channel {

inline constexpr std::size_t max_descriptors = 4;  // per message

/// Owns a file descriptor.
class Descriptor {
 public:
  Descriptor() = default;
  explicit Descriptor(int fd) : fd_{fd} {}
  Descriptor(Descriptor&& other) noexcept : fd_{std::exchange(other.fd_, -1)} {}
  Descriptor& operator=(Descriptor&& other) noexcept {
    if (this != &other) {
      reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  ~Descriptor() { reset(); }
  int get() const { return fd_; }
  explicit operator bool() const { return fd_ >= 0; }
  int release() { return std::exchange(fd_, -1); }
  void reset();

 private:
  int fd_ = -1;
};

/// octets is valid until the next receive().
struct Received {
  std::span<const std::uint8_t> octets;
  std::vector<Descriptor> descriptors;
};

enum class ReceiveTrouble : std::uint8_t { would_block, closed, too_large, too_many_descriptors, failed };

class Channel {
 public:
  Channel() = default;
  explicit Channel(Descriptor end) : end_{std::move(end)} {}
  /// Both ends, close-on-exec and non-blocking.
  static std::expected<std::pair<Channel, Channel>, std::error_code> make_pair();
  /// Whole or not at all. would block: std::errc::resource_unavailable_try_again; the peer is gone: broken_pipe.
  std::error_code send(std::span<const std::uint8_t> octets, std::span<const int> descriptors = {}) const;
  std::expected<Received, ReceiveTrouble> receive();
  int descriptor() const { return end_.get(); }
  explicit operator bool() const { return static_cast<bool>(end_); }
  Descriptor take() { return std::move(end_); }

 private:
  Descriptor end_;
  std::vector<std::uint8_t> buffer_;
};

}  // namespace redoubt::channel
