#include "transport/role/keykeeper_road.hpp"

#include <utility>

#include "transport/role/resolver_road.hpp"

namespace redoubt::transport {

void KeykeeperRoad::attach(channel::Channel channel) {
  channel_.attach(
      std::move(channel), [this](channel::Received received) { receive(received); }, [] {});
  for (const auto& [id, waiting] : waiting_)
    channel_.send(channel::encode(channel::TransportToKeykeeper{waiting.request}));
}

/// Without a keykeeper it waits for the next one, as long as its connection does.
std::optional<SignatureId> KeykeeperRoad::sign(const SignatureRequest& request, Done done) {
  if (waiting_.size() >= limits_[Limit::signatures_waiting]) return std::nullopt;
  const SignatureId id = ++last_id_;
  channel::SignHandshake message{id, request.key, request.scheme, {request.message.begin(), request.message.end()}};
  if (channel_.attached() && !channel_.send(channel::encode(channel::TransportToKeykeeper{message})))
    return std::nullopt;  // it is there, and takes no more
  waiting_.emplace(id, Waiting{std::move(message), std::move(done)});
  return id;
}

void KeykeeperRoad::receive(const channel::Received& received) {
  auto message = channel::decode_keykeeper_to_transport(received.octets);
  if (!message || received.descriptors.size() != channel::descriptors_of(*message)) end_because_of("keykeeper");
  auto* made = std::get_if<channel::HandshakeSigned>(&*message);
  if (made == nullptr) return;
  const auto found = waiting_.find(made->id);
  if (found == waiting_.end()) return;  // its connection is gone
  const Done done = std::move(found->second.done);
  waiting_.erase(found);
  done(std::move(made->signature));
}

}  // namespace redoubt::transport
