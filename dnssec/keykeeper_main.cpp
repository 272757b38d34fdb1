// Process: keykeeper. Given: channels to control and transport, its secret's file, files of TLS keys, the folder of
// zone keys if there is one, all open. Keeps: compute only, locked memory, and that folder. Reads: typed requests, and
// those files.
#include "dnssec/keykeeper_main.hpp"

#include <poll.h>
#include <sys/eventfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <memory>
#include <optional>
#include <thread>
#include <utility>
#include <variant>
#include <vector>

#include "appliance/channel/keykeeper_clients.hpp"
#include "appliance/channel/monitor_child.hpp"
#include "appliance/channel/outbox.hpp"
#include "appliance/log/log.hpp"
#include "appliance/sandbox/sandbox.hpp"
#include "dnssec/keeper/work_queue.hpp"
#include "dnssec/keeper/zone_keys.hpp"
#include "dnssec/tls/tls_keys.hpp"

namespace redoubt::keykeeper {

namespace {

using channel::Channel;
using channel::Role;

constexpr int exit_cleanly = 0;
constexpr int exit_trouble = 1;
constexpr std::size_t max_tls_file = 96 * 1024;  // octets: a chain of eight in PEM
constexpr std::size_t max_passphrase = 4096;
constexpr std::size_t max_zone_work = 32;  // requests about zone keys: 72 KiB each, and their answers
constexpr unsigned max_signing_threads = 2;
constexpr unsigned slow_threads = 2;  // one may make a key for seconds, one open a file; others sign meanwhile
static_assert(max_keys_of_zone <= channel::max_zone_keys, "a list of them fits into its message");

std::int64_t unix_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

dnssec::KeyRole role_of(channel::ZoneKeyRole role) {
  switch (role) {
    case channel::ZoneKeyRole::ksk:
      return dnssec::KeyRole::ksk;
    case channel::ZoneKeyRole::zsk:
      return dnssec::KeyRole::zsk;
    case channel::ZoneKeyRole::csk:
      return dnssec::KeyRole::csk;
  }
  return dnssec::KeyRole::zsk;
}

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
    // The secret is the last thing to come in before the door shuts: then it is known whether there is a folder.
    while (!exit_code_ && !secret_) await_monitor();
    if (exit_code_) return *exit_code_;
    FileHandle wake{zone_folder_ ? ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK) : -1};
    sandbox::Door door{.role = Role::keykeeper, .reachable = {}};
    if (zone_folder_) door.reachable.push_back({.descriptor = zone_folder_.get(), .writable = true});
    const auto entered = sandbox::enter(door);
    if (wake) serve_zone_keys(std::move(wake));
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

  void await_monitor() {
    pollfd waiting{.fd = monitor_.descriptor(), .events = POLLIN, .revents = 0};
    if (::poll(&waiting, 1, -1) > 0) read_monitor();
  }

  /// What they are sealed under: the passphrase in its file, or 32 octets of the secret.
  std::expected<Seal, std::string> seal_of_zone_keys() const {
    if (!zone_passphrase_) {
      if (!*secret_) return std::unexpected{secret_->error()};
      const LockedOctets own = (*secret_)->derive("zone keys", 32);
      if (!own) return std::unexpected{std::string{"no locked memory"}};
      return Seal{{own.octets().begin(), own.octets().end()}, dnssec::SealCost::interactive};
    }
    if (is_exposed(zone_passphrase_.get()))
      return std::unexpected{std::string{
          "the passphrase's file can be read by others than its owner, or is another user's; chown and chmod 600 it"}};
    auto text = read_whole(zone_passphrase_.get(), max_passphrase);
    if (!text) return std::unexpected{"the passphrase's file: " + text.error()};
    while (!text->empty() && (text->back() == '\n' || text->back() == '\r')) text->pop_back();
    if (text->empty()) return std::unexpected{std::string{"the passphrase is empty"}};
    return Seal{*std::move(text), dnssec::SealCost::sensible};
  }

  void serve_zone_keys(FileHandle wake) {
    auto seal = seal_of_zone_keys();
    zone_passphrase_.reset();
    if (!seal) {
      no_zone_keys_ = "zone keys: " + seal.error();
      log::error("{}", no_zone_keys_);
      return;
    }
    const unsigned threads = slow_threads + std::clamp(std::thread::hardware_concurrency(), 1U, max_signing_threads);
    auto work = WorkQueue::start(threads, max_zone_work, std::move(wake));
    if (!work) {
      no_zone_keys_ = "zone keys: " + work.error();
      log::error("{}", no_zone_keys_);
      return;
    }
    zone_keys_.emplace(
        SealedFiles{FileHandle{zone_folder_.release()}}, *std::move(seal),
        ZoneKeyRules{.only_own = only_own_keys_,
                     .complain = [](const std::string& what) { log::warning("zone keys: {}", log::printable(what)); },
                     .tell = [](const std::string& what) { log::info("zone keys: {}", log::printable(what)); }});
    work_ = *std::move(work);
  }

  void turn() {
    std::array<pollfd, 4> waiting{};
    waiting[0] = {.fd = monitor_.descriptor(), .events = POLLIN, .revents = 0};
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      const auto events = static_cast<short>(clients_[i].outbox.empty() ? POLLIN : POLLOUT);
      waiting[i + 1] = {.fd = clients_[i].channel.descriptor(), .events = events, .revents = 0};
    }
    waiting[3] = {.fd = work_ ? work_->wake_descriptor() : -1, .events = POLLIN, .revents = 0};
    if (::poll(waiting.data(), waiting.size(), -1) < 0 && errno != EINTR) {
      log::error("poll: {}", std::strerror(errno));
      exit_code_ = exit_trouble;
      return;
    }
    for (std::size_t i = 0; i < clients_.size(); ++i) {
      if (waiting[i + 1].revents != 0) serve(clients_[i]);
    }
    if (waiting[3].revents != 0) {
      for (auto& answer : work_->take()) tell(clients_[0], std::move(answer));
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
    if (const auto* kept = std::get_if<channel::Kept>(&*message)) take_kept(*kept, received->descriptors.front());
    if (const auto* file = std::get_if<channel::TlsFile>(&*message)) take_file(*file, received->descriptors.front());
    // AllReady and what is for others only: nothing to do.
  }

