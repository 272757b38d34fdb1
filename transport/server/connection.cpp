#include "transport/server/connection.hpp"

#include <algorithm>
#include <utility>

namespace redoubt::transport {

namespace {

/// Octets of queries that one connection may have in flight: plenty for twenty real ones, while twenty of 64 KiB would
/// be more than a megabyte. One query is always taken, however long.
constexpr std::size_t max_in_flight_octets = 64 * 1024;
/// Reads in one turn while a leaving peer still talks; what it says is dropped.
constexpr unsigned max_discarding_reads = 4;

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
  if (phase_ == Phase::open) read();
}

void Connection::read() {
  const std::span<std::uint8_t> room = host_.read_buffer();
  const Moved moved = stream_->read(room);
  switch (moved.state) {
    case StreamState::moved:
      framing_->append(room.first(moved.octets));
      return proceed();
    case StreamState::wants_read:
      update_waits();
      return read_on();
    case StreamState::wants_write:
      return watch_->when_writable([this] { readable(); });
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
  if (phase_ != Phase::open) return;
  take_queries();
  if (phase_ != Phase::open) return;
  update_waits();
  if (!paused_) read_on();
}

bool Connection::may_take_more() const {
  const Limits& limits = host_.limits();
  return in_flight_.size() < limits[Limit::queries_in_flight] && in_flight_octets_ < max_in_flight_octets &&
         output_.size() <= limits[Limit::queued_octets] / 2;
}

void Connection::take_queries() {
  bool took = false;
  while (phase_ == Phase::open) {
    const bool room_there = host_.takes_queries();
    paused_ = !room_there || !may_take_more();
    if (paused_) {
      if (!room_there && !std::exchange(waiting_for_room_, true)) host_.wait_for_room(*this);
      break;
    }
    const auto next = framing_->next();
    if (!next) return close(CloseReason::malformed);
    if (!*next) break;
    if (is_response((*next)->message)) return close(CloseReason::malformed);
    take(**next);
    took = true;
  }
  // The time of an unfinished message starts with its own first octet.
  if (took && phase_ == Phase::open) host_.stop_wait(Wait::message, *this);
}

void Connection::take(const Incoming& query) {
  in_flight_octets_ += query.message.size();
  ++queries_taken_;
  in_flight_.push_back(host_.ask(*this, query));
  if (queries_taken_ >= host_.limits()[Limit::queries_per_connection]) drain();
}

void Connection::deliver(AskId id, ExchangeTag tag, std::size_t query_octets, std::span<const std::uint8_t> answer) {
  if (closed()) return;
  in_flight_octets_ -= query_octets;
  if (const auto found = std::ranges::find(in_flight_, id); found != in_flight_.end()) {
    *found = in_flight_.back();
    in_flight_.pop_back();
  }
  if (answer.empty()) return close(CloseReason::unanswered);
  const std::size_t needed = answer.size() + framing_->overhead();
  const std::size_t limit = host_.limits()[Limit::queued_octets];
  if (output_.size() + needed > limit && !write_blocked_) flush();
  if (closed()) return;
  if (output_.size() + needed > limit) return close(CloseReason::slow);
  framing_->put(tag, answer, output_);
  if (!note_output()) return close(CloseReason::slow);
  if (!write_blocked_ && !std::exchange(flush_due_, true)) host_.flush_soon(*this);
  if (paused_) proceed();
}

void Connection::flush() {
  flush_due_ = false;
  while (!closed() && !output_.empty()) {
    const Moved moved = stream_->write(output_.front());
    switch (moved.state) {
      case StreamState::moved:
        output_.sent(moved.octets);
        continue;
      case StreamState::wants_read:
        note_blocked_write();
        return read_on();  // readable() comes back here
      case StreamState::wants_write:
        note_blocked_write();
        return write_on();
      case StreamState::waits:
      case StreamState::closed:
      case StreamState::failed:
        return close(CloseReason::finished);
    }
  }
  if (closed()) return;
  note_output();
  write_blocked_ = false;
  if (phase_ != Phase::leaving) host_.stop_wait(Wait::write, *this);
  if (phase_ == Phase::open) {
    update_waits();
    if (paused_) proceed();
  }
  finish_if_done();
}

/// What is queued at this moment has write_time to leave; only then a new time starts for what was queued since. A
/// client that takes an octet now and then gains nothing.
void Connection::note_blocked_write() {
  note_output();
  if (write_blocked_ && output_.total_sent() >= blocked_until_sent_) {
    host_.stop_wait(Wait::write, *this);
    write_blocked_ = false;
  }
  if (!write_blocked_) blocked_until_sent_ = output_.total_sent() + output_.size();
  write_blocked_ = true;
  host_.start_wait(Wait::write, *this);
  update_waits();
}

bool Connection::note_output() {
  const auto change = static_cast<std::ptrdiff_t>(output_.size()) - static_cast<std::ptrdiff_t>(noted_output_);
  noted_output_ = output_.size();
  return host_.note_queued(change);
}

void Connection::drain() {
  if (phase_ != Phase::open) return;
  phase_ = Phase::draining;
  host_.stop_wait(Wait::idle, *this);
  host_.stop_wait(Wait::message, *this);
  finish_if_done();
}

void Connection::finish_if_done() {
  if (phase_ != Phase::draining || !in_flight_.empty() || !output_.empty()) return;
  if (input_ended_) return close(CloseReason::finished);
  phase_ = Phase::leaving;
  stream_->finish();
  host_.start_wait(Wait::write, *this);
  read_on();
  host_.said_all(*this);
}

void Connection::resume() {
  if (!closed() && !paused_) readable();
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
  const bool owes_rest = !paused_ && (framing_->unfinished() || !stream_->established());
  if (owes_rest) {
    host_.start_wait(Wait::message, *this);
  } else {
    host_.stop_wait(Wait::message, *this);
  }
  if (!paused_ && !owes_rest && in_flight_.empty() && output_.empty()) {
    host_.start_wait(Wait::idle, *this);
  } else {
    host_.stop_wait(Wait::idle, *this);
  }
}

void Connection::close(CloseReason reason) {
  if (closed()) return;
  const auto self = shared_from_this();
  phase_ = Phase::closed;
  host_.note_queued(-static_cast<std::ptrdiff_t>(std::exchange(noted_output_, 0)));
  watch_.reset();
  stream_.reset();
  for (const AskId id : in_flight_) host_.withdraw(id);
  in_flight_.clear();
  host_.gone(*this, reason);
}

}  // namespace redoubt::transport
