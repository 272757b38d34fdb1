#include "transport/net/ready_set.hpp"

#include <sys/epoll.h>

#include <array>
#include <cerrno>
#include <system_error>
#include <utility>

#include "dns/unwritten.hpp"

namespace redoubt::transport {

namespace asio = boost::asio;

namespace {

/// Told in one go before others on the loop get their turn.
constexpr int events_in_a_row = 64;

thread_local constinit ReadySet* telling = nullptr;

epoll_event event_of(std::uint32_t events, Watched& watched) {
  epoll_event event{};
  event.events = events | EPOLLET;
  event.data.ptr = &watched;
  return event;
}

}  // namespace

/// While it lives, later work may wait for the end of what is told. A callback that throws ends it, too, and the
/// program with it: nothing is told on that loop again.
class ReadySet::Telling {
 public:
  explicit Telling(ReadySet& set) : set_{set} { telling = &set; }
  ~Telling() {
    telling = nullptr;
    set_.told_ = {};
  }
  Telling(const Telling&) = delete;
  Telling& operator=(const Telling&) = delete;

 private:
  ReadySet& set_;
};

asio::execution_context::id ReadySet::id;

ReadySet& ReadySet::of(const asio::any_io_executor& executor) {
  auto& ready = asio::use_service<ReadySet>(asio::query(executor, asio::execution::context));
  if (!ready.set_) {
    const int made = ::epoll_create1(EPOLL_CLOEXEC);
    if (made < 0) throw std::system_error{errno, std::system_category(), "epoll_create1"};
    ready.set_.emplace(executor, made);
    ready.wait();
  }
  return ready;
}

bool ReadySet::add(int descriptor, std::uint32_t events, Watched& watched) {
  epoll_event event = event_of(events, watched);
  return ::epoll_ctl(set_->native_handle(), EPOLL_CTL_ADD, descriptor, &event) == 0;
}

/// Of a descriptor that is in the set; that it cannot fail is the kernel's business (epoll_ctl(2) names no reason).
void ReadySet::arm(int descriptor, std::uint32_t events, Watched& watched) {
  epoll_event event = event_of(events, watched);
  ::epoll_ctl(set_->native_handle(), EPOLL_CTL_MOD, descriptor, &event);
}

void ReadySet::remove(int descriptor, const Watched& watched) {
  for (epoll_event& event : told_) {
    if (event.data.ptr == &watched) event.data.ptr = nullptr;
  }
  if (set_) ::epoll_ctl(set_->native_handle(), EPOLL_CTL_DEL, descriptor, nullptr);
}

bool ReadySet::run_behind(const asio::any_io_executor& executor, std::function<void()>& callback) {
  if (telling == nullptr || &telling->context() != &asio::query(executor, asio::execution::context)) return false;
  telling->behind_.push_back(std::move(callback));
  return true;
}

void ReadySet::wait() {
  set_->async_wait(asio::posix::descriptor_base::wait_read, [this](const boost::system::error_code& error) {
    if (error) return;  // the loop has gone
    tell();
    wait();
  });
}

void ReadySet::tell() {
  REDOUBT_UNWRITTEN std::array<epoll_event, events_in_a_row> events;  // NOLINT: the kernel fills `count` of them
  const int count = ::epoll_wait(set_->native_handle(), events.data(), events_in_a_row, 0);
  if (count <= 0) return;
  {
    const Telling scope{*this};
    for (told_ = std::span{events}.first(static_cast<std::size_t>(count)); !told_.empty();) {
      const epoll_event event = told_.front();
      told_ = told_.subspan(1);
      if (event.data.ptr != nullptr) static_cast<Watched*>(event.data.ptr)->ready(event.events);
    }
  }
  // What these leave for later is behind others on the loop.
  for (const auto& callback : std::exchange(behind_, {})) callback();
}

}  // namespace redoubt::transport
