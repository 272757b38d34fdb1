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
  /// Names the message of which a part is here, so that the peer owes the rest; another one has another name. 0: none.
  virtual std::uint64_t unfinished() const = 0;
  /// Octets that put() adds beside the message.
  virtual std::size_t overhead() const = 0;
  virtual void put(ExchangeTag tag, std::span<const std::uint8_t> answer, OutputQueue& output) = 0;

  // What only a framing with a life of its own has to say: HTTP.

  /// There is no answer, and the peer is told so. False: it cannot be told but by closing.
  virtual bool put_nothing(ExchangeTag, OutputQueue&) { return false; }
  /// What it has to say by itself, and what it held and may be sent now.
  virtual void speak(OutputQueue&) {}
  /// A query that came from next() and that nobody waits for any more; each once.
  virtual std::optional<ExchangeTag> cancelled() { return std::nullopt; }
  /// Octets of answers that the peer has not allowed us to send.
  virtual std::size_t held() const { return 0; }
  /// Nothing more will come, and nothing more is to be said than speak() has said.
  virtual bool finished() const { return false; }
  /// We take no more queries: says so.
  virtual void retire(OutputQueue&) {}
};

std::unique_ptr<MessageFraming> length_framing();

}  // namespace redoubt::transport
