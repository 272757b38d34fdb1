// Process: transport. Given: channels to monitor, control, resolver and keykeeper; listening stream sockets; sealed
// snapshots. Keeps: stream sockets, both directions. No files, no private key, no datagrams. Reads: streams of anybody.
#include "transport/role/transport_main.hpp"

#include <malloc.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <exception>
#include <map>
#include <optional>
#include <string>

#include "appliance/channel/async_channel.hpp"
#include "appliance/channel/control_transport.hpp"
#include "appliance/channel/monitor_child.hpp"
#include "appliance/channel/statistics.hpp"
#include "appliance/log/log.hpp"
#include "appliance/sandbox/sandbox.hpp"
#include "appliance/snapshot/snapshot.hpp"
#include "transport/client/transfer.hpp"
#include "transport/client/upstream_pool.hpp"
#include "transport/role/keykeeper_road.hpp"
#include "transport/role/resolver_road.hpp"
#include "transport/role/settings.hpp"
#include "transport/server/stream_server.hpp"

namespace redoubt::transport {

namespace asio = boost::asio;

namespace {

/// Free octets at the heap's end that stay ours. The C library gives them back from 128 KiB on, and a few handshakes
/// that end together free more: the next ones then fetch it from the system again, page by page.
constexpr int heap_end_kept = 2 << 20;
/// Octets from which a block has a mapping of its own, which comes and goes with page faults: more than what waits for
/// a client that two answers of 64 KiB are on the way to.
constexpr int own_mapping_from = 1 << 20;

/// What a clean stop waits for answers that are nearly there.
constexpr std::chrono::milliseconds stop_patience{1000};

struct WaitingSocket {
  Socket socket;
  dns::Endpoint bound;
};

class Role {
 public:
  Role()
      : monitor_{loop_.get_executor()},
        control_{loop_.get_executor()},
        keykeeper_{loop_.get_executor()},
        road_{loop_.get_executor()},
        tls_{keykeeper_, counters_},
        server_{loop_.get_executor(), road_, counters_, &tls_},
        upstreams_{loop_.get_executor(), counters_},
        transfers_{loop_.get_executor()} {
    road_.use(server_, upstreams_);
  }

  int run(channel::Channel monitor, const std::string& sandbox_trouble) {
    monitor_.attach(
        std::move(monitor), [this](channel::Received received) { from_monitor(std::move(received)); },
        [this] { loop_.stop(); });
    tell_monitor(channel::Entered{sandbox_trouble});
    loop_.run();
    return 0;
  }

 private:
  void tell_monitor(const channel::ChildToMonitor& message) { monitor_.send(channel::encode(message)); }
  void tell_control(const channel::TransportToControl& message) {
    if (!control_.send(channel::encode(message))) log::debug("control does not take a message; dropped");
  }

  void from_monitor(channel::Received received) {
    const auto message = channel::decode_monitor_to_child(received.octets);
    if (!message || received.descriptors.size() != channel::descriptors_of(*message)) end_because_of("monitor");
    if (const auto* attach = std::get_if<channel::Attach>(&*message)) {
      attach_to(attach->peer, channel::Channel{std::move(received.descriptors.front())});
    } else if (const auto* take = std::get_if<channel::TakeSocket>(&*message)) {
      take_socket(*take, Socket{received.descriptors.front().release()});
    } else if (const auto* drop = std::get_if<channel::DropListener>(&*message)) {
      sockets_.erase(drop->listener);
      server_.drop_listener(drop->listener);
    } else if (std::holds_alternative<channel::Stop>(*message)) {
      server_.stop(stop_patience, [this] { loop_.stop(); });
    } else if (const auto* log_as = std::get_if<channel::LogAs>(&*message)) {
      log::set(static_cast<log::Level>(log_as->level), log_as->json);
    } else if (std::holds_alternative<channel::AreYouThere>(*message)) {
      tell_monitor(channel::StillHere{});
    }
  }

