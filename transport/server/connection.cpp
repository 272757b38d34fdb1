#include "transport/server/connection.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace redoubt::transport {

namespace {

/// Octets of queries that one connection may have in flight: plenty for twenty real ones, while twenty of 64 KiB would
/// be more than a megabyte. One query is always taken, however long.
constexpr std::size_t max_in_flight_octets = 64 * 1024;
/// Reads in one turn while a leaving peer still talks; what it says is dropped.
constexpr unsigned max_discarding_reads = 4;

/// Queries whose answers are fetched from memory at a time.
constexpr std::size_t expected_together = 16;

bool is_response(std::span<const std::uint8_t> message) { return (message[2] & 0x80U) != 0; }  // QR, RFC 1035 §4.1.1

}  // namespace

Connection::Connection(const Executor& executor, ConnectionHost& host, std::unique_ptr<ByteStream> stream,
                       std::unique_ptr<MessageFraming> framing, Origin origin)
    : host_{host},
      stream_{std::move(stream)},
      watch_{std::make_unique<Watch>(executor, stream_->descriptor())},
      framing_{std::move(framing)},
      origin_{origin} {}

void Connection::start() {
  if (!watch_->ok()) return close(CloseReason::finished);
  stream_->on_wake([this] { readable(); });
  update_waits();
  read_on();
}

void Connection::readable() {
  const auto self = shared_from_this();
  if (phase_ == Phase::leaving) return discard();
  if (write_blocked_) flush();  // a stream of TLS may have waited for input in order to write
  if (hears()) read();
}

/// Reading makes sense: for queries, or for a framing whose answers wait for a word of the peer.
bool Connection::hears() const {
  if (phase_ == Phase::open) return !paused_ || framing_->takes_always();
  return phase_ == Phase::draining && !input_ended_ && framing_->takes_always() && !framing_->finished();
}

void Connection::read() {
  const std::span<std::uint8_t> room = host_.read_buffer();
  const Moved moved = stream_->read(room);
  if (stream_->has_emptied()) watch_->was_emptied();
  switch (moved.state) {
    case StreamState::moved:
      framing_->comes_in(moved.pieces);
      framing_->append(room.first(moved.octets));
      drop_cancelled();
      proceed();
      // Nothing of ours goes to a client that has not asked all of its question.
      if (!closed() && framing_->unfinished() != 0 && stream_->has_emptied()) stream_->acknowledge();
      return;
    case StreamState::wants_read:
      update_waits();
      return read_on();
    case StreamState::wants_write:
      if (!write_blocked_) return watch_->when_writable([this] { readable(); });
      update_waits();
      return read_on();  // flush() waits to write already
    case StreamState::waits:
      return;  // start() left word where to wake us
    case StreamState::closed:
      return end_of_input();
    case StreamState::failed:
      return close(CloseReason::finished);
  }
}

/// The client may have closed one direction only (RFC 7766 §6.2.4 asks for patience): it gets its answers.
void Connection::end_of_input() {
  input_ended_ = true;
  drain();
  finish_if_done();  // if it drained already
}

void Connection::discard() {
  for (unsigned i = 0; i < max_discarding_reads; ++i) {
    const Moved moved = stream_->read(host_.read_buffer());
    if (moved.state == StreamState::moved) continue;
    if (moved.state == StreamState::wants_read) break;
    return close(CloseReason::finished);
  }
  read_on();
}

void Connection::proceed() {
  waiting_for_room_ = false;
  if (phase_ == Phase::open) take_queries();
  if (!owes_answers()) return;
  if (framing_->finished() && phase_ == Phase::open) return end_as_framing_says();
  if (framing_->speaks()) schedule_flush();
  update_waits();
  if (hears()) read_on();
}

void Connection::schedule_flush() {
  if (!write_blocked_ && !std::exchange(flush_due_, true)) host_.flush_soon(*this);
}

/// The client does not want these any more; the resolver is told, so that it stops working on them.
void Connection::drop_cancelled() {
  while (const auto tag = framing_->cancelled()) {
    const auto found = std::ranges::find(in_flight_, *tag, &InFlight::tag);
    if (found == in_flight_.end()) continue;
    host_.withdraw(found->id);
    in_flight_octets_ -= found->octets;
    *found = in_flight_.back();
    in_flight_.pop_back();
  }
}

