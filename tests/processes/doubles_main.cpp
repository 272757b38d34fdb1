// A resolverd whose monitor and keykeeper are the real ones and whose other roles are small doubles, so that monitor
// can be tested by itself. The doubles stand in their roles' real sandboxes. control obeys the configuration, line by
// line:
//   bind ID ADDRESS@PORT WORKERS     datagrams and streams
//   unbind ID | exit CODE | hang | garbage | as-resolver (does what only control may... from elsewhere) | json | quiet
// resolver answers datagrams on the sockets it is given: "pid" with its number, "die" by dying, "garbage" by sending
// monitor garbage, "leave" by closing its channel to monitor and living on, "bind" by asking for what only control may,
// "attached" with the channels it got in this life, "level" with the log level, else with an echo.
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <map>
#include <span>
#include <sstream>
#include <string>
#include <variant>
#include <vector>

#include "appliance/channel/keykeeper_clients.hpp"
#include "appliance/channel/monitor_child.hpp"
#include "appliance/log/log.hpp"
#include "appliance/monitor/monitor.hpp"
#include "appliance/sandbox/sandbox.hpp"
#include "dnssec/keykeeper_main.hpp"

#ifdef REDOUBT_SANITIZED
// As in resolverd: the leak checker wants ptrace, which no role has.
extern "C" const char* __asan_default_options();  // NOLINT: the sanitizer's name
extern "C" const char* __asan_default_options() { return "detect_leaks=0"; }
#endif

namespace {

using namespace redoubt;
using channel::Channel;
using channel::Role;

class Double {
 public:
  Double(Role role, Channel monitor) : role_{role}, monitor_{std::move(monitor)} {}

  int run() {
    if (auto dropped = sandbox::drop_rights(role_, role_ == Role::control); !dropped) {
      log::error("{}", dropped.error());
      return 1;
    }
    const auto entered = sandbox::enter({.role = role_, .reachable = {}});
    tell(channel::Entered{.trouble = entered ? std::string{} : entered.error()});
    if (role_ != Role::control) tell(channel::Ready{});
    while (true) turn();
  }

 private:
  void tell(const channel::ChildToMonitor& message) { (void)monitor_.send(channel::encode(message)); }
  void tell_garbage() { (void)monitor_.send(std::array<std::uint8_t, 3>{200, 1, 2}); }

  void turn() {
    std::vector<pollfd> waiting{{.fd = monitor_.descriptor(), .events = POLLIN, .revents = 0}};
    for (const auto& socket : sockets_) waiting.push_back({.fd = socket.get(), .events = POLLIN, .revents = 0});
    ::poll(waiting.data(), waiting.size(), -1);
    for (std::size_t i = 1; i < waiting.size(); ++i) {
      if ((waiting[i].revents & POLLIN) != 0) answer(waiting[i].fd);
    }
    // One that has just left hears nothing more, whatever had come by then.
    if (waiting[0].revents != 0 && monitor_) hear();
  }

  void hear() {
    auto received = monitor_.receive();
    if (!received) {
      if (received.error() == channel::ReceiveTrouble::would_block) return;
      std::exit(0);
    }
    const auto message = channel::decode_monitor_to_child(received->octets);
    if (!message || channel::descriptors_of(*message) != received->descriptors.size()) std::abort();
    if (std::holds_alternative<channel::Stop>(*message)) {
      if (!hangs_) std::exit(0);
    } else if (std::holds_alternative<channel::Attach>(*message)) {
      ++attached_;
      peers_.push_back(std::move(received->descriptors.front()));
    } else if (std::holds_alternative<channel::AreYouThere>(*message)) {
      if (!silent_) tell(channel::StillHere{});
    } else if (const auto* as = std::get_if<channel::LogAs>(&*message)) {
      level_ = as->level;
    } else if (const auto* taken = std::get_if<channel::TakeSocket>(&*message)) {
      if (taken->kind == channel::SocketKind::datagram) sockets_.push_back(std::move(received->descriptors.front()));
    } else if (const auto* configuration = std::get_if<channel::ReadConfiguration>(&*message)) {
      obey(*configuration, received->descriptors);
    } else if (const auto* bound = std::get_if<channel::BindResult>(&*message)) {
      take_result(*bound);
    }
  }

