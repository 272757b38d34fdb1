#include "transport/client/upstream_exchange.hpp"

#include <array>
#include <cerrno>
#include <utility>

#include "transport/client/answer_check.hpp"

namespace redoubt::transport {

UpstreamFault fault_of(const std::error_code& error) {
  switch (error.value()) {
    case ECONNREFUSED:
      return UpstreamFault::refused;
    case ETIMEDOUT:
      return UpstreamFault::timed_out;
    case ECONNRESET:
    case EPIPE:
      return UpstreamFault::closed_early;
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
    case ENOMEM:
    case EAGAIN:  // no port is left (connect(2))
    case EADDRINUSE:
      return UpstreamFault::too_many;
    default:
      return UpstreamFault::unreachable;
  }
}

UpstreamExchange::UpstreamExchange(const Executor& executor, Socket connecting, std::vector<std::uint8_t> query,
                                   Clock::time_point deadline, UpstreamDone done)
    : connecting_{std::move(connecting)},
      watch_{executor, connecting_.get()},
      deadline_{executor},
      query_{std::move(query)},
      done_{std::move(done)} {
  // A descriptor that cannot be watched is noticed at the deadline, which then is now.
  deadline_.at(watch_.ok() ? deadline : Clock::now(), [this] { finish(std::unexpected{UpstreamFault::timed_out}); });
  watch_.when_writable([this] { connected(); });
}

void UpstreamExchange::connected() {
  if (const std::error_code error = connect_result(connecting_)) return finish(std::unexpected{fault_of(error)});
  stream_ = tcp_stream(std::move(connecting_));
  output_.append_frame(query_);
  send();
}

void UpstreamExchange::send() {
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
      case StreamState::closed:
      case StreamState::failed:
        return finish(std::unexpected{UpstreamFault::closed_early});
    }
  }
  read_on();
}

void UpstreamExchange::read_on() {
  watch_.when_readable([this] { read(); });
}

void UpstreamExchange::read() {
  std::array<std::uint8_t, 16 * 1024> buffer;  // NOLINT: only what was read into it is looked at
  const Moved moved = stream_->read(buffer);
  switch (moved.state) {
    case StreamState::moved:
      return take(std::span{buffer}.first(moved.octets));
    case StreamState::wants_read:
      return read_on();
    case StreamState::wants_write:
      return watch_.when_writable([this] { read(); });
    case StreamState::closed:
    case StreamState::failed:
      return finish(std::unexpected{UpstreamFault::closed_early});
  }
}

void UpstreamExchange::take(std::span<const std::uint8_t> octets) {
  reader_.append(octets);
  const auto message = reader_.next();
  if (!message) return finish(std::unexpected{UpstreamFault::malformed});
  if (!*message) return read_on();
  // One query is on its way here: what is not its answer is nothing that we wait past.
  if (!answers(query_, **message)) return finish(std::unexpected{UpstreamFault::malformed});
  finish(std::vector<std::uint8_t>{(*message)->begin(), (*message)->end()});
}

void UpstreamExchange::finish(UpstreamResult result) {
  if (const UpstreamDone done = std::exchange(done_, nullptr)) done(std::move(result));
}

}  // namespace redoubt::transport
