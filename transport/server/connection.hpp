#pragma once
// One client's connection: reads queries while it may have more of them in flight, writes answers in the order in which
// they come, and leaves when either side has had enough. Which octets stand for a message is its framing's business,
// how they travel its stream's.
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "transport/framing/message_framing.hpp"
#include "transport/framing/output_queue.hpp"
#include "transport/limits.hpp"
#include "transport/net/byte_stream.hpp"
#include "transport/net/loop.hpp"
#include "transport/server/deadlines.hpp"
#include "transport/server/near_answers.hpp"
#include "transport/server/query_taker.hpp"

namespace redoubt::transport {

class Connection;

/// finished: both sides are done, or the peer left. unanswered: no answer, or one that says to close.
enum class CloseReason : std::uint8_t { finished, idle, malformed, slow, unanswered };

/// What a connection needs of the server it belongs to.
class ConnectionHost {
 public:
  virtual ~ConnectionHost() = default;
  virtual const Limits& limits() const = 0;
  /// Room for one read, shared by all connections of the thread.
  virtual std::span<std::uint8_t> read_buffer() = 0;
  /// False while the resolver takes no more, or too much is waiting for it.
  virtual bool takes_queries() const = 0;
  /// proceed() is called once it takes queries again.
  virtual void wait_for_room(Connection& connection) = 0;
  virtual AskId ask(Connection& connection, const Incoming& query) = 0;
  /// The answer, if it is at hand and this client may have it; empty if not. Good until the next call.
  virtual std::span<const std::uint8_t> known(Connection& connection, const Incoming& query) = 0;
  /// known() is about to be asked for these, in this order: what it needs may come near meanwhile.
  virtual void expect(Connection& connection, std::span<const std::span<const std::uint8_t>> messages) = 0;
  virtual void withdraw(AskId id) = 0;
  /// flush() is called behind the work of this turn, so that answers that came together leave together.
  virtual void flush_soon(Connection& connection) = 0;
  /// resume() is called behind the work of this turn: the stream has more without its descriptor being readable.
  virtual void resume_soon(Connection& connection) = 0;
  /// So many octets more are queued for clients, or fewer; false when they are too many in all.
  virtual bool note_queued(std::ptrdiff_t octets) = 0;
  virtual void start_wait(Wait kind, Connection& connection) = 0;
  virtual void stop_wait(Wait kind, Connection& connection) = 0;
  /// It was drained: all that it asked is answered and written.
  virtual void said_all(Connection& connection) = 0;
  /// It is closed; the host forgets it. Called once.
  virtual void gone(Connection& connection, CloseReason reason) = 0;
};

/// Callers from outside hold a shared pointer: any member but the simple questions may close it.
class Connection : public std::enable_shared_from_this<Connection> {
 public:
  Connection(const Executor& executor, ConnectionHost& host, std::unique_ptr<ByteStream> stream,
             std::unique_ptr<MessageFraming> framing, Origin origin);

  void start();
  /// An answer to one of its queries; an empty one closes it, unless its framing can say that there is none.
  void deliver(AskId id, ExchangeTag tag, std::size_t query_octets, std::span<const std::uint8_t> answer);
  void flush();
  /// Reads again, if it reads at all.
  void resume();
  /// Goes on with what is read already, then with reading, as far as limits allow.
  void proceed();
  /// It has been idle for a while, and may be so for long: it gives back what memory it can.
  void rest();
  /// Takes no more queries, closes when all are answered.
  void drain();
  void close(CloseReason reason);

  const Origin& origin() const { return origin_; }
  /// The client may be answered by what is near, for as long as this era is.
  void trust_in(NearAnswers::Era era) { trusted_in_ = era; }
  NearAnswers::Era trusted_in() const { return trusted_in_; }
  std::optional<Clock::time_point> idle_since() const { return marks_.since(Wait::idle); }
  WaitMarks& marks() { return marks_; }
  bool closed() const { return phase_ == Phase::closed; }
  bool owes_answers() const { return phase_ == Phase::open || phase_ == Phase::draining; }

 private:
  /// open: takes queries. draining: answers what it took. leaving: all is said; waits for the peer to leave, so that
  /// unread octets do not turn our close into a reset that destroys the last answers.
  enum class Phase : std::uint8_t { open, draining, leaving, closed };

  struct InFlight {
    AskId id;
    ExchangeTag tag;
    std::size_t octets;
  };

  void readable();
  void read();
  void discard();
  void end_of_input();
  bool hears() const;
  bool may_take_more() const;
  void take_queries();
  void expect_queries();
  void take(const Incoming& query);
  void put(ExchangeTag tag, std::span<const std::uint8_t> answer);
  void drop_cancelled();
  void end_as_framing_says();
  void finish_if_done();
  void read_on();
  void update_waits();
  bool update_message_wait();
  void update_write_wait();
  void write_on();
  void schedule_flush();
  std::size_t output_octets() const { return output_.size() + framing_->held() + (stream_ ? stream_->held() : 0); }
  bool note_output();

  ConnectionHost& host_;
  std::unique_ptr<ByteStream> stream_;
  std::unique_ptr<Watch> watch_;  // behind stream_: it goes first
  std::unique_ptr<MessageFraming> framing_;
  Origin origin_;
  OutputQueue output_;
  std::vector<InFlight> in_flight_;
  std::size_t in_flight_octets_ = 0;
  std::size_t noted_output_ = 0;  ///< octets of output that the host knows of
  std::uint64_t queries_taken_ = 0;
  NearAnswers::Era trusted_in_ = 0;
  // What a wait is for: it is over once so much has come or left, and a new one starts for what was begun since.
  std::uint64_t owed_until_ = 0;          ///< the last message of those that have to become whole
  std::uint64_t blocked_until_sent_ = 0;  ///< octets that have to leave
  std::uint64_t blocked_until_put_ = 0;   ///< the last answer of those that the framing has to bring out
  WaitMarks marks_;
  Phase phase_ = Phase::open;
  bool input_ended_ = false;
  bool paused_ = false;         ///< takes no queries, by our own limits, and reads nothing if its framing allows that
  bool write_blocked_ = false;  ///< the stream takes nothing now
  bool flush_due_ = false;      ///< asked of the host, not yet come
  bool waiting_for_room_ = false;
  std::uint8_t expected_ = 0;  ///< of the queries that come next so many were told to the host already
};

}  // namespace redoubt::transport
