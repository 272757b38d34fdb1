#include "transport/client/upstream_connection.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "transport/client/answer_check.hpp"

namespace redoubt::transport {

namespace {

std::uint16_t id_of(std::span<const std::uint8_t> message) {
  return static_cast<std::uint16_t>(message[0] << 8U | message[1]);
}

void set_id(std::vector<std::uint8_t>& message, std::uint16_t id) {
  message[0] = static_cast<std::uint8_t>(id >> 8U);
  message[1] = static_cast<std::uint8_t>(id & 0xffU);
}

UpstreamFault fault_of(Distrust distrust) {
  switch (distrust) {
    case Distrust::none:
      return UpstreamFault::closed_early;
    case Distrust::untrusted:
      return UpstreamFault::untrusted;
    case Distrust::expired:
      return UpstreamFault::expired;
    case Distrust::wrong_name:
      return UpstreamFault::wrong_name;
    case Distrust::wrong_key:
      return UpstreamFault::wrong_key;
  }
  return UpstreamFault::untrusted;
}

}  // namespace

UpstreamConnection::UpstreamConnection(const Executor& executor, UpstreamServer server, Socket connecting, Speak speak,
                                       std::unique_ptr<ClientFraming> framing, ConnectionTimes times,
                                       ConnectionUser& user)
    : executor_{executor},
      server_{server},
      user_{user},
      times_{times},
      connecting_{std::move(connecting)},
      speak_{std::move(speak)},
      framing_{std::move(framing)} {
  watch_.emplace(executor, connecting_.get());
  idle_.emplace(executor);
  // A descriptor that the loop refuses is known once the caller is back in the loop.
  if (!watch_->ok()) idle_->at(Clock::now(), [this] { end(UpstreamFault::too_many); });
  watch_->when_writable([this] { on_writable(); });
}

bool UpstreamConnection::stalled(Clock::time_point now) const {
  return !waiting_.empty() && now - quiet_since_ >= times_.stall;
}

bool UpstreamConnection::takes(std::size_t most, Clock::time_point now) const {
  return !closed_ && !retired_ && waiting_.size() < most && !stalled(now) && framing_->takes();
}

std::uint16_t UpstreamConnection::free_id(std::uint16_t wanted) const {
  while (waiting_.contains(wanted)) ++wanted;  // ends: takes() kept them few
  return wanted;
}

void UpstreamConnection::put(UpstreamId exchange, std::span<const std::uint8_t> query, Clock::time_point now) {
  const std::uint16_t id = free_id(id_of(query));
  if (waiting_.empty()) quiet_since_ = now;
  waiting_.emplace(id, Waiting{exchange, query, now});
  ++live_;
  if (waiting_.size() > 1) crowded_ = true;
  if (watch_->ok()) idle_->cancel();
  std::vector<std::uint8_t> message{query.begin(), query.end()};
  set_id(message, id);
  framing_->put(message, output_);
  // From the loop, so that what is put in one turn leaves in one write.
  watch_->when_writable([this] { on_writable(); });
}

void UpstreamConnection::take_back(UpstreamId exchange) {
  const auto at = std::ranges::find_if(
      waiting_, [&](const auto& entry) { return entry.second.live && entry.second.exchange == exchange; });
  if (at == waiting_.end()) return;
  at->second.live = false;
  at->second.query = {};
  --live_;
  // The whole time that it was here, nothing came: others should not wait behind it.
  const Clock::time_point now = Clock::now();
  const bool unheard = quiet_since_ <= at->second.since && now - at->second.since >= times_.stall;
  if (unheard || waiting_.size() - live_ > max_owed_answers) retired_ = true;
  rest_or_close(now);
}

void UpstreamConnection::retire() {
  retired_ = true;
  if (!closed_) rest_or_close(Clock::now());
}

/// With nobody waiting: open for the next query, unless this connection is none to go on with.
void UpstreamConnection::rest_or_close(Clock::time_point now) {
  if (live_ > 0 || closed_) return;
  idle_since_ = now;
  if (waiting_.empty() && framing_->unfinished()) retired_ = true;  // octets that nobody asked for
  const bool useless = retired_ || !connected() || stalled(now);
  idle_->at(useless ? now : now + times_.idle, [this] { end(UpstreamFault::closed_early); });
}

void UpstreamConnection::close() {
  closed_ = true;
  watch_.reset();
  idle_.reset();
  stream_.reset();
  connecting_.reset();
}

void UpstreamConnection::end(UpstreamFault fault) {
  if (closed_) return;
  close();
  user_.ended(*this, fault);
}

std::vector<UpstreamId> UpstreamConnection::exchanges() const {
  std::vector<UpstreamId> live;
  for (const auto& [id, waiting] : waiting_) {
    if (waiting.live) live.push_back(waiting.exchange);
  }
  return live;
}

bool UpstreamConnection::finish_connecting() {
  if (const std::error_code error = connect_result(connecting_)) {
    end(fault_of(error));
    return false;
  }
  stream_ = speak_(std::move(connecting_));
  if (!stream_) {
    end(UpstreamFault::bad_request);
    return false;
  }
  if (stream_->established())
    watch_->when_readable([this] { on_readable(); });
  else
    read();  // which brings a handshake on
  return !closed_;
}

void UpstreamConnection::on_writable() {
  if (!stream_ && !finish_connecting()) return;
  send();
  if (!closed_ && std::exchange(read_wants_write_, false)) read();
}

void UpstreamConnection::on_readable() {
  read();
  if (!closed_ && std::exchange(write_wants_read_, false)) send();
}

void UpstreamConnection::send() {
  while (connected()) {
    if (output_.empty()) framing_->speak(output_);
    if (output_.empty()) return;
    const Moved moved = stream_->write(output_.front());
    switch (moved.state) {
      case StreamState::moved:
        output_.sent(moved.octets);
        continue;
      case StreamState::wants_write:
        return watch_->when_writable([this] { on_writable(); });
      case StreamState::wants_read:
        write_wants_read_ = true;  // reading is always waited for
        return;
      case StreamState::waits:  // a client's streams do not
      case StreamState::closed:
      case StreamState::failed:
        return end(UpstreamFault::closed_early);
    }
  }
}

void UpstreamConnection::read() {
  std::array<std::uint8_t, 16 * 1024> buffer;  // NOLINT: only what was read into it is looked at
  const bool shakes_hands = !stream_->established();
  const Moved moved = stream_->read(buffer);
  if (shakes_hands && connected()) watch_->when_writable([this] { on_writable(); });  // queries wait for that
  switch (moved.state) {
    case StreamState::moved:
      take(std::span{buffer}.first(moved.octets));
      break;
    case StreamState::wants_read:
      break;
    case StreamState::wants_write:
      read_wants_write_ = true;
      watch_->when_writable([this] { on_writable(); });
      return;
    case StreamState::waits:  // a client's streams do not
    case StreamState::closed:
    case StreamState::failed:
      return end(fault_of(stream_->distrust()));
  }
  if (closed_) return;
  if (!stream_->holds_more()) return watch_->when_readable([this] { on_readable(); });
  later(executor_, [waiting = weak_from_this()] {
    const auto there = waiting.lock();
    if (there && there->open()) there->on_readable();
  });
}

void UpstreamConnection::take(std::span<const std::uint8_t> octets) {
  const Clock::time_point quiet_before = quiet_since_;
  framing_->append(octets);
  drop_unanswered();
  while (!closed_) {
    const auto message = framing_->next();
    if (!message) return end(framing_->left() ? UpstreamFault::closed_early : UpstreamFault::malformed);
    if (!*message) break;
    if (!take_message(**message)) return end(UpstreamFault::malformed);
  }
  if (!closed_ && framing_->speaks()) watch_->when_writable([this] { on_writable(); });
  // Octets without the end of any query do not make an idle connection last (dripping servers).
  const bool news = quiet_since_ != quiet_before || waiting_.empty();
  if (!closed_ && news) rest_or_close(Clock::now());
}

/// Queries that got no answer fail alone. The server speaks, so that others need not go another way.
void UpstreamConnection::drop_unanswered() {
  while (!closed_) {
    const auto unanswered = framing_->unanswered();
    if (!unanswered) return;
    const auto at = waiting_.find(unanswered->id);
    if (at == waiting_.end()) continue;
    const Waiting waiting = at->second;
    waiting_.erase(at);
    quiet_since_ = Clock::now();
    if (!waiting.live) continue;
    --live_;
    user_.failed(*this, waiting.exchange, unanswered->fault);
  }
}

/// False for what nobody asked: a server that says such things is not listened to any longer.
bool UpstreamConnection::take_message(std::span<const std::uint8_t> message) {
  const auto at = waiting_.find(id_of(message));
  if (at == waiting_.end()) return false;
  const Waiting waiting = at->second;
  std::vector<std::uint8_t> answer;
  if (waiting.live) {
    answer.assign(message.begin(), message.end());
    set_id(answer, id_of(waiting.query));
    if (!answers(waiting.query, answer)) return false;
    --live_;
  }
  waiting_.erase(at);
  ++answers_;
  quiet_since_ = Clock::now();
  if (waiting.live) user_.answered(*this, waiting.exchange, std::move(answer));
  return true;
}

}  // namespace redoubt::transport
