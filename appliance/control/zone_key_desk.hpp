#pragma once
// What clients of the API ask keykeeper about zone keys: so many at once, each with a deadline, each answered once. All
// on one event loop.
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <expected>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "appliance/channel/keykeeper_clients.hpp"

namespace redoubt::control {

/// Requests under way; keykeeper takes twice as many.
inline constexpr std::size_t max_zone_key_requests = 16;

class ZoneKeyDesk {
 public:
  /// False when keykeeper is not there to take it.
  using Tell = std::function<bool(const channel::ControlToKeykeeper&)>;
  /// errors   one line; keykeeper's own troubles are in its answer
  using Then = std::function<void(std::expected<channel::KeykeeperToControl, std::string>)>;

  ZoneKeyDesk(boost::asio::io_context& loop, Tell tell) : loop_{loop}, tell_{std::move(tell)} {}

  /// Its id is set here. `then` is called from the loop, once.
  template <class Message>
  void ask(Message message, Then then) {
    message.id = ++last_id_;
    begin(message.id, channel::ControlToKeykeeper{std::move(message)}, std::move(then));
  }
  void on_answer(const channel::KeykeeperToControl& answer);
  void on_keykeeper_gone();

 private:
  struct Waiting {
    Then then;
    std::unique_ptr<boost::asio::steady_timer> deadline;
  };
  void begin(channel::RequestId id, const channel::ControlToKeykeeper& message, Then then);
  void end(channel::RequestId id, std::expected<channel::KeykeeperToControl, std::string> answer);

  boost::asio::io_context& loop_;
  Tell tell_;
  std::map<channel::RequestId, Waiting> waiting_;
  /// Grows across the lives of the process, so that an answer to a former life is known as old news.
  channel::RequestId last_id_ =
      static_cast<channel::RequestId>(std::chrono::steady_clock::now().time_since_epoch().count());
};

}  // namespace redoubt::control
