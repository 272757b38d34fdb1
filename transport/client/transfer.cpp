#include "transport/client/transfer.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "transport/client/answer_check.hpp"

namespace redoubt::transport {

Transfer::Transfer(const Executor& executor, Socket connecting, std::span<const std::uint8_t> query,
                   Clock::time_point deadline, OnMessage on_message, OnEnd on_end)
    : connecting_{std::move(connecting)},
      executor_{executor},
      watch_{executor, connecting_.get()},
      deadline_{executor},
      soon_{executor},
      on_message_{std::move(on_message)},
      on_end_{std::move(on_end)} {
  output_.append_frame(query);
  // A descriptor that cannot be watched is noticed at the deadline, which then is now.
  deadline_.at(watch_.ok() ? deadline : Clock::now(), [this] { end(UpstreamFault::timed_out); });
  watch_.when_writable([this] { connected(); });
}

void Transfer::connected() {
  if (const std::error_code error = connect_result(connecting_)) return end(fault_of(error));
  stream_ = tcp_stream(std::move(connecting_));
  send();
}

void Transfer::send() {
  while (!output_.empty()) {
    const Moved moved = stream_->write(output_.front());
    switch (moved.state) {
      case StreamState::moved:
        output_.sent(moved.octets);
        continue;
      case StreamState::wants_write:
        return watch_.when_writable([this] { send(); });
      case StreamState::wants_read:
        return watch_.when_readable([this] { send(); });
      case StreamState::waits:  // plain TCP does not
      case StreamState::closed:
      case StreamState::failed:
        return end(UpstreamFault::closed_early);
    }
  }
  read_on();
}

void Transfer::read_on() {
  watch_.when_readable([this] { read(); });
}

void Transfer::read() {
  std::array<std::uint8_t, 16 * 1024> buffer;  // NOLINT: only what was read into it is looked at
  const Moved moved = stream_->read(buffer);
  switch (moved.state) {
    case StreamState::moved:
      reader_.append(std::span{buffer}.first(moved.octets));
      return hand_out();
    case StreamState::wants_read:
      return read_on();
    case StreamState::wants_write:
      return watch_.when_writable([this] { read(); });
    case StreamState::waits:
    case StreamState::closed:
    case StreamState::failed:
      return end(UpstreamFault::closed_early);
  }
}

void Transfer::next() {
  if (wanted_ || !on_end_) return;
  wanted_ = true;
  soon_.at(Clock::now(), [this] { hand_out(); });  // never inside the caller's call
}

/// One whole message if one is here and wanted; reads on only for one that is.
void Transfer::hand_out() {
  if (!wanted_) return;
  const auto message = reader_.next();
  if (!message) return end(UpstreamFault::malformed);
  if (!*message) return read_on();
  wanted_ = false;
  const OnMessage tell = on_message_;  // it may end this object
  tell(**message);
}

void Transfer::end(UpstreamFault fault) {
  if (const OnEnd tell = std::exchange(on_end_, nullptr)) tell(fault);
}

void Transfers::open(Id id, const dns::Endpoint& server, std::chrono::milliseconds patience,
                     std::span<const std::uint8_t> query, Transfer::OnMessage on_message, Transfer::OnEnd on_end) {
  if (running_.contains(id)) return;
  if (server.port == 0 || !is_query(query)) return on_end(UpstreamFault::bad_request);
  if (running_.size() >= max_transfers) return on_end(UpstreamFault::too_many);
  const auto source = std::ranges::find(sources_, server.address.is_v6(), &dns::IpAddress::is_v6);
  auto socket = begin_connect(server, source == sources_.end() ? std::nullopt : std::optional{*source});
  if (!socket) return on_end(fault_of(socket.error()));
  running_.emplace(id, std::make_unique<Transfer>(executor_, *std::move(socket), query, Clock::now() + patience,
                                                  std::move(on_message),
                                                  [this, id, on_end = std::move(on_end)](UpstreamFault fault) {
                                                    const auto tell = on_end;  // goes with the transfer
                                                    running_.erase(id);
                                                    tell(fault);
                                                  }));
}

void Transfers::next(Id id) {
  if (const auto at = running_.find(id); at != running_.end()) at->second->next();
}

}  // namespace redoubt::transport
