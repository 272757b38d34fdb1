#include "appliance/channel/async_channel.hpp"

#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <utility>

namespace redoubt::channel {

/// One attached end. It outlives its AsyncChannel while a callback of its own runs; stop() makes it fall silent.
class AsyncChannel::Session : public std::enable_shared_from_this<Session> {
 public:
  Session(const boost::asio::any_io_executor& executor, Channel channel, OnMessage on_message, OnClosed on_closed)
      : channel_{std::move(channel)},
        waiter_{executor},
        on_message_{std::move(on_message)},
        on_closed_{std::move(on_closed)} {}

  void start() {
    boost::system::error_code error;
    waiter_.assign(channel_.descriptor(), error);
    if (error) {
      fail_later();
      return;
    }
    wait_to_read();
  }

  /// No callback from here on.
  void stop() {
    if (stopped_) return;
    stopped_ = true;
    outbox_.clear();
    if (waiter_.is_open()) waiter_.release();  // the descriptor is channel_'s to close
    channel_.take().reset();
  }

  bool live() const { return !stopped_ && !failing_; }

  bool send(std::vector<std::uint8_t> octets, int descriptor) {
    if (!live()) return false;
    const bool was_empty = outbox_.empty();
    switch (outbox_.send(channel_, std::move(octets), descriptor)) {
      case Sending::sent:
        return true;
      case Sending::queued:
        if (was_empty) wait_to_write();
        return true;
      case Sending::refused:
        return false;
      case Sending::gone:
        peer_takes_no_more();
        return false;
    }
    return false;
  }

  void pause_reading() { paused_ = true; }

  void resume_reading() {
    if (!std::exchange(paused_, false)) return;
    if (!waiting_to_read_ && !reading_) wait_to_read();
  }

 private:
  void wait_to_read() {
    if (stopped_ || failing_ || paused_) return;
    waiting_to_read_ = true;
    waiter_.async_wait(boost::asio::posix::descriptor_base::wait_read,
                       [self = shared_from_this()](const boost::system::error_code& error) {
                         self->waiting_to_read_ = false;
                         if (!error) self->read();
                       });
  }

  void wait_to_write() {
    waiter_.async_wait(boost::asio::posix::descriptor_base::wait_write,
                       [self = shared_from_this()](const boost::system::error_code& error) {
                         if (!error) self->flush();
                       });
  }

  void read() {
    reading_ = true;
    for (unsigned i = 0; i < max_messages_in_a_row && live() && !paused_; ++i) {
      auto received = channel_.receive();
      if (received) {
        on_message_(*std::move(received));
        continue;
      }
      if (received.error() == ReceiveTrouble::would_block) break;
      reading_ = false;
      fail();
      return;
    }
    reading_ = false;
    wait_to_read();
  }

  void flush() {
    if (!live()) return;
    const Sending result = outbox_.flush(channel_);
    if (result == Sending::queued) wait_to_write();
    if (result == Sending::gone) peer_takes_no_more();
  }

  /// What it said before it went is still to be read, and the end of the channel behind that; unless nobody is reading.
  void peer_takes_no_more() {
    outbox_.clear();
    if (paused_) fail_later();
  }

  void fail() {
    if (stopped_) return;
    failing_ = true;
    stop();
    if (on_closed_) on_closed_();
  }

  /// Not from inside a caller's send(): that is no place for its callback.
  void fail_later() {
    if (std::exchange(failing_, true)) return;
    boost::asio::post(waiter_.get_executor(), [self = shared_from_this()] { self->fail(); });
  }

  Channel channel_;
  boost::asio::posix::stream_descriptor waiter_;
  OnMessage on_message_;
  OnClosed on_closed_;
  Outbox outbox_;
  bool paused_ = false;
  bool waiting_to_read_ = false;
  bool reading_ = false;
  bool failing_ = false;  ///< the peer is gone; on_closed is on its way
  bool stopped_ = false;
};

AsyncChannel::AsyncChannel(boost::asio::any_io_executor executor) : executor_{std::move(executor)} {}

AsyncChannel::~AsyncChannel() { close(); }

void AsyncChannel::attach(Channel channel, OnMessage on_message, OnClosed on_closed) {
  close();
  session_ = std::make_shared<Session>(executor_, std::move(channel), std::move(on_message), std::move(on_closed));
  session_->start();
}

bool AsyncChannel::attached() const { return session_ && session_->live(); }

bool AsyncChannel::send(std::vector<std::uint8_t> octets) { return session_ && session_->send(std::move(octets), -1); }

bool AsyncChannel::send(std::vector<std::uint8_t> octets, int descriptor) {
  return descriptor >= 0 && session_ && session_->send(std::move(octets), descriptor);
}

void AsyncChannel::pause_reading() {
  if (session_) session_->pause_reading();
}

void AsyncChannel::resume_reading() {
  if (session_) session_->resume_reading();
}

void AsyncChannel::close() {
  if (const auto session = std::exchange(session_, nullptr)) session->stop();
}

}  // namespace redoubt::channel