  /// All of it is fixed once the secret is there: certificates and files of keys hang on it.
  void take_kept(const channel::Kept& kept, channel::Descriptor& descriptor) {
    if (secret_) {
      log::error("monitor sent slot {} after the secret: ignored", kept.slot);
      return;
    }
    const bool is_folder = kept.slot == channel::keep_zone_keys || kept.slot == channel::keep_shared_zone_keys;
    if (is_folder && zone_folder_) {
      log::error("monitor sent a second folder of zone keys: ignored");
    } else if (is_folder) {
      only_own_keys_ = kept.slot == channel::keep_zone_keys;
      zone_folder_ = std::move(descriptor);
    } else if (kept.slot == channel::keep_zone_passphrase) {
      zone_passphrase_ = std::move(descriptor);
    } else if (kept.slot == channel::keep_key_secret) {
      take_secret(descriptor);
    }
  }

  void take_secret(const channel::Descriptor& file) {
    secret_ = Secret::from_file(file.get());
    if (!*secret_) log::error("{}", secret_->error());
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
    std::visit([&](const auto& asked) { this->begin(client, asked); }, *request);
    return true;
  }

  static void begin(Client& client, const channel::Ping& ping) {
    tell(client, channel::encode(channel::KeykeeperToControl{answer_to(ping)}));
  }
  void begin(Client&, const channel::MakeCertificate& wish) { make_certificate(wish); }

  // Zone keys: all of it is work for the threads ---------------------------------------------------------------------

  void begin(Client& client, const channel::ListZoneKeys& asked) {
    work(client, channel::ZoneKeysListed{.id = asked.id, .keys = {}, .trouble = {}},
         [this, asked](channel::ZoneKeysListed& answer) {
           take_result(zone_keys_->list(asked.zone), answer.keys, answer.trouble);
         });
  }
  void begin(Client& client, const channel::MakeZoneKey& asked) {
    work(client, channel::ZoneKeyMade{.id = asked.id, .dnskey = {}, .trouble = {}},
         [this, asked](channel::ZoneKeyMade& answer) {
           take_result(zone_keys_->make({.zone = asked.zone,
                                         .algorithm = asked.algorithm,
                                         .role = role_of(asked.role),
                                         .rsa_bits = asked.rsa_bits,
                                         .taken = asked.taken}),
                       answer.dnskey, answer.trouble);
           if (answer.trouble.empty()) log::info("made a key of {}", log::printable(asked.zone.to_text()));
         });
  }
  void begin(Client& client, const channel::SignSets& asked) {
    work(client, channel::SetsSigned{.id = asked.id, .signatures = {}, .trouble = {}},
         [this, asked](channel::SetsSigned& answer) {
           take_result(zone_keys_->sign(asked.zone, asked.algorithm, asked.tag, asked.sets, unix_now()),
                       answer.signatures, answer.trouble);
         });
  }

  void begin(Client& client, const channel::DeleteZoneKey& asked) {
    work(client, channel::ZoneKeyDeleted{.id = asked.id, .trouble = {}},
         [this, asked](channel::ZoneKeyDeleted& answer) {
           const auto removed = zone_keys_->remove(asked.zone, asked.algorithm, asked.tag);
           if (!removed) {
             answer.trouble = removed.error() == too_busy ? channel::keykeeper_is_busy : removed.error();
             return;
           }
           log::warning("zone keys: key {} of {} is deleted", asked.tag, log::printable(asked.zone.to_text()));
         });
  }

  template <class Result>
  static void take_result(std::expected<Result, std::string> result, Result& into, std::string& trouble) {
    if (result)
      into = *std::move(result);
    else
      trouble = result.error() == too_busy ? channel::keykeeper_is_busy : result.error();
  }

  template <class Answer, class Fill>
  void work(Client& client, Answer answer, Fill fill) {
    answer.trouble = no_zone_keys_;
    if (work_) {
      answer.trouble = "keykeeper could not do it: no memory";
      const bool taken = work_->put(
          [answer, fill]() mutable {
            answer.trouble.clear();
            fill(answer);
            return channel::encode(channel::KeykeeperToControl{std::move(answer)});
          },
          channel::encode(channel::KeykeeperToControl{answer}));
      if (taken) return;
      answer.trouble = channel::keykeeper_is_busy;
    }
    tell(client, channel::encode(channel::KeykeeperToControl{std::move(answer)}));
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
  TlsKeys keys_;
  channel::Descriptor zone_folder_;
  channel::Descriptor zone_passphrase_;
  bool only_own_keys_ = true;  ///< zone-keys.only-own
  std::string no_zone_keys_ = "no folder of zone keys is configured (zone-keys.folder)";
  std::optional<ZoneKeys> zone_keys_;
  std::unique_ptr<WorkQueue> work_;                                            ///< after the keys that it works with
  std::optional<std::pair<std::uint64_t, channel::Descriptor>> certificates_;  ///< of files whose key is to come
  std::optional<int> exit_code_;
};

}  // namespace

int keykeeper_main(Channel monitor) { return Keykeeper{std::move(monitor)}.run(); }

}  // namespace redoubt::keykeeper
