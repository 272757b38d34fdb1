// Process: keykeeper. Given: channels to control and transport. Keeps: compute only, locked memory. Reads: typed
// requests.
#include "dnssec/keykeeper_main.hpp"

#include <poll.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "appliance/channel/keykeeper_clients.hpp"
#include "appliance/channel/monitor_child.hpp"
#include "appliance/channel/outbox.hpp"
#include "appliance/log/log.hpp"
#include "appliance/sandbox/sandbox.hpp"

namespace redoubt::keykeeper {

namespace {

using channel::Channel;
using channel::Role;

constexpr int exit_cleanly = 0;
constexpr int exit_trouble = 1;

/// One of the two that may ask. While answers wait for it to read them, it is not listened to: its requests wait in its
/// own socket.
struct Client {
  Role role;
  Channel channel;
  channel::Outbox outbox;

  void attach(Channel fresh) {
    outbox.clear();
    channel = std::move(fresh);
  }
};

class Keykeeper {
 public:
  explicit Keykeeper(Channel monitor) : monitor_{std::move(monitor)} {}

  int run() {
    if (auto dropped = sandbox::drop_rights(Role::keykeeper); !dropped) {
      log::error("sandbox: {}", dropped.error());
      return exit_trouble;
    }
    const auto entered = sandbox::enter({.role = Role::keykeeper, .reachable = {}});
    tell_monitor(channel::Entered{.trouble = entered ? std::string{} : entered.error()});
    tell_monitor(channel::Ready{});
    while (!exit_code_) turn();
    return *exit_code_;
  }

 private:
  void tell_monitor(const channel::ChildToMonitor& message) {
    // Two messages in a life: they always fit. A monitor that is gone shows at the next read.
    if (const auto error = monitor_.send(channel::encode(message)); error && error != std::errc::broken_pipe) {
      log::error("channel to monitor: {}", error.message());
      exit_code_ = exit_trouble;
    }
  }

  void turn() {
    std::array<pollfd, 3> waiting{};
    waiting[0] = {.fd = monitor_.descriptor(), .events = POLLIN, .revents = 0};
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      const auto events = static_cast<short>(clients_[i].outbox.empty() ? POLLIN : POLLOUT);
      waiting[i + 1] = {.fd = clients_[i].channel.descriptor(), .events = events, .revents = 0};
    }
    if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) {
      log::error("poll: {}", std::strerror(errno));
      exit_code_ = exit_trouble;
      return;
    }
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      if (waiting[i + 1].revents != 0) serve(clients_[i]);
    }
    if (waiting[0].revents != 0) read_monitor();
  }

  void read_monitor() {
    auto received = monitor_.receive();
    if (!received) {
      if (received.error() == channel::ReceiveTrouble::would_block) return;
      exit_code_ = received.error() == channel::ReceiveTrouble::closed ? exit_cleanly : exit_trouble;
      return;
    }
    const auto message = channel::decode_monitor_to_child(received->octets);
    if (!message || channel::descriptors_of(*message) != received->descriptors.size()) {
      log::error("monitor sent garbage");
      exit_code_ = exit_trouble;
      return;
    }
    if (std::holds_alternative<channel::Stop>(*message)) exit_code_ = exit_cleanly;
    if (const auto* as = std::get_if<channel::LogAs>(&*message)) log::set(static_cast<log::Level>(as->level), as->json);
    if (const auto* attach = std::get_if<channel::Attach>(&*message)) {
      for (Client& client : clients_) {
        if (client.role == attach->peer) client.attach(Channel{std::move(received->descriptors.front())});
      }
    }
    // AllReady and what is for others only: nothing to do.
  }

  void serve(Client& client) {
    if (!client.outbox.empty()) {
      if (client.outbox.flush(client.channel) == channel::Sending::gone) client.attach({});
      return;
    }
    auto received = client.channel.receive();
    if (!received) {
      if (received.error() != channel::ReceiveTrouble::would_block) client.attach({});  // monitor brings a fresh one
      return;
    }
    const auto request = channel::decode_to_keykeeper(received->octets);
    if (!request || channel::descriptors_of(*request) != received->descriptors.size()) {
      log::error("{} sent garbage: its channel is closed", channel::to_text(client.role));
      client.attach({});
      return;
    }
    const channel::FromKeykeeper answer =
        std::visit([](const auto& asked) -> channel::FromKeykeeper { return answer_to(asked); }, *request);
    if (client.outbox.send(client.channel, channel::encode(answer)) == channel::Sending::gone) client.attach({});
  }

  static channel::FromKeykeeper answer_to(const channel::Ping& ping) { return channel::Pong{.id = ping.id}; }

  Channel monitor_;
  std::array<Client, 2> clients_{Client{.role = Role::control, .channel = {}, .outbox = {}},
                                 Client{.role = Role::transport, .channel = {}, .outbox = {}}};
  std::optional<int> exit_code_;
};

}  // namespace

int keykeeper_main(Channel monitor) { return Keykeeper{std::move(monitor)}.run(); }

}  // namespace redoubt::keykeeper
