#pragma once
// What connections need of the event loop: to be told once when a descriptor is ready, when a time has come, and after
// the current work. Boost.Asio stays behind these. One thread; callbacks run on the loop, never inside a call to these
// classes.
#include <boost/asio/any_io_executor.hpp>
#include <chrono>
#include <functional>
#include <memory>

namespace redoubt::transport {

using Executor = boost::asio::any_io_executor;
using Clock = std::chrono::steady_clock;
using Callback = std::function<void()>;

/// Readiness of one descriptor, which its owner closes after this object is gone. A callback may destroy this object;
/// none runs after that.
class Watch {
 public:
  /// Nothing is watched when the loop refuses the descriptor: ok() says so.
  Watch(const Executor& executor, int descriptor);
  ~Watch();
  Watch(const Watch&) = delete;
  Watch& operator=(const Watch&) = delete;
  bool ok() const;
  /// Calls once, also when the peer is gone. While one such call is due, another request changes nothing.
  void when_readable(Callback callback);
  void when_writable(Callback callback);
  /// The descriptor has just been read until it had nothing, or, a stream's, less than there was room for: the next
  /// when_readable() needs no look at what is there. Where nobody says so, it looks.
  void was_emptied();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// One time to come; a new one replaces the former. None comes after this object is gone.
class Timer {
 public:
  explicit Timer(const Executor& executor);
  ~Timer();
  Timer(const Timer&) = delete;
  Timer& operator=(const Timer&) = delete;
  void at(Clock::time_point when, Callback callback);
  void cancel();

 private:
  struct State;
  std::shared_ptr<State> state_;
};

/// Behind what is ready now. The caller sees to it that what the callback needs is still there.
void later(const Executor& executor, Callback callback);

}  // namespace redoubt::transport
