#pragma once
// A channel on an event loop. All calls from the loop's thread: others go there by boost::asio::post. Callbacks run on
// the loop, never inside a call to this class.
#include <boost/asio/any_io_executor.hpp>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "appliance/channel/channel.hpp"
#include "appliance/channel/outbox.hpp"

namespace redoubt::channel {

/// Messages read in one go before other work on the loop gets its turn.
inline constexpr unsigned max_messages_in_a_row = 64;

class AsyncChannel {
 public:
  using OnMessage = std::function<void(Received)>;
  using OnClosed = std::function<void()>;

  explicit AsyncChannel(boost::asio::any_io_executor executor);
  ~AsyncChannel();
  AsyncChannel(const AsyncChannel&) = delete;
  AsyncChannel& operator=(const AsyncChannel&) = delete;

  /// Takes a fresh end over; whatever the former one had queued is dropped. Callbacks may call any member, also
  /// attach(), and may destroy this object. on_message: octets are valid until it returns. on_closed: once, when the
  /// peer is gone or sends what no peer of ours would; not after close() or another attach().
  void attach(Channel channel, OnMessage on_message, OnClosed on_closed);
  bool attached() const;
  /// Sends now, or when the peer takes it. False when there is no peer or the outbox is full: the message is dropped.
  bool send(std::vector<std::uint8_t> octets);
  /// The same with one descriptor, which is duplicated at once.
  bool send(std::vector<std::uint8_t> octets, int descriptor);
  /// Stops reading while the caller is at a limit of its own.
  void pause_reading();
  void resume_reading();
  void close();

 private:
  class Session;
  boost::asio::any_io_executor executor_;
  std::shared_ptr<Session> session_;
};

}  // namespace redoubt::channel
