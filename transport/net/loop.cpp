#include "transport/net/loop.hpp"

#include <sys/epoll.h>

#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <utility>

#include "transport/net/ready_set.hpp"

namespace redoubt::transport {

namespace asio = boost::asio;

namespace {

/// The peer has said all; what is readable stays so.
constexpr std::uint32_t ended_events = EPOLLRDHUP | EPOLLHUP | EPOLLERR;
constexpr std::uint32_t read_events = EPOLLIN | EPOLLRDHUP;

}  // namespace

struct Watch::State final : Watched, std::enable_shared_from_this<State> {
  State(const Executor& executor, int watched)
      : set{ReadySet::of(executor)}, descriptor{watched}, is_open{set.add(watched, read_events, *this)} {}

  void when_readable(Callback callback) {
    if (readable || !is_open) return;
    readable = std::move(callback);
    if (may_have_more) arm();
  }

  void when_writable(Callback callback) {
    if (writable || !is_open) return;
    writable = std::move(callback);
    arm();
  }

  void arm() { set.arm(descriptor, writable ? read_events | EPOLLOUT : read_events, *this); }

  void ready(std::uint32_t events) override {
    const auto self = shared_from_this();
    has_ended = has_ended || (events & ended_events) != 0;
    const bool can_read = (events & (EPOLLIN | ended_events)) != 0;
    may_have_more = may_have_more || can_read;
    if ((events & (EPOLLOUT | EPOLLHUP | EPOLLERR)) != 0) call(writable);
    if (can_read) call(readable);
  }

  static void call(Callback& callback) {
    if (const Callback due = std::exchange(callback, nullptr)) due();
  }

  void stop() {
    if (std::exchange(is_open, false)) set.remove(descriptor, *this);
    readable = nullptr;
    writable = nullptr;
  }

  ReadySet& set;
  int descriptor;
  bool is_open;
  bool may_have_more = false;  ///< it became readable, and nobody said that it was read to its end since
  bool has_ended = false;
  Callback readable;
  Callback writable;
};

Watch::Watch(const Executor& executor, int descriptor) : state_{std::make_shared<State>(executor, descriptor)} {}
Watch::~Watch() { state_->stop(); }
bool Watch::ok() const { return state_->is_open; }
void Watch::when_readable(Callback callback) { state_->when_readable(std::move(callback)); }
void Watch::when_writable(Callback callback) { state_->when_writable(std::move(callback)); }
/// The end of what a peer says may have come together with what was read last, and is told no second time.
void Watch::was_emptied() { state_->may_have_more = state_->has_ended; }

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

void later(const Executor& executor, Callback callback) {
  if (!ReadySet::run_behind(executor, callback)) asio::post(executor, std::move(callback));
}

}  // namespace redoubt::transport