  void obey(const channel::ReadConfiguration& configuration, std::span<const channel::Descriptor> descriptors) {
    if (!configuration.opened) {
      log::error("no configuration: {}", configuration.trouble);
      if (configuration.initial) std::exit(1);
      return;
    }
    std::string text(4096, '\0');
    text.resize(
        static_cast<std::size_t>(std::max<ssize_t>(0, ::read(descriptors.front().get(), text.data(), text.size()))));
    tell(channel::AcceptBestEffort{.accepted = false});
    if (configuration.initial) give_secret();
    std::istringstream lines{text};
    for (std::string line; std::getline(lines, line);) obey_line(line);
    if (pending_ == 0) tell(channel::Ready{});
  }

  /// keykeeper shuts its door once it has it.
  void give_secret() {
    const channel::Descriptor file{::memfd_create("secret", MFD_CLOEXEC)};
    (void)monitor_.send(channel::encode(channel::ChildToMonitor{channel::Keep{channel::keep_key_secret}}),
                        std::array{file.get()});
  }

  void obey_line(const std::string& line) {
    std::istringstream words{line};
    std::string verb;
    words >> verb;
    if (verb == "bind") {
      std::uint32_t id = 0;
      std::string at;
      std::uint32_t workers = 0;
      words >> id >> at >> workers;
      ++pending_;
      tell(channel::Bind{.id = id,
                         .listener = id,
                         .at = *dns::Endpoint::from_text(at, 53),
                         .datagrams = true,
                         .streams = true,
                         .workers = workers});
    } else if (verb == "unbind") {
      std::uint32_t id = 0;
      words >> id;
      tell(channel::Unbind{.listener = id});
    } else if (verb == "exit") {
      int code = 0;
      words >> code;
      log::error("control was told to end");
      std::exit(code);
    } else if (verb == "hang") {
      hangs_ = true;
    } else if (verb == "secret") {
      give_secret();
    } else if (verb == "quiet") {
      tell(channel::LogAs{.level = static_cast<std::uint8_t>(log::Level::error), .json = false});
    }
  }

  void take_result(const channel::BindResult& result) {
    --pending_;
    if (!result.trouble.empty()) {
      log::error("{}", result.trouble);
      std::exit(1);
    }
    if (pending_ == 0) tell(channel::Ready{});
  }

  void answer(int socket) {
    std::array<char, 512> buffer{};
    sockaddr_storage from{};
    socklen_t size = sizeof from;
    auto* const address = reinterpret_cast<sockaddr*>(&from);  // NOLINT: the API's way
    const ssize_t count = ::recvfrom(socket, buffer.data(), buffer.size(), 0, address, &size);
    if (count < 0) return;
    std::string text{buffer.data(), static_cast<std::size_t>(count)};
    if (text == "die") ::_exit(3);
    if (text == "garbage") tell_garbage();
    if (text == "leave") monitor_ = Channel{};
    if (text == "bind") tell(channel::Unbind{.listener = 1});
    if (text == "silence") silent_ = true;
    if (text == "pid") text = std::to_string(::getpid());
    if (text == "attached") text = std::to_string(attached_);
    if (text == "level") text = std::to_string(level_);
    ::sendto(socket, text.data(), text.size(), 0, address, size);
  }

  Role role_;
  Channel monitor_;
  std::vector<channel::Descriptor> sockets_;
  std::vector<channel::Descriptor> peers_;
  int attached_ = 0;
  int pending_ = 0;
  int level_ = -1;
  bool hangs_ = false;
  bool silent_ = false;
};

}  // namespace

int main(int count, char** arguments) {
  const auto started = std::chrono::steady_clock::now();
  const auto line = monitor::parse_command_line(std::span{arguments, static_cast<std::size_t>(count)}.subspan(1));
  if (!line) return 2;
  log::start(line->role ? channel::to_text(*line->role) : "monitor");
  if (!line->role) return monitor::monitor_main(*line, started);
  Channel monitor{channel::Descriptor{monitor::channel_descriptor}};
  if (*line->role == Role::keykeeper) return keykeeper::keykeeper_main(std::move(monitor));
  return Double{*line->role, std::move(monitor)}.run();
}
