#pragma once
// The bound sockets of every listener. Monitor keeps a copy of each, so that queries wait in the kernel while a role is
// started again.
#include <expected>
#include <map>
#include <string>
#include <vector>

#include "appliance/channel/channel.hpp"
#include "appliance/channel/monitor_child.hpp"

namespace redoubt::monitor {

struct BoundSocket {
  channel::TakeSocket as;
  channel::Descriptor socket;
};

class Listeners {
 public:
  /// Binds what is asked, all or nothing. A listener that stands as asked already is left as it is; one that stands
  /// otherwise is replaced. returns  whether sockets are new, so that the roles must get them errors   one line that
  /// names address and transport, e.g. `listen: 127.0.0.1@53 (udp): address already in use`
  std::expected<bool, std::string> bind(const channel::Bind& wanted);
  /// Whether it was there.
  bool unbind(channel::ListenerId listener);
  const std::vector<BoundSocket>& sockets_of(channel::ListenerId listener) const;
  std::vector<channel::ListenerId> ids() const;
  std::size_t count() const { return listeners_.size(); }

 private:
  struct Listener {
    channel::Bind wanted;
    std::vector<BoundSocket> sockets;
  };
  /// Whether some listener of ours holds that very address already.
  bool holds(const dns::Endpoint& at, channel::SocketKind kind) const;

  std::map<channel::ListenerId, Listener> listeners_;
};

}  // namespace redoubt::monitor
