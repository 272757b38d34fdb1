// Process: keykeeper. Given: channels to control and transport, its secret's file, files of TLS keys, all open. Keeps:
// compute only, locked memory. Reads: typed requests, and those files.
#include "dnssec/keykeeper_main.hpp"

#include <poll.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

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
#include "dnssec/tls/tls_keys.hpp"

namespace redoubt::keykeeper {

namespace {

using channel::Channel;
using channel::Role;

constexpr int exit_cleanly = 0;
constexpr int exit_trouble = 1;
constexpr std::size_t max_tls_file = 96 * 1024;  // octets: a chain of eight in PEM

/// To its end. Nothing when it is larger than any such file is, or cannot be read.
std::optional<LockedOctets> read_file(int descriptor, std::size_t& count) {
  std::optional<LockedOctets> octets{std::in_place, max_tls_file};
  count = 0;
  while (*octets && count < max_tls_file) {
    const ssize_t got = ::read(descriptor, octets->octets().data() + count, max_tls_file - count);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return std::nullopt;
    if (got == 0) return octets;
    count += static_cast<std::size_t>(got);
  }
  return std::nullopt;
}

/// Anybody on this machine may read or change the file. By the kernel's own call: the library's fstat() may be one that
/// takes paths, which the sandbox forbids here.
bool is_open_to_others(int descriptor) {
  struct stat status {};
  return ::syscall(SYS_fstat, descriptor, &status) == 0 && (status.st_mode & (S_IROTH | S_IWOTH)) != 0;
}

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
    if (!prepare_locked_memory()) log::warning("memory cannot be locked: keys may be swapped out");
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
    if (const auto* kept = std::get_if<channel::Kept>(&*message)) take_secret(*kept, received->descriptors.front());
    if (const auto* file = std::get_if<channel::TlsFile>(&*message)) take_file(*file, received->descriptors.front());
    // AllReady and what is for others only: nothing to do.
  }

  void take_secret(const channel::Kept& kept, const channel::Descriptor& file) {
    if (kept.slot != channel::keep_key_secret) return;
    secret_ = Secret::from_file(file.get());
    if (!*secret_) log::error("{}", secret_->error());
    if (const auto wish = std::exchange(wish_, std::nullopt)) make_certificate(*wish);
  }

  void make_certificate(const channel::MakeCertificate& wish) {
    channel::CertificateMade answer{.id = wish.id, .certificate = {}, .trouble = {}};
    auto made = *secret_ ? keys_.self_signed(**secret_, wish.names, wish.addresses, wish.former)
                         : std::unexpected{secret_->error()};
    if (made)
      answer.certificate = *std::move(made);
    else
      answer.trouble = made.error();
    tell(clients_[0], channel::encode(channel::KeykeeperToControl{std::move(answer)}));
  }

  /// The certificates come first and wait for their key.
  void take_file(const channel::TlsFile& file, channel::Descriptor& descriptor) {
    if (!file.key) {
      certificates_ = std::pair{file.id, std::move(descriptor)};
      return;
    }
    if (!certificates_ || certificates_->first != file.id) return;
    const channel::Descriptor certificates = std::move(certificates_->second);
    certificates_.reset();
    channel::TlsFilesRead answer{.id = file.id, .chain = {}, .trouble = {}};
    std::size_t chain_octets = 0;
    std::size_t key_octets = 0;
    const auto chain = read_file(certificates.get(), chain_octets);
    const auto key = read_file(descriptor.get(), key_octets);
    if (!chain || !key) {
      answer.trouble = "a file cannot be read, or is too large";
    } else {
      auto taken = keys_.take(chain->octets().first(chain_octets), key->octets().first(key_octets));
      if (taken)
        answer.chain = *std::move(taken);
      else
        answer.trouble = taken.error();
    }
    answer.key_exposed = is_open_to_others(descriptor.get());
    tell(clients_[0], channel::encode(channel::KeykeeperToControl{std::move(answer)}));
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
    const bool understood =
        client.role == Role::control ? hear_control(client, *received) : hear_transport(client, *received);
    if (understood) return;
    log::error("{} sent garbage: its channel is closed", channel::to_text(client.role));
    client.attach({});
  }

  static void tell(Client& client, std::vector<std::uint8_t> octets) {
    if (client.outbox.send(client.channel, std::move(octets)) == channel::Sending::gone) client.attach({});
  }

  /// False for what nobody of ours would say.
  bool hear_control(Client& client, const channel::Received& received) {
    const auto request = channel::decode_control_to_keykeeper(received.octets);
    if (!request || channel::descriptors_of(*request) != received.descriptors.size()) return false;
    if (const auto* ping = std::get_if<channel::Ping>(&*request))
      tell(client, channel::encode(channel::KeykeeperToControl{answer_to(*ping)}));
    if (const auto* wish = std::get_if<channel::MakeCertificate>(&*request)) {
      if (secret_)
        make_certificate(*wish);
      else
        wish_ = *wish;  // monitor brings the secret; the newest wish counts
    }
    return true;
  }

  bool hear_transport(Client& client, const channel::Received& received) {
    const auto request = channel::decode_transport_to_keykeeper(received.octets);
    if (!request || channel::descriptors_of(*request) != received.descriptors.size()) return false;
    const auto answer = [this](const auto& asked) -> channel::KeykeeperToTransport { return this->answer_to(asked); };
    tell(client, channel::encode(std::visit(answer, *request)));
    return true;
  }

  static channel::Pong answer_to(const channel::Ping& ping) { return {.id = ping.id}; }

  channel::HandshakeSigned answer_to(const channel::SignHandshake& asked) {
    return {.id = asked.id, .signature = keys_.sign(asked.key, asked.scheme, asked.message)};
  }

  Channel monitor_;
  std::array<Client, 2> clients_{Client{.role = Role::control, .channel = {}, .outbox = {}},
                                 Client{.role = Role::transport, .channel = {}, .outbox = {}}};
  std::optional<std::expected<Secret, std::string>> secret_;  ///< nothing: it has not come yet
  std::optional<channel::MakeCertificate> wish_;              ///< waits for it
  TlsKeys keys_;
  std::optional<std::pair<std::uint64_t, channel::Descriptor>> certificates_;  ///< of files whose key is to come
  std::optional<int> exit_code_;
};

}  // namespace

int keykeeper_main(Channel monitor) { return Keykeeper{std::move(monitor)}.run(); }

}  // namespace redoubt::keykeeper