/// What it has to say last is said; nobody waits for answers.
void Connection::end_as_framing_says() {
  for (const InFlight& asked : in_flight_) host_.withdraw(asked.id);
  in_flight_.clear();
  in_flight_octets_ = 0;
  drain();
  if (!closed() && framing_->speaks()) schedule_flush();
}

bool Connection::may_take_more() const {
  const Limits& limits = host_.limits();
  return in_flight_.size() < limits[Limit::queries_in_flight] && in_flight_octets_ < max_in_flight_octets &&
         output_octets() <= limits[Limit::queued_octets] / 2;
}

/// Queries that came together do not wait for memory one after the other. So many are looked at at a time, and the next
/// ones when these are through, however often reading pauses before: each is told once, but where some were cancelled.
void Connection::expect_queries() {
  if (expected_ > 0) return;
  std::array<std::span<const std::uint8_t>, expected_together> messages;
  const auto coming = framing_->coming(messages);
  if (coming.messages > 1) host_.expect(*this, std::span{messages}.first(coming.messages));
  expected_ = static_cast<std::uint8_t>(coming.looked_at);
}

void Connection::take_queries() {
  while (phase_ == Phase::open) {
    const bool room_there = host_.takes_queries();
    paused_ = !room_there || !may_take_more();
    if (paused_) {
      if (!room_there && !std::exchange(waiting_for_room_, true)) host_.wait_for_room(*this);
      break;
    }
    expect_queries();
    const auto next = framing_->next();
    if (!next) return close(CloseReason::malformed);
    if (!*next) {
      expected_ = 0;  // some were cancelled, or no queries
      break;
    }
    if (expected_ > 0) --expected_;
    if (is_response((*next)->message)) return close(CloseReason::malformed);
    take(**next);
  }
}

void Connection::take(const Incoming& query) {
  if (queries_taken_++ == 0) origin_.name = stream_->peer_name();
  if (const auto answer = host_.known(*this, query); !answer.empty()) {
    put(query.tag, answer);
    if (closed()) return;
  } else {
    in_flight_octets_ += query.message.size();
    in_flight_.push_back({host_.ask(*this, query), query.tag, query.message.size()});
  }
  if (queries_taken_ >= host_.limits()[Limit::queries_per_connection]) drain();
}

void Connection::deliver(AskId id, ExchangeTag tag, std::size_t query_octets, std::span<const std::uint8_t> answer) {
  if (closed()) return;
  in_flight_octets_ -= query_octets;
  if (const auto found = std::ranges::find(in_flight_, id, &InFlight::id); found != in_flight_.end()) {
    *found = in_flight_.back();
    in_flight_.pop_back();
  }
  if (answer.empty() && !framing_->put_nothing(tag)) return close(CloseReason::unanswered);
  put(tag, answer);
  if (!closed() && paused_) proceed();
}

/// Behind what waits to leave already; a client that takes nothing of it is closed.
void Connection::put(ExchangeTag tag, std::span<const std::uint8_t> answer) {
  const std::size_t needed = answer.size() + framing_->overhead();
  const std::size_t limit = host_.limits()[Limit::queued_octets];
  if (output_octets() + needed > limit && !write_blocked_) flush();
  if (closed()) return;
  if (output_octets() + needed > limit) return close(CloseReason::slow);
  if (!answer.empty()) framing_->put(tag, answer, output_);
  if (!note_output()) return close(CloseReason::slow);
  schedule_flush();
}

void Connection::flush() {
  flush_due_ = false;
  if (closed()) return;                     // since the flush was asked for
  if (framing_->speaks()) stream_->cork();  // answers are written one by one, and leave together
  bool all_left = false;
  while (!closed() && !all_left) {
    if (output_.empty()) framing_->speak(output_);
    all_left = output_.empty();
    const Moved moved = all_left ? stream_->uncork() : stream_->write(output_.front());
    switch (moved.state) {
      case StreamState::moved:
        output_.sent(moved.octets);
        continue;
      case StreamState::wants_read:
        write_blocked_ = true;
        update_write_wait();
        return read_on();  // readable() comes back here
      case StreamState::wants_write:
        write_blocked_ = true;
        update_write_wait();
        return write_on();
      case StreamState::waits:
      case StreamState::closed:
      case StreamState::failed:
        return close(CloseReason::finished);
    }
  }
  if (closed()) return;
  write_blocked_ = false;
  update_write_wait();
  if (phase_ == Phase::open && framing_->finished()) return end_as_framing_says();
  if (phase_ == Phase::open && paused_) proceed();
  finish_if_done();
}

