#pragma once
// A listener's socket of one worker, and how the worker hears that something came. Watched by epoll, the kernel calls
// back for each datagram that comes, and again for each that has left; a worker that is never out of work has no use
// for it and looks by itself.
#include <array>
#include <boost/asio/bind_allocator.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <new>

#include "appliance/channel/channel.hpp"

namespace redoubt::resolver {

/// Room for the one handler that a listener has under way at a time: a listener must not fall silent because there was
/// no memory to wait with.
class HandlerRoom {
 public:
  void* take(std::size_t octets) {
    if (is_taken_ || octets > room_.size()) return ::operator new(octets);
    is_taken_ = true;
    return room_.data();
  }
  void give_back(void* memory) {
    if (memory != room_.data()) return ::operator delete(memory);
    is_taken_ = false;
  }

  /// As Asio wants it.
  template <class T>
  struct Allocator {
    using value_type = T;
    explicit Allocator(HandlerRoom& of) : room{&of} {}
    template <class Other>
    Allocator(const Allocator<Other>& other) : room{other.room} {}  // NOLINT(google-explicit-constructor): rebinding
    T* allocate(std::size_t count) { return static_cast<T*>(room->take(count * sizeof(T))); }
    void deallocate(T* memory, std::size_t) { room->give_back(memory); }
    bool operator==(const Allocator&) const = default;
    HandlerRoom* room;
  };

 private:
  alignas(std::max_align_t) std::array<std::byte, 512> room_;
  bool is_taken_ = false;
};

class ListenerSocket {
 public:
  /// Not watched yet.
  ListenerSocket(boost::asio::io_context& loop, channel::Descriptor socket)
      : loop_{&loop}, socket_{std::move(socket)}, watched_{loop}, timer_{loop} {}
  ~ListenerSocket() { leave_alone(); }
  ListenerSocket(const ListenerSocket&) = delete;
  ListenerSocket& operator=(const ListenerSocket&) = delete;

  int handle() const { return socket_.get(); }
  /// What came before is noticed too. error: no memory, or too much is watched already.
  boost::system::error_code watch();
  /// Who waits is told so, with an error.
  void leave_alone();
  /// Whether one of the following will call.
  bool is_under_way() const { return is_under_way_; }
  /// Calls ready(error) once there is something to receive. It is watched. What is called holds the socket.
  template <class Ready>
  void wait(Ready ready) {
    watched_.async_wait(boost::asio::posix::stream_descriptor::wait_read, in_own_room(std::move(ready)));
    is_under_way_ = true;
  }
  /// Calls next(error) in the loop's next turn, watched or not; instead of wait(). What is called holds the socket.
  template <class Next>
  void turn(Next next) {
    // Not by the descriptor's executor: that is of any kind, and forgets whose memory is to be used.
    boost::asio::post(loop_->get_executor(),
                      in_own_room([next = std::move(next)]() mutable { next(boost::system::error_code{}); }));
    is_under_way_ = true;
  }
  /// The same in ten milliseconds.
  template <class Next>
  void turn_later(Next next) {
    timer_.expires_after(std::chrono::milliseconds{10});
    timer_.async_wait(in_own_room(std::move(next)));
    is_under_way_ = true;
  }

 private:
  template <class Handler>
  auto in_own_room(Handler handler) {
    return boost::asio::bind_allocator(HandlerRoom::Allocator<void>{handler_room_},
                                       [this, handler = std::move(handler)](auto... error) mutable {
                                         is_under_way_ = false;
                                         handler(error...);
                                       });
  }

  boost::asio::io_context* loop_;
  channel::Descriptor socket_;
  boost::asio::posix::stream_descriptor watched_;  // never the owner
  boost::asio::steady_timer timer_;
  HandlerRoom handler_room_;
  bool is_under_way_ = false;
};

}  // namespace redoubt::resolver
