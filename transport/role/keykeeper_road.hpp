#pragma once
// The transport's end of its channel to keykeeper: what handshakes want signed goes out, signatures come in.
#include <cstdint>
#include <map>
#include <vector>

#include "appliance/channel/async_channel.hpp"
#include "appliance/channel/keykeeper_clients.hpp"
#include "transport/limits.hpp"
#include "transport/net/loop.hpp"
#include "transport/tls/handshake_signer.hpp"

namespace redoubt::transport {

class KeykeeperRoad : public HandshakeSigner {
 public:
  explicit KeykeeperRoad(const Executor& executor) : channel_{executor} {}
  void use(const Limits& limits) { limits_ = limits; }
  /// A fresh channel: what waits is asked again, for the new keykeeper knows of none.
  void attach(channel::Channel channel);

  std::optional<SignatureId> sign(const SignatureRequest& request, Done done) override;
  void forget(SignatureId id) override { waiting_.erase(id); }
  std::size_t waiting() const { return waiting_.size(); }

 private:
  struct Waiting {
    channel::SignHandshake request;
    Done done;
  };
  void receive(const channel::Received& received);

  channel::AsyncChannel channel_;
  Limits limits_;
  SignatureId last_id_ = static_cast<SignatureId>(std::chrono::steady_clock::now().time_since_epoch().count());
  std::map<SignatureId, Waiting> waiting_;
};

}  // namespace redoubt::transport
