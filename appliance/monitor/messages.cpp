// What monitor says to its children and hears from them.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <string_view>
#include <utility>
#include <variant>

#include "appliance/log/log.hpp"
#include "appliance/monitor/monitor.hpp"
#include "appliance/sandbox/accounts.hpp"

namespace redoubt::monitor {

namespace {

using channel::Role;
using channel::SocketKind;

/// Who serves which sockets.
Role server_of(SocketKind kind) { return kind == SocketKind::datagram ? Role::resolver : Role::transport; }

/// Messages that only control may send.
bool is_for_control_alone(const channel::ChildToMonitor& message) {
  return !std::holds_alternative<channel::Entered>(message) && !std::holds_alternative<channel::Ready>(message) &&
         !std::holds_alternative<channel::StillHere>(message);
}

/// Whom it surprises: root has no right to pass over a file's mode here.
std::string_view why_root_may_not(int error) {
  return error == EACCES && ::geteuid() == 0 ? " (root's right to pass over modes is given up: let root own it)" : "";
}

/// Reading a pipe or a device could wait, or do things. The error is the reason, without the path.
std::expected<channel::Descriptor, std::string> open_regular_file(const std::string& path) {
  const auto fail = [](int error) {
    return std::unexpected{fmt::format("{}{}", std::strerror(error), why_root_may_not(error))};
  };
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return fail(errno);
  if (!S_ISREG(status.st_mode)) return std::unexpected{std::string{"not a file"}};
  channel::Descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
  if (!file) return fail(errno);
  return file;
}

/// Messages read from one child before the others get their turn.
constexpr unsigned max_messages_a_turn = 64;
/// For a child between the end of its channel and its own end.
constexpr std::chrono::milliseconds patience_with_ending{500};

}  // namespace

void Monitor::read(Child& child) {
  for (unsigned i = 0; i < max_messages_a_turn && child.channel(); ++i) {
    auto received = child.channel().receive();
    if (received) {
      taken_.reset();
      if (received->descriptors.size() == 1) taken_ = std::move(received->descriptors.front());
      take(child, *received);
      taken_.reset();
      continue;
    }
    switch (received.error()) {
      case channel::ReceiveTrouble::would_block:
        return;
      case channel::ReceiveTrouble::closed:
        // It is ending, and may do so by itself with a reason of its own; without its channel it is of no use, should
        // it live on.
        child.close_channel();
        child.kill_at = Clock::now() + patience_with_ending;
        return;
      case channel::ReceiveTrouble::too_large:
      case channel::ReceiveTrouble::too_many_descriptors:
      case channel::ReceiveTrouble::failed:
        punish(child, "a message that cannot be received");
        return;
    }
  }
}

void Monitor::take(Child& child, const channel::Received& received) {
  const auto message = channel::decode_child_to_monitor(received.octets);
  if (!message) {
    punish(child, channel::describe(message.error()));
    return;
  }
  if (channel::descriptors_of(*message) != received.descriptors.size()) {
    punish(child, "the wrong number of descriptors");
    return;
  }
  if (child.role() != Role::control && is_for_control_alone(*message)) {
    punish(child, "what only control may say");
    return;
  }
  std::visit([&](const auto& alternative) { handle(child, alternative); }, *message);
}

/// Garbage from a child means that it is not itself any more: it is started afresh.
void Monitor::punish(Child& child, std::string_view what) {
  log::error("{} sent {}: killing it", channel::to_text(child.role()), what);
  child.close_channel();
  child.kill(SIGKILL);
}

void Monitor::handle(Child& child, const channel::Entered& message) {
  if (child.entered) {
    punish(child, "a second Entered");
    return;
  }
  child.entered = true;
  child.sandbox_trouble = log::printable(message.trouble);
  judge_sandboxes();
  hand_out_sockets();
}

void Monitor::handle(Child& child, const channel::Ready&) {
  if (!child.entered) {
    punish(child, "Ready before Entered");
    return;
  }
  if (child.ready) {  // each one is answered to everybody
    punish(child, "a second Ready");
    return;
  }
  child.ready = true;
  note_readiness();
}

void Monitor::handle(Child&, const channel::AcceptBestEffort& message) {
  best_effort_ = message.accepted;
  judge_sandboxes();
  hand_out_sockets();
}

void Monitor::handle(Child& child, const channel::Bind& message) {
  const auto before = listeners_.sockets_of(message.listener).empty();
  const auto bound = listeners_.bind(message);
  if (bound && *bound) {
    // One that stood otherwise is replaced.
    if (!before) {
      send(child_of(Role::resolver), channel::DropListener{.listener = message.listener});
      send(child_of(Role::transport), channel::DropListener{.listener = message.listener});
    }
    for (const BoundSocket& socket : listeners_.sockets_of(message.listener)) give_socket(socket);
  }
  send(child, channel::BindResult{.id = message.id, .trouble = bound ? std::string{} : bound.error()});
}

void Monitor::handle(Child&, const channel::Unbind& message) {
  if (!listeners_.unbind(message.listener)) return;
  send(child_of(Role::resolver), channel::DropListener{.listener = message.listener});
  send(child_of(Role::transport), channel::DropListener{.listener = message.listener});
}

void Monitor::handle(Child&, const channel::RequestReload&) { give_configuration(false); }

/// What keykeeper has is fixed at the start: who takes over control must not give it another secret or folder.
void Monitor::handle(Child& child, const channel::Keep& message) {
  const bool is_for_keykeeper = channel::is_kept_for_keykeeper(message.slot);
  if (is_for_keykeeper && phase_ == Phase::serving) return punish(child, "a descriptor for keykeeper after the start");
  if (is_for_keykeeper && kept_[message.slot]) return punish(child, "a second descriptor for keykeeper");
  kept_[message.slot] = *std::exchange(taken_, std::nullopt);
  if (is_for_keykeeper) send(child_of(Role::keykeeper), channel::Kept{.slot = message.slot}, kept_[message.slot].get());
}

/// Only keykeeper gets what is in them, so that control gains nothing by naming files that are not its own.
void Monitor::handle(Child& child, const channel::OpenTlsFiles& message) {
  const auto certificates = open_regular_file(message.certificate);
  const auto key = open_regular_file(message.key);
  if (!certificates || !key) {
    const bool is_key = certificates.has_value();
    const std::string& trouble = is_key ? key.error() : certificates.error();
    return send(child, channel::TlsFilesMissing{.id = message.id, .key = is_key, .trouble = trouble});
  }
  Child& keykeeper = child_of(Role::keykeeper);
  send(keykeeper, channel::TlsFile{.id = message.id, .key = false}, certificates->get());
  send(keykeeper, channel::TlsFile{.id = message.id, .key = true}, key->get());
}

void Monitor::handle(Child& child, const channel::LogAs& message) {
  log_as_ = message;
  log::set(static_cast<log::Level>(message.level), message.json);
  for (Child& other : children_) {
    if (&other != &child) send(other, message);
  }
}

bool Monitor::acceptable(const Child& child) const {
  return child.entered && (child.sandbox_trouble.empty() || best_effort_ == true);
}

/// Once control has said what is accepted: a role whose sandbox is not whole either stays with a loud line, or ends the
/// start.
void Monitor::judge_sandboxes() {
  if (!best_effort_ || phase_ == Phase::stopping) return;
  const auto judge = [this](std::string_view who, std::string& trouble) {
    if (trouble.empty()) return true;
    if (*best_effort_) {
      log::warning("{} runs in an INCOMPLETE SANDBOX: {}", who, trouble);
      return true;
    }
    log::error("{}: the sandbox cannot be set up: {} (`sandbox: best-effort` would accept that)", who, trouble);
    return false;
  };
  bool accepted = true;
  if (phase_ == Phase::starting) accepted = judge("monitor", own_sandbox_trouble_);
  if (accepted && *best_effort_) own_sandbox_trouble_.clear();  // said once
  for (Child& child : children_) {
    if (!child.entered || child.has_sockets || child.sandbox_trouble.empty()) continue;
    if (judge(channel::to_text(child.role()), child.sandbox_trouble)) {
      child.sandbox_trouble.clear();
      continue;
    }
    accepted = false;
    if (phase_ == Phase::serving) child.kill(SIGKILL);
  }
  if (!accepted && phase_ == Phase::starting) stop(1);
}

/// At the start nobody serves before all doors are shut; later each as soon as its own is.
void Monitor::hand_out_sockets() {
  const auto is_acceptable = [this](const Child& child) { return acceptable(child); };
  if (phase_ == Phase::stopping) return;
  if (phase_ == Phase::starting && !std::ranges::all_of(children_, is_acceptable)) return;
  for (const SocketKind kind : {SocketKind::datagram, SocketKind::stream}) {
    Child& server = child_of(server_of(kind));
    if (server.has_sockets || !acceptable(server)) continue;
    server.has_sockets = true;
    for (const channel::ListenerId id : listeners_.ids()) {
      for (const BoundSocket& bound : listeners_.sockets_of(id)) {
        if (bound.as.kind == kind) send(server, bound.as, bound.socket.get());
      }
    }
  }
}

/// A new one, to its server if that has the others already.
void Monitor::give_socket(const BoundSocket& bound) {
  Child& server = child_of(server_of(bound.as.kind));
  if (server.has_sockets) send(server, bound.as, bound.socket.get());
}

void Monitor::give_configuration(bool initial) {
  Child& control = child_of(Role::control);
  channel::ReadConfiguration message{
      .opened = false, .initial = initial, .path = line_.configuration, .trouble = {}, .since = since_};
  channel::Descriptor file;
  if (!line_.configuration.empty()) {
    // Without waiting: the path may name a pipe that nobody writes.
    file = channel::Descriptor{::open(line_.configuration.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK)};
    message.opened = static_cast<bool>(file);
    if (!file) {
      const int error = errno;
      message.trouble = fmt::format("{}: {}{}", line_.configuration, std::strerror(error), why_root_may_not(error));
    }
  }
  send(control, message, file.get());
}

/// A child that was started again hears what its former life had heard.
void Monitor::tell_what_was(Child& child) {
  if (log_as_) send(child, *log_as_);
  for (std::uint8_t slot = 0; slot < channel::keep_slots; ++slot) {
    const Role owner = channel::is_kept_for_keykeeper(slot) ? Role::keykeeper : Role::control;
    if (child.role() == owner && kept_[slot]) send(child, channel::Kept{.slot = slot}, kept_[slot].get());
  }
  if (child.role() != Role::control) return;
  give_configuration(false);
  for (const Child& other : children_) {
    if (&other != &child) tell_control_of(other);
  }
}

void Monitor::tell_control_of(const Child& child) {
  send(child_of(Role::control), channel::ChildState{.role = child.role(),
                                                    .pid = static_cast<std::uint32_t>(child.pid()),
                                                    .restarts = child.starts() == 0 ? 0 : child.starts() - 1,
                                                    .stuck = child.stuck,
                                                    .up = child.running()});
}

void Monitor::note_readiness() {
  if (phase_ == Phase::stopping || !std::ranges::all_of(children_, &Child::ready)) return;
  for (Child& child : children_) send(child, channel::AllReady{});
  if (phase_ == Phase::serving) {
    log::info("all roles serve again");
    return;
  }
  phase_ = Phase::serving;
  for (const Child& child : children_) {
    const auto account = sandbox::account_of(child.role());
    if (account && !account->found)
      log::debug("no account {}: as root, its number would be {}", account->name, account->user);
  }
  const auto taken = std::chrono::duration_cast<std::chrono::milliseconds>(Clock::now() - started_);
  // Whatever the log level is: scripts wait for this line.
  log::write(log::Level::info,
             fmt::format("ready: {} processes, {} {}, {} ms", children_.size() + 1, listeners_.count(),
                         listeners_.count() == 1 ? "listener" : "listeners", taken.count()));
}

void Monitor::send(Child& child, const channel::MonitorToChild& message, int descriptor) {
  if (child.send(message, descriptor)) return;
  log::error("{} does not take what monitor sends: killing it", channel::to_text(child.role()));
  child.close_channel();
  child.kill(SIGKILL);
}

}  // namespace redoubt::monitor
