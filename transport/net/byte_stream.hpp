#pragma once
// Octets in order, both ways, without waiting. Connections are written over this alone: plain TCP is one such stream,
// TLS another on top of the same socket.
#include <cstdint>
#include <functional>
#include <memory>
#include <span>

#include "dns/name.hpp"
#include "transport/net/socket.hpp"

namespace redoubt::transport {

/// moved: `octets` went over, at least one. wants_*: try again once the descriptor can be read or written (TLS may want
/// to read in order to write). waits: for something that is not the descriptor's; on_wake's callback says when to read
/// again. closed: the peer sends nothing more; only from read(). failed: the stream is dead.
enum class StreamState : std::uint8_t { moved, wants_read, wants_write, waits, closed, failed };
struct Moved {
  StreamState state;
  std::size_t octets = 0;
  unsigned pieces = 1;  ///< of what was read, as the peer has put it together; where nobody can say, one
};

/// Why the peer is not believed to be who it has to be: its certificate's authority is not known or it is not fit, its
/// time is over or has not come, it is another name's, it has another key.
enum class Distrust : std::uint8_t { none, untrusted, expired, wrong_name, wrong_key };

class ByteStream {
 public:
  virtual ~ByteStream() = default;
  virtual Moved read(std::span<std::uint8_t> into) = 0;
  virtual Moved write(std::span<const std::uint8_t> from) = 0;
  /// What is written from here on may wait, until uncork(), to leave in one call of the kernel. For streams that would
  /// make a call for each write otherwise; what waits is bounded, and is what held() says.
  virtual void cork() {}
  /// moved: nothing waits any more. wants_write: try again once the descriptor can be written.
  virtual Moved uncork() { return {StreamState::moved}; }
  virtual std::size_t held() const { return 0; }
  /// Tells the peer that nothing more comes from us; reading goes on.
  virtual void finish() = 0;
  /// What to watch.
  virtual int descriptor() const = 0;
  /// The peers know each other: until then there is nothing to write, and read() is what brings them on.
  virtual bool established() const { return true; }
  /// It failed because of this. Nothing was written to the peer.
  virtual Distrust distrust() const { return Distrust::none; }
  /// What the peer, a client, has shown to be by its certificate; null: nothing. Of an established stream.
  virtual std::shared_ptr<const dns::Name> peer_name() const { return nullptr; }
  /// The last read() found the descriptor's end: it had nothing, or less than there was room for.
  virtual bool has_emptied() const { return false; }
  /// Tells the peer's kernel that its octets are here without waiting for some of ours: a client that leaves Nagle's
  /// algorithm on sends the rest of a request only then, and would else wait for 40 ms.
  virtual void acknowledge() {}
  /// read() has more without the descriptor being readable.
  virtual bool holds_more() const { return false; }
  /// Comes from the loop.
  virtual void on_wake(std::function<void()>) {}
};

/// The stream is the socket itself. Takes a connected one.
std::unique_ptr<ByteStream> tcp_stream(Socket socket);

}  // namespace redoubt::transport