  void attach_to(channel::Role peer, channel::Channel channel) {
    if (peer == channel::Role::resolver) {
      road_.attach(std::move(channel));
    } else if (peer == channel::Role::control) {
      control_.attach(
          std::move(channel), [this](channel::Received received) { from_control(std::move(received)); },
          [this] { transfers_.close_all(); });
    } else if (peer == channel::Role::keykeeper) {
      keykeeper_.attach(std::move(channel));
    }
  }

  void take_socket(const channel::TakeSocket& take, Socket socket) {
    if (take.kind != channel::SocketKind::stream) end_because_of("monitor");
    sockets_[take.listener] = {std::move(socket), take.bound};
    listen_where_possible();
  }

  /// Who comes before it is known what to speak, or without a certificate to show, waits in the kernel.
  void listen_where_possible() {
    if (!settings_) return;
    for (const auto& [id, manner] : settings_->listeners) {
      if (server_.listens(id)) server_.set_manner(id, manner);
      const auto waiting = sockets_.find(id);
      if (waiting == sockets_.end() || (manner.protocol != Protocol::tcp && !tls_.ready())) continue;
      auto node = sockets_.extract(waiting);
      if (!server_.listen(id, manner, std::move(node.mapped().socket)))
        log::error("listener {} at {} cannot be used", id, node.mapped().bound.to_text());
    }
    say_ready_once();
  }

  void from_control(channel::Received received) {
    const auto message = channel::decode_control_to_transport(received.octets);
    if (!message || received.descriptors.size() != channel::descriptors_of(*message)) end_because_of("control");
    if (const auto* use = std::get_if<channel::UseSnapshot>(&*message)) {
      const std::string trouble = use_snapshot(received.descriptors.front());
      if (!trouble.empty()) log::error("snapshot {} is refused: {}", use->generation, trouble);
      tell_control(channel::SnapshotTaken{use->generation, trouble});
      if (trouble.empty()) listen_where_possible();
    } else if (const auto* certificate = std::get_if<channel::UseCertificate>(&*message)) {
      const std::string trouble = tls_.use(certificate->place, certificate->count, certificate->chain);
      tell_control(channel::CertificateTaken{certificate->place, trouble});
      if (trouble.empty()) listen_where_possible();
    } else if (const auto* ask = std::get_if<channel::AskStatistics>(&*message)) {
      tell_control(channel::Statistics{ask->id, statistics()});
    } else if (const auto* open = std::get_if<channel::OpenTransfer>(&*message)) {
      open_transfer(*open);
    } else if (const auto* go_on = std::get_if<channel::ContinueTransfer>(&*message)) {
      transfers_.next(go_on->id);
    } else if (const auto* close = std::get_if<channel::CloseTransfer>(&*message)) {
      transfers_.close(close->id);
    }
  }

  void open_transfer(const channel::OpenTransfer& open) {
    transfers_.open(
        open.id, open.server, std::chrono::milliseconds{open.patience}, open.query,
        [this, id = open.id](std::span<const std::uint8_t> message) {
          tell_control(channel::TransferMessage{id, {message.begin(), message.end()}});
        },
        [this, id = open.id](UpstreamFault fault) {
          tell_control(channel::TransferEnded{id, to_channel(fault)});
        });
  }

  /// What was wrong with it; empty when it is in force.
  std::string use_snapshot(const channel::Descriptor& memfd) {
    const auto mapped = snapshot::Mapped::map(memfd);
    if (!mapped) return mapped.error();
    auto settings = settings_from(***mapped);
    if (!settings) return settings.error();
    settings_ = *std::move(settings);
    keykeeper_.use(settings_->limits);
    server_.use(settings_->limits);
    server_.keep_answers(settings_->near_octets);
    upstreams_.use(settings_->limits, settings_->outgoing_addresses, settings_->trust);
    transfers_.use(settings_->outgoing_addresses);
    log::debug("snapshot {} is in force", settings_->generation);
    return {};
  }

