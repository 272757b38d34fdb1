#pragma once
// What a slow peer has not taken yet: whole messages with their descriptors, bounded in octets and in descriptors.
#include <cstdint>
#include <deque>
#include <span>
#include <vector>

#include "appliance/channel/channel.hpp"

namespace redoubt::channel {

/// What a full outbox may hold before a send is refused: the peer is slow, and memory is bounded.
inline constexpr std::size_t max_outbox_octets = 4 * 1024 * 1024;
/// Descriptors that may wait in an outbox: each is one of the process's few.
inline constexpr std::size_t max_outbox_descriptors = 1024;

/// sent: the kernel has it. queued: call flush() once the channel can be written. refused: full, too large or faulty;
/// dropped. gone: the peer takes nothing any more; what it sent before may still be read.
enum class Sending : std::uint8_t { sent, queued, refused, gone };

class Outbox {
 public:
  /// Sends behind all that waits. descriptor < 0: none; another one is duplicated when the message has to wait.
  Sending send(const Channel& channel, std::vector<std::uint8_t> octets, int descriptor = -1);
  /// Sends what the kernel takes: sent when nothing waits any more, queued when something does. Everything is dropped
  /// with gone.
  Sending flush(const Channel& channel);
  bool empty() const { return waiting_.empty(); }
  void clear();

 private:
  struct Message {
    std::vector<std::uint8_t> octets;
    Descriptor descriptor;
    /// With its bookkeeping, so that a flood of tiny messages is bounded too.
    std::size_t weight() const { return octets.size() + sizeof(Message); }
  };

  std::deque<Message> waiting_;
  std::size_t octets_ = 0;
  std::size_t descriptors_ = 0;
};

}  // namespace redoubt::channel
