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
  /// Takes what was read. Unless takes_always(), called only when next() has nothing.
  virtual void append(std::span<const std::uint8_t> octets) = 0;
  /// What the next append() brings came in so many pieces, as the peer wrote it: TLS records.
  virtual void comes_in(unsigned) {}
  virtual std::expected<std::optional<Incoming>, FramingBroken> next() = 0;
  /// What next() is about to bring.
  struct Coming {
    std::size_t messages = 0;   ///< so many are at hand as messages already, and stand in `into`
    std::size_t looked_at = 0;  ///< so many calls of next(), or fewer, it is that were looked at for them
  };
  /// The first ones, no more than there is room for are looked at. Valid until the next call of any other member.
  virtual Coming coming(std::span<std::span<const std::uint8_t>> /*into*/) const { return {}; }
  // Messages of the peer have numbers, which count up.
  /// The oldest of those that are begun and not whole: the peer owes the rest. 0: none.
  virtual std::uint64_t unfinished() const = 0;
  /// The newest that is begun.
  virtual std::uint64_t last_begun() const = 0;
  /// Octets that put() adds beside the message.
  virtual std::size_t overhead() const = 0;
  virtual void put(ExchangeTag tag, std::span<const std::uint8_t> answer, OutputQueue& output) = 0;

  // What only a framing with a life of its own has to say: HTTP.

  /// It bounds by itself what waits in it, and has to hear its peer at all times.
  virtual bool takes_always() const { return false; }
  /// There is no answer, and the peer is told so. False: it cannot be told but by closing.
  virtual bool put_nothing(ExchangeTag) { return false; }
  /// speak() has something.
  virtual bool speaks() const { return false; }
  /// Some of what it has to say by itself, and of answers, as far as the peer allows them: what is to be written at
  /// once. Called again until it brings nothing.
  virtual void speak(OutputQueue&) {}
  /// A query that came from next() and that nobody waits for any more; each once.
  virtual std::optional<ExchangeTag> cancelled() { return std::nullopt; }
  /// Octets of answers that speak() has not brought out yet.
  virtual std::size_t held() const { return 0; }
  // Answers have numbers, too.
  /// The oldest that is held. 0: none.
  virtual std::uint64_t first_held() const { return 0; }
  virtual std::uint64_t last_put() const { return 0; }
  /// No more queries come, no more answers are wanted; what is left to say, speak() says.
  virtual bool finished() const { return false; }
  /// That is because the peer breaks the rules, or costs more than it asks.
  virtual bool broken() const { return false; }
  /// Nobody has asked for a while: what is needed only while somebody does may go.
  virtual void rest() {}
  /// We take no more queries: speak() will say so. is_heard: whether the peer says anything more; where he does not, he
  /// need not be told.
  virtual void retire(bool /*is_heard*/) {}
};

std::unique_ptr<MessageFraming> length_framing();

}  // namespace redoubt::transport