/// What waits to leave at this moment has write_time; only then a new time starts for what came since. A client that
/// takes an octet now and then gains nothing, and neither does one that takes the newest answers first.
void Connection::update_write_wait() {
  note_output();
  if (!owes_answers()) return;
  const std::uint64_t held = framing_->first_held();
  const bool left =
      output_.total_sent() >= blocked_until_sent_ + stream_->held() && (held == 0 || held > blocked_until_put_);
  const bool stuck = write_blocked_ || held != 0;
  if (!stuck || left) host_.stop_wait(Wait::write, *this);
  if (stuck && !marks_.since(Wait::write)) {
    blocked_until_sent_ = output_.total_sent() + output_.size();
    blocked_until_put_ = framing_->last_put();
    host_.start_wait(Wait::write, *this);
  }
  update_waits();
}

bool Connection::note_output() {
  const std::size_t octets = output_octets();
  const auto change = static_cast<std::ptrdiff_t>(octets) - static_cast<std::ptrdiff_t>(noted_output_);
  noted_output_ = octets;
  return host_.note_queued(change);
}

void Connection::rest() {
  framing_->rest();
  output_.rest();
  in_flight_.shrink_to_fit();
}

void Connection::drain() {
  if (phase_ != Phase::open) return;
  phase_ = Phase::draining;
  host_.stop_wait(Wait::idle, *this);
  host_.stop_wait(Wait::message, *this);
  framing_->retire(!input_ended_);
  if (framing_->speaks()) schedule_flush();
  finish_if_done();
}

void Connection::finish_if_done() {
  if (phase_ != Phase::draining || !in_flight_.empty() || !output_.empty()) return;
  if (stream_->held() != 0) return schedule_flush();  // tickets that waited for an answer, or what is left of answers
  if (framing_->speaks() && !write_blocked_) return;  // a flush is due
  if (input_ended_) return close(CloseReason::finished);
  if (framing_->first_held() != 0 && !framing_->finished()) return;
  phase_ = Phase::leaving;
  stream_->finish();
  host_.start_wait(Wait::write, *this);
  if (!framing_->broken()) read_on();  // what a flood goes on to say is not even dropped
  host_.said_all(*this);
}

void Connection::resume() {
  if (hears() || phase_ == Phase::leaving) readable();
}

void Connection::read_on() {
  if (stream_->holds_more()) return host_.resume_soon(*this);
  watch_->when_readable([this] { readable(); });
}

void Connection::write_on() {
  watch_->when_writable([this] {
    const auto self = shared_from_this();
    flush();
  });
}

void Connection::update_waits() {
  if (phase_ != Phase::open) return;
  const bool owes_rest = update_message_wait();
  if (!paused_ && !owes_rest && in_flight_.empty() && output_octets() == 0) {
    host_.start_wait(Wait::idle, *this);
  } else {
    host_.stop_wait(Wait::idle, *this);
  }
}

/// What the client has begun at this moment, its handshake or messages, has message_time; only then a new time starts
/// for what it began since. returns  it owes something
bool Connection::update_message_wait() {
  const bool shakes_hands = !stream_->established();
  const std::uint64_t oldest = framing_->unfinished();
  const bool owes_rest = hears() && (shakes_hands || oldest != 0);
  if (!owes_rest || (!shakes_hands && oldest > owed_until_)) host_.stop_wait(Wait::message, *this);
  if (owes_rest && !marks_.since(Wait::message)) {
    owed_until_ = framing_->last_begun();
    host_.start_wait(Wait::message, *this);
  }
  return owes_rest;
}

void Connection::close(CloseReason reason) {
  if (closed()) return;
  const auto self = shared_from_this();
  if (framing_->broken()) reason = CloseReason::malformed;
  phase_ = Phase::closed;
  host_.note_queued(-static_cast<std::ptrdiff_t>(std::exchange(noted_output_, 0)));
  watch_.reset();
  stream_.reset();
  for (const InFlight& asked : in_flight_) host_.withdraw(asked.id);
  in_flight_.clear();
  host_.gone(*this, reason);
}

}  // namespace redoubt::transport
