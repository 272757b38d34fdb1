#pragma once
// Between the octets of a client's stream and DNS messages: two-octet lengths (TCP, DoT); HTTP/2 (DoH) is another one.
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>

#include "transport/framing/output_queue.hpp"

namespace redoubt::transport {

/// Names a query within its connection: its HTTP/2 stream. Plain framing has no use for it, for the message's own id
/// tells the client which query is answered.
using ExchangeTag = std::uint32_t;

struct Incoming {
  ExchangeTag tag;
  std::span<const std::uint8_t> message;  ///< at least a header; valid until the next call
};

/// The peer breaks the framing's rules: its connection is closed.
struct FramingBroken {};

class MessageFraming {
 public:
  virtual ~MessageFraming() = default;
  /// Takes what was read. Called only when next() has nothing.
  virtual void append(std::span<const std::uint8_t> octets) = 0;
  virtual std::expected<std::optional<Incoming>, FramingBroken> next() = 0;
  /// Part of a message is here: the peer owes the rest.
  virtual bool unfinished() const = 0;
  /// Octets that put() adds beside the message.
  virtual std::size_t overhead() const = 0;
  virtual void put(ExchangeTag tag, std::span<const std::uint8_t> answer, OutputQueue& output) = 0;
};

std::unique_ptr<MessageFraming> length_framing();

}  // namespace redoubt::transport
