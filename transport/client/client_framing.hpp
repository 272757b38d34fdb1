#pragma once
// Between DNS messages and the octets of a connection to a server: two-octet lengths (TCP, DoT) or HTTP/2 (DoH).
#include <cstdint>
#include <expected>
#include <memory>
#include <optional>
#include <span>
#include <string>

#include "transport/client/upstream_fault.hpp"
#include "transport/framing/message_framing.hpp"
#include "transport/framing/output_queue.hpp"

namespace redoubt::transport {

/// A query that got something else than an answer, while the others are served.
struct Unanswered {
  std::uint16_t id;  ///< on the wire
  UpstreamFault fault;
};

class ClientFraming {
 public:
  virtual ~ClientFraming() = default;
  /// query: a whole message; no other one under way here has its id.
  virtual void put(std::span<const std::uint8_t> query, OutputQueue& output) = 0;
  virtual void append(std::span<const std::uint8_t> octets) = 0;
  /// The next whole answer, valid until the next call; nothing when octets are missing. A fault stays.
  virtual std::expected<std::optional<std::span<const std::uint8_t>>, FramingBroken> next() = 0;
  /// The next query that will have no answer here, each told once.
  virtual std::optional<Unanswered> unanswered() { return std::nullopt; }
  /// The fault is that the server leaves: what it has not answered may be asked again.
  virtual bool left() const { return false; }
  /// Part of an answer is here.
  virtual bool unfinished() const = 0;
  /// The server has not said that it takes no more queries here.
  virtual bool takes() const { return true; }
  /// speak() has something.
  virtual bool speaks() const { return false; }
  virtual void speak(OutputQueue&) {}
};

std::unique_ptr<ClientFraming> client_length_framing();

/// RFC 8484 by POST. authority: the server's name, or its address.
std::unique_ptr<ClientFraming> client_http_framing(std::string authority, std::string path);

}  // namespace redoubt::transport
