#pragma once
// The coroutine type of the resolution core. It knows no event loop: whoever holds a Suspended resumes it, and whoever
// drops one ends what it belongs to. Cheaper than the event loop's own: a frame from the thread's pool, a pointer to
// whom it returns to, no allocation and no turn of the loop for a call (docs/decisions/0062).
//
// All of one chain, from spawn() down to whoever waits, runs on one thread at a time; that a Suspended comes back to
// its thread is up to its holder.
#include <coroutine>
#include <cstdint>
#include <exception>
#include <optional>
#include <stdexcept>
#include <utility>

#include "resolver/frame_pool.hpp"

namespace redoubt::resolver {

namespace task_detail {

/// What all frames of a chain have: who waits for them.
struct Link {
  Link* caller = nullptr;  ///< null for the chain's root
  std::coroutine_handle<> handle;
  /// Begun by its caller, who looks for itself whether it is through already: nobody is resumed then.
  bool is_beginning = false;

  static void* operator new(std::size_t octets) { return take_frame(octets); }
  static void operator delete(void* frame, std::size_t octets) noexcept { give_frame_back(frame, octets); }
};

/// To the caller, if it has gone to sleep meanwhile.
struct Return {
  bool await_ready() const noexcept { return false; }
  template <class Promise>
  std::coroutine_handle<> await_suspend(std::coroutine_handle<Promise> ended) const noexcept {
    const Link& link = ended.promise();
    if (link.is_beginning || link.caller == nullptr) return std::noop_coroutine();
    return link.caller->handle;
  }
  void await_resume() const noexcept {}
};

template <class T>
struct Result : Link {
  std::optional<T> value;
  std::exception_ptr trouble;

  template <class U>
  void return_value(U&& given) {
    value.emplace(std::forward<U>(given));
  }
  T take() {
    if (trouble) std::rethrow_exception(trouble);
    return std::move(*value);
  }
};

template <>
struct Result<void> : Link {
  std::exception_ptr trouble;

  void return_void() {}
  void take() const {
    if (trouble) std::rethrow_exception(trouble);
  }
};

}  // namespace task_detail

/// A step of a resolution that gives a T. Nothing happens until it is awaited, once; what it throws, its awaiter
/// catches.
template <class T>
class [[nodiscard]] Task {
 public:
  struct promise_type : task_detail::Result<T> {
    Task get_return_object() {
      this->handle = std::coroutine_handle<promise_type>::from_promise(*this);
      return Task{std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    task_detail::Return final_suspend() const noexcept { return {}; }
    void unhandled_exception() noexcept { this->trouble = std::current_exception(); }
  };

  Task(Task&& other) noexcept : frame_{std::exchange(other.frame_, nullptr)} {}
  Task& operator=(Task&& other) noexcept {
    if (this != &other) {
      if (frame_) frame_.destroy();
      frame_ = std::exchange(other.frame_, nullptr);
    }
    return *this;
  }
  ~Task() {
    if (frame_) frame_.destroy();
  }

  bool await_ready() const noexcept { return false; }
  /// Runs until it is through or waits for something. False: it is through, and its awaiter goes on at once.
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> caller) {
    promise_type& promise = frame_.promise();
    promise.caller = &caller.promise();
    promise.is_beginning = true;
    frame_.resume();
    promise.is_beginning = false;
    return !frame_.done();
  }
  T await_resume() { return frame_.promise().take(); }

 private:
  explicit Task(std::coroutine_handle<promise_type> frame) : frame_{frame} {}
  std::coroutine_handle<promise_type> frame_;
};

namespace task_detail {

/// The root of a chain. It owns all that it awaits, and itself.
struct Root {
  struct promise_type : Link {
    Root get_return_object() {
      handle = std::coroutine_handle<promise_type>::from_promise(*this);
      return {std::coroutine_handle<promise_type>::from_promise(*this)};
    }
    std::suspend_always initial_suspend() const noexcept { return {}; }
    std::suspend_never final_suspend() const noexcept { return {}; }
    void return_void() const noexcept {}
    /// Of whoever is told of the end. There is nobody left to be told of that.
    void unhandled_exception() const noexcept {}
  };
  std::coroutine_handle<promise_type> frame;
};

template <class T, class Done>
Root run(Task<T> task, Done done) {
  std::exception_ptr trouble;
  std::optional<T> value;
  try {
    value.emplace(co_await std::move(task));
  } catch (...) {
    trouble = std::current_exception();
  }
  if (!value) value.emplace();
  done(trouble, std::move(*value));
}

template <class Done>
Root run(Task<void> task, Done done) {
  std::exception_ptr trouble;
  try {
    co_await std::move(task);
  } catch (...) {
    trouble = std::current_exception();
  }
  done(trouble);
}

/// Where a frame that asks to wait stands, until its Suspended is out of the asker's hands.
enum class Waiting : std::uint8_t { asks, waits, resumed, dropped };

}  // namespace task_detail

/// A chain that waits. Resume it once, or drop it: then all of its frames end, down from the root.
class Suspended {
 public:
  Suspended(Suspended&& other) noexcept
      : link_{std::exchange(other.link_, nullptr)}, waiting_{std::exchange(other.waiting_, nullptr)} {}
  Suspended& operator=(Suspended&&) = delete;
  ~Suspended() {
    if (link_ == nullptr) return;
    if (*waiting_ == task_detail::Waiting::asks) {
      *waiting_ = task_detail::Waiting::dropped;
      return;
    }
    while (link_->caller != nullptr) link_ = link_->caller;
    link_->handle.destroy();
  }

  void resume() {
    task_detail::Link* const link = std::exchange(link_, nullptr);
    if (*waiting_ == task_detail::Waiting::asks)
      *waiting_ = task_detail::Waiting::resumed;
    else
      link->handle.resume();
  }

 private:
  template <class Start>
  friend class Suspension;
  Suspended(task_detail::Link& link, task_detail::Waiting& waiting) : link_{&link}, waiting_{&waiting} {}

  task_detail::Link* link_;  // null when resumed, or moved from
  task_detail::Waiting* waiting_;
};

/// co_await Suspension{start}: start is called with a Suspended, which it gives to whoever resumes it. What it throws
/// is thrown there.
template <class Start>
class Suspension {
 public:
  explicit Suspension(Start start) : start_{std::move(start)} {}

  bool await_ready() const noexcept { return false; }
  template <class Promise>
  bool await_suspend(std::coroutine_handle<Promise> asker) {
    start_(Suspended{asker.promise(), waiting_});
    if (waiting_ == task_detail::Waiting::dropped) throw std::runtime_error{"nobody would ever go on with this"};
    if (waiting_ == task_detail::Waiting::resumed) return false;
    waiting_ = task_detail::Waiting::waits;
    return true;
  }
  void await_resume() const noexcept {}

 private:
  Start start_;
  task_detail::Waiting waiting_ = task_detail::Waiting::asks;
};

/// For those whose outcome nobody waits for, whatever it is.
struct Detached {
  void operator()(const std::exception_ptr&) const {}
};

/// Runs the task here and now, until it waits. done(exception_ptr, T) or done(exception_ptr) is called at its end, with
/// a T{} when it threw. What done throws is lost.
template <class T, class Done>
void start_now(Task<T> task, Done done) {
  task_detail::run(std::move(task), std::move(done)).frame.resume();
}

}  // namespace redoubt::resolver
