#pragma once
// Octets in order, both ways, without waiting. Connections are written over this alone: plain TCP is one such stream,
// TLS another on top of the same socket.
#include <cstdint>
#include <memory>
#include <span>

#include "transport/net/socket.hpp"

namespace redoubt::transport {

/// moved: `octets` went over, at least one. wants_*: try again once the descriptor can be read or written (TLS may want
/// to read in order to write). closed: the peer sends nothing more; only from read(). failed: the stream is dead.
enum class StreamState : std::uint8_t { moved, wants_read, wants_write, closed, failed };
struct Moved {
  StreamState state;
  std::size_t octets = 0;
};

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  virtual Moved read(std::span<std::uint8_t> into) = 0;
  virtual Moved write(std::span<const std::uint8_t> from) = 0;
  /// Tells the peer that nothing more comes from us; reading goes on.
  virtual void finish() = 0;
  /// What to watch.
  virtual int descriptor() const = 0;
};

/// The stream is the socket itself. Takes a connected one.
std::unique_ptr<ByteStream> tcp_stream(Socket socket);

}  // namespace redoubt::transport