  void say_ready_once() {
    const auto stands = [this](const auto& row) { return server_.listens(row.first); };
    if (ready_said_ || !settings_ || !std::ranges::all_of(settings_->listeners, stands)) return;
    ready_said_ = true;
    tell_monitor(channel::Ready{});
  }

  std::vector<std::uint64_t> statistics() const {
    using channel::TransportCounter;
    std::vector<std::uint64_t> values(static_cast<std::size_t>(TransportCounter::count));
    const auto set = [&](TransportCounter which, std::uint64_t value) {
      values[static_cast<std::size_t>(which)] = value;
    };
    set(TransportCounter::connections_accepted, counters_.connections_accepted);
    set(TransportCounter::connections_refused, counters_.connections_refused);
    set(TransportCounter::connections_open, counters_.connections_open);
    set(TransportCounter::queries, counters_.queries);
    set(TransportCounter::answers, counters_.answers);
    set(TransportCounter::near_noerror, counters_.near_noerror);
    set(TransportCounter::near_nxdomain, counters_.near_nxdomain);
    set(TransportCounter::near_other, counters_.near_other);
    set(TransportCounter::near_secure, counters_.near_secure);
    set(TransportCounter::closed_idle, counters_.closed_idle);
    set(TransportCounter::closed_malformed, counters_.closed_malformed);
    set(TransportCounter::closed_slow, counters_.closed_slow);
    set(TransportCounter::handshakes, counters_.handshakes);
    set(TransportCounter::handshakes_resumed, counters_.handshakes_resumed);
    set(TransportCounter::handshakes_failed, counters_.handshakes_failed);
    set(TransportCounter::handshakes_refused, counters_.handshakes_refused);
    set(TransportCounter::upstream_connections, counters_.upstream_connections);
    set(TransportCounter::upstream_exchanges, counters_.upstream_exchanges);
    set(TransportCounter::upstream_failures, counters_.upstream_failures);
    set(TransportCounter::upstream_connections_open, counters_.upstream_connections_open);
    set(TransportCounter::upstream_reused, counters_.upstream_reused);
    set(TransportCounter::upstream_retries, counters_.upstream_retries);
    set(TransportCounter::upstream_throttled, counters_.upstream_throttled);
    set(TransportCounter::snapshot_generation, settings_ ? settings_->generation : 0);
    return values;
  }

  asio::io_context loop_{1};
  Counters counters_;
  channel::AsyncChannel monitor_;
  channel::AsyncChannel control_;
  KeykeeperRoad keykeeper_;
  ResolverRoad road_;
  ServerTls tls_;
  StreamServer server_;
  UpstreamPool upstreams_;
  Transfers transfers_;
  std::optional<Settings> settings_;
  std::map<ListenerId, WaitingSocket> sockets_;  ///< not listened to yet
  bool ready_said_ = false;
};

}  // namespace

int transport_main(channel::Channel monitor) {
  ::mallopt(M_TRIM_THRESHOLD, heap_end_kept);
  // With that said, the C library no longer learns which blocks are worth keeping.
  ::mallopt(M_MMAP_THRESHOLD, own_mapping_from);
  prepare_openssl();  // while files can be opened, though none is to be
  std::string trouble;
  if (const auto dropped = sandbox::drop_rights(channel::Role::transport); !dropped) trouble = dropped.error();
  if (const auto entered = sandbox::enter({.role = channel::Role::transport, .reachable = {}}); !entered)
    trouble += trouble.empty() ? entered.error() : "; " + entered.error();
  try {
    Role role;
    return role.run(std::move(monitor), trouble);
  } catch (const std::exception& exception) {  // memory or descriptors at an end: monitor starts us anew
    log::error("ending: {}", log::printable(exception.what()));
    return 1;
  }
}

}  // namespace redoubt::transport
