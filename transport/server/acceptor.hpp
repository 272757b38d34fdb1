#pragma once
// Takes connections from one listening socket. Running out of descriptors neither spins nor leaves clients hanging:
// room is made, else they are turned away with a reserve descriptor and accepting rests for a moment.
#include <functional>

#include "transport/net/loop.hpp"
#include "transport/net/socket.hpp"

namespace redoubt::transport {

class Acceptor {
 public:
  struct Owner {
    std::function<void(Accepted)> accepted;
    /// Closes something that nobody needs; false when there is nothing.
    std::function<bool()> make_room;
    /// A client was turned away.
    std::function<void()> turned_away;
  };

  Acceptor(const Executor& executor, Socket listening, Owner owner);
  /// False when the socket cannot be used.
  bool start();

 private:
  /// taken: or lost on its way; the next may be there.
  enum class Step : std::uint8_t { taken, turned_away, nobody_waits, exhausted };

  void accept_some();
  Step accept_one();
  Step accept_by_reserve();
  static Step step_after(const std::error_code& error);
  void renew_reserve();

  Socket listening_;
  Socket reserve_;
  Watch watch_;
  Timer rest_;
  Owner owner_;
};

}  // namespace redoubt::transport
