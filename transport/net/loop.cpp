#include "transport/net/loop.hpp"

#include <array>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

namespace redoubt::transport {

namespace asio = boost::asio;
using WaitKind = asio::posix::descriptor_base::wait_type;

struct Watch::State : std::enable_shared_from_this<State> {
  State(const Executor& executor, int watched) : descriptor{executor} {
    boost::system::error_code error;
    descriptor.assign(watched, error);
  }

  /// The flag, not the callback, says that a wait is under way: the callback is moved out before it runs.
  struct Side {
    Callback callback;
    bool waiting = false;
  };

  void wait(Side& side, WaitKind kind, Callback callback) {
    if (side.waiting || !descriptor.is_open()) return;
    side.callback = std::move(callback);
    side.waiting = true;
    descriptor.async_wait(kind, [self = shared_from_this(), &side](const boost::system::error_code& error) {
      side.waiting = false;
      const Callback due = std::exchange(side.callback, nullptr);
      if (!error && due) due();
    });
  }

  void stop() {
    if (descriptor.is_open()) descriptor.release();  // the descriptor is its owner's to close
    readable.callback = nullptr;
    writable.callback = nullptr;
  }

  asio::posix::stream_descriptor descriptor;
  Side readable;
  Side writable;
};

Watch::Watch(const Executor& executor, int descriptor) : state_{std::make_shared<State>(executor, descriptor)} {}
Watch::~Watch() { state_->stop(); }
bool Watch::ok() const { return state_->descriptor.is_open(); }
void Watch::when_readable(Callback callback) {
  state_->wait(state_->readable, asio::posix::descriptor_base::wait_read, std::move(callback));
}
void Watch::when_writable(Callback callback) {
  state_->wait(state_->writable, asio::posix::descriptor_base::wait_write, std::move(callback));
}

struct Timer::State {
  explicit State(const Executor& executor) : timer{executor} {}
  asio::steady_timer timer;
  /// Tells a time that was replaced while its handler was already queued from the one in force.
  std::uint64_t round = 0;
};

Timer::Timer(const Executor& executor) : state_{std::make_shared<State>(executor)} {}
Timer::~Timer() { cancel(); }

void Timer::at(Clock::time_point when, Callback callback) {
  const std::uint64_t round = ++state_->round;
  state_->timer.expires_at(when);
  state_->timer.async_wait(
      [state = state_, round, callback = std::move(callback)](const boost::system::error_code& error) {
        if (!error && round == state->round) callback();
      });
}

void Timer::cancel() {
  ++state_->round;
  state_->timer.cancel();
}

void later(const Executor& executor, Callback callback) { asio::post(executor, std::move(callback)); }

}  // namespace redoubt::transport
