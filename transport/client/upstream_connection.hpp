#pragma once
// One connection to a server, and the exchanges under way on it: several queries at once, answers in any order (RFC
// 7766 §6.2.1.1, §7), open for the next ones when all are answered (§6.2.1).
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <unordered_map>
#include <vector>

#include "transport/client/client_framing.hpp"
#include "transport/client/server_book.hpp"
#include "transport/framing/output_queue.hpp"
#include "transport/net/byte_stream.hpp"
#include "transport/net/loop.hpp"

namespace redoubt::transport {

/// Chosen by whoever asks; not used again while it lives.
using UpstreamId = std::uint64_t;

class UpstreamConnection;

/// Told from the loop. Both may call the connection again and drop their hold of it: whoever holds it last lets it go
/// by later().
class ConnectionUser {
 public:
  virtual ~ConnectionUser() = default;
  /// The answer to that exchange, which is over.
  virtual void answered(UpstreamConnection& connection, UpstreamId exchange, std::vector<std::uint8_t> answer) = 0;
  /// That exchange is over without an answer; the connection and its other exchanges are not.
  virtual void failed(UpstreamConnection& connection, UpstreamId exchange, UpstreamFault fault) = 0;
  /// The connection is closed, by the server, by a fault or for idleness; exchanges() is what had no answer.
  virtual void ended(UpstreamConnection& connection, UpstreamFault fault) = 0;
};

/// idle: how long a connection that nobody uses stays open. stall: queries wait for so long without any answer coming
/// before others go another way.
struct ConnectionTimes {
  std::chrono::milliseconds idle;
  std::chrono::milliseconds stall;
};

class UpstreamConnection : public std::enable_shared_from_this<UpstreamConnection> {
 public:
  /// What is spoken on the socket once it is connected; null when that cannot be.
  using Speak = std::function<std::unique_ptr<ByteStream>(Socket connected)>;
  UpstreamConnection(const Executor& executor, UpstreamServer server, Socket connecting, Speak speak,
                     std::unique_ptr<ClientFraming> framing, ConnectionTimes times, ConnectionUser& user);

  /// Whether one more query may go this way: the connection is open, less than `most` wait on it, and those that wait
  /// are not passed over in silence.
  bool takes(std::size_t most, Clock::time_point now) const;
  /// Sends it under its own id when no other query here has that one (RFC 7766 §6.2.1: ids in flight differ), else
  /// under the next that is free; the answer comes with its own. query: as is_query() wants it; stays where it is until
  /// the exchange is answered, taken back or ended.
  void put(UpstreamId exchange, std::span<const std::uint8_t> query, Clock::time_point now);
  /// Nobody waits for it any more. An answer that still comes is read and dropped: the server may owe it.
  void take_back(UpstreamId exchange);
  /// No new queries; closed when those that wait are done with.
  void retire();
  /// Closed at once, and nobody is told.
  void close();

  const UpstreamServer& server() const { return server_; }
  bool open() const { return !closed_; }
  /// Queries can leave.
  bool connected() const { return stream_ != nullptr && stream_->established(); }
  /// Nobody waits for anything here.
  bool idle() const { return live_ == 0; }
  /// Since when: meaningful while idle().
  Clock::time_point idle_since() const { return idle_since_; }
  /// It has brought an answer, so that its end now is a matter of time rather than of the query (RFC 7766 §6.2.4).
  bool proven() const { return answers_ > 0; }
  /// Two queries or more were with the server at one time.
  bool crowded() const { return crowded_; }
  /// Those that somebody waits for.
  std::vector<UpstreamId> exchanges() const;

 private:
  struct Waiting {
    UpstreamId exchange;
    std::span<const std::uint8_t> query;
    Clock::time_point since;
    bool live = true;
  };

  void on_writable();
  void on_readable();
  bool finish_connecting();
  void send();
  void read();
  void take(std::span<const std::uint8_t> octets);
  bool take_message(std::span<const std::uint8_t> message);
  void drop_unanswered();
  bool stalled(Clock::time_point now) const;
  void rest_or_close(Clock::time_point now);
  void end(UpstreamFault fault);
  std::uint16_t free_id(std::uint16_t wanted) const;

  Executor executor_;
  UpstreamServer server_;
  ConnectionUser& user_;
  ConnectionTimes times_;
  Socket connecting_;
  Speak speak_;
  std::unique_ptr<ByteStream> stream_;
  std::optional<Watch> watch_;  // behind both: it goes first
  std::optional<Timer> idle_;
  OutputQueue output_;
  std::unique_ptr<ClientFraming> framing_;
  std::unordered_map<std::uint16_t, Waiting> waiting_;  ///< by the id on the wire
  std::size_t live_ = 0;
  std::uint64_t answers_ = 0;
  Clock::time_point quiet_since_;  ///< the last answer, or when the first of those waiting was put, if later
  Clock::time_point idle_since_;
  bool read_wants_write_ = false;
  bool write_wants_read_ = false;
  bool crowded_ = false;
  bool retired_ = false;
  bool closed_ = false;
};

/// Answers that nobody waits for any more and that still have not come: with more of them, the connection is given up.
inline constexpr std::size_t max_owed_answers = 16;

}  // namespace redoubt::transport
