#include "resolver/role/resolver_main.hpp"

#include <malloc.h>
#include <sodium.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/post.hpp>
#include <cstdlib>
#include <map>
#include <optional>

#include "appliance/channel/control_resolver.hpp"
#include "appliance/channel/monitor_child.hpp"
#include "appliance/log/log.hpp"
#include "appliance/sandbox/sandbox.hpp"
#include "dnssec/base/digest.hpp"
#include "resolver/role/cache_keeper.hpp"
#include "resolver/role/cache_view.hpp"
#include "resolver/role/kept_settings.hpp"
#include "resolver/role/local_root.hpp"
#include "resolver/role/machine_clock.hpp"
#include "resolver/role/trace_view.hpp"
#include "resolver/role/worker_settings.hpp"

namespace redoubt::resolver {

namespace asio = boost::asio;

namespace {

/// The role's main thread: talks to the siblings, starts the workers, hands them what arrives. No client's datagram
/// passes here.
class Role {
 public:
  Role()
      : monitor_{loop_.get_executor()},
        control_{loop_.get_executor()},
        road_{loop_.get_executor(), [this](std::vector<channel::Ask> asks) { hand_out(std::move(asks)); }},
        keeper_{loop_, [this](std::uint64_t number, std::uint64_t octets) {
                  tell_control(channel::KeptCacheWritten{number, octets});
                }} {}

  [[noreturn]] void run(channel::Channel monitor, const std::string& sandbox_trouble) {
    monitor_.attach(
        std::move(monitor), [this](channel::Received received) { from_monitor(std::move(received)); },
        [this] { loop_.stop(); });
    tell_monitor(channel::Entered{sandbox_trouble});
    loop_.run();
    keeper_.finish();
    if (query_log_) query_log_->finish();
    // Nothing here outlives the process: no client waits for it to be taken apart.
    std::_Exit(0);
  }

 private:
  struct Socket {
    channel::ListenerId listener;
    std::uint32_t worker;
    channel::Descriptor descriptor;
  };

  void tell_monitor(channel::ChildToMonitor message) { monitor_.send(channel::encode(message)); }
  void tell_control(const channel::ResolverToControl& message) {
    if (!control_.send(channel::encode(message))) log::debug("control does not take a message; dropped");
  }

  [[noreturn]] static void end_because_of(std::string_view sibling) {
    // A sibling that talks garbage is broken or taken over: better to start afresh than to go on beside it.
    log::error("{} sent a message that cannot be read; ending", sibling);
    std::_Exit(1);
  }

  void from_monitor(channel::Received received) {
    const auto message = channel::decode_monitor_to_child(received.octets);
    if (!message || received.descriptors.size() != channel::descriptors_of(*message)) end_because_of("monitor");
    if (const auto* attach = std::get_if<channel::Attach>(&*message)) {
      attach_to(attach->peer, channel::Channel{std::move(received.descriptors.front())});
    } else if (const auto* take = std::get_if<channel::TakeSocket>(&*message)) {
      sockets_.push_back({take->listener, take->worker, std::move(received.descriptors.front())});
      hand_over_sockets();
    } else if (const auto* drop = std::get_if<channel::DropListener>(&*message)) {
      drop_listener(drop->listener);
    } else if (std::holds_alternative<channel::Stop>(*message)) {
      loop_.stop();
    } else if (const auto* log_as = std::get_if<channel::LogAs>(&*message)) {
      log::set(static_cast<log::Level>(log_as->level), log_as->json);
    } else if (std::holds_alternative<channel::AreYouThere>(*message)) {
      answer_for_everyone();
    }
  }

  /// Once each worker has taken this up: one that does not is as bad as a process that does not.
  void answer_for_everyone() {
    if (workers_.empty()) return tell_monitor(channel::StillHere{});
    const auto left = std::make_shared<std::size_t>(workers_.size());  // counted on this thread
    for (const auto& worker : workers_) {
      worker->when_turning([this, left] {
        asio::post(loop_, [this, left] {
          if (--*left == 0) tell_monitor(channel::StillHere{});
        });
      });
    }
  }

  void attach_to(channel::Role peer, channel::Channel channel) {
    if (peer == channel::Role::transport) {
      road_.attach(std::move(channel));
    } else if (peer == channel::Role::control) {
      control_.attach(
          std::move(channel), [this](channel::Received received) { from_control(std::move(received)); }, [] {});
    }
  }

  void from_control(channel::Received received) {
    auto message = channel::decode_control_to_resolver(received.octets);
    if (!message || received.descriptors.size() != channel::descriptors_of(*message)) end_because_of("control");
    if (const auto* use = std::get_if<channel::UseSnapshot>(&*message)) {
      use_snapshot(use->generation, received.descriptors.front());
    } else if (const auto* ask = std::get_if<channel::AskStatistics>(&*message)) {
      tell_control(channel::Statistics{ask->id, statistics()});
    } else if (const auto* show = std::get_if<channel::ShowCache>(&*message)) {
      if (shared_) tell_control(show_cache(*shared_, *show));
    } else if (const auto* flush = std::get_if<channel::FlushCache>(&*message)) {
      keeper_.flushed();
      if (shared_) flush_cache(*flush);
    } else if (auto* resolve = std::get_if<channel::ResolveFor>(&*message)) {
      resolve_for(std::move(*resolve));
    } else if (auto* trace = std::get_if<channel::TraceFor>(&*message)) {
      trace_for(std::move(*trace));
    } else if (const auto* upstreams = std::get_if<channel::AskUpstreams>(&*message)) {
      if (shared_)
        tell_control(show_upstreams(*shared_, settings_.worker->core->routes, *upstreams, MachineClock::now()));
    } else if (const auto* root = std::get_if<channel::UseLocalRoot>(&*message)) {
      take_local_root(std::chrono::seconds{root->seconds}, received.descriptors.front());
    } else if (std::holds_alternative<channel::DropLocalRoot>(*message)) {
      use_local_root(nullptr);
    } else if (const auto* kept = std::get_if<channel::UseKeptCache>(&*message)) {
      keeper_.take_over(received.descriptors.front(), kept->key);
    } else if (const auto* write = std::get_if<channel::WriteKeptCache>(&*message)) {
      keeper_.write_to(std::move(received.descriptors.front()), write->key, write->number, write->octets,
                       write->at_end);
    }
  }

  void resolve_for(channel::ResolveFor request) {
    if (workers_.empty()) return;
    const auto answered = [this, id = request.id](std::vector<std::uint8_t> answer) {
      asio::post(loop_, [this, id, answer = std::move(answer)]() mutable {
        tell_control(channel::ResolvedFor{id, std::move(answer)});
      });
    };
    if (request.fresh) {
      workers_.front()->resolve_afresh(std::move(request.query), answered);
    } else {
      workers_.front()->resolve_for(std::move(request.query), answered);
    }
  }

  void trace_for(channel::TraceFor request) {
    if (workers_.empty()) return;
    const auto tell = [this](auto message) {
      asio::post(loop_, [this, message = std::move(message)]() mutable { tell_control(std::move(message)); });
    };
    workers_.front()->trace({.request = std::move(request),
                             .step = [tell](channel::TraceStep step) { tell(std::move(step)); },
                             .done = [tell](channel::Traced traced) { tell(std::move(traced)); }});
  }

  void use_snapshot(std::uint64_t generation, const channel::Descriptor& memfd) {
    const auto mapped = snapshot::Mapped::map(memfd);
    auto settings = mapped ? settings_from(**mapped) : std::unexpected{mapped.error()};
    if (!settings) {
      log::error("snapshot {} is refused: {}", generation, settings.error());
      return tell_control(channel::SnapshotTaken{generation, settings.error()});
    }
    const std::shared_ptr<const WorkerSettings> before = settings_.worker;
    settings_ = std::move(*settings);
    settings_.worker = numbered(local_root_);
    if (!shared_) {
      dns::HashKey key;
      randombytes_buf(key.data(), key.size());
      shared_.emplace(settings_.cache_octets, key, Guards{}, settings_.proof_octets);
      for (std::uint32_t i = 0; i < settings_.workers; ++i)
        workers_.push_back(std::make_unique<Worker>(*shared_, road_, settings_.worker));
    } else {
      shared_->cache.resize(settings_.cache_octets);
      shared_->proofs.resize(settings_.proof_octets);
      for (const auto& worker : workers_) worker->use(settings_.worker);
      // What came by another way is not what the zone's servers of now say.
      flush_zones(changed_zones(before->core->routes, settings_.worker->core->routes));
    }
    tell_basis();
    keeper_.use(shared_->cache, digest_of(*settings_.worker->core));
    log_queries();
    log::debug("snapshot {} is in force", generation);
    tell_control(channel::SnapshotTaken{generation, {}});
    hand_over_sockets();
  }

  /// The log's thread and its rings are made when a configuration first wants them.
  void log_queries() {
    const QueryLogSettings& wanted = settings_.worker->query_log;
    if (wanted.sample != 0 && !query_log_) {
      query_log_ = std::make_unique<QueryLog>(STDOUT_FILENO);
      for (const auto& worker : workers_) worker->log_to(query_log_->add_ring());
    }
    if (query_log_) query_log_->use(wanted);
  }

  void flush_zones(const std::vector<dns::Name>& zones) {
    constexpr std::size_t most_looks = 4;  // each goes through the whole cache, while monitor waits for a word
    if (zones.size() > most_looks) {
      shared_->cache.flush(dns::Name{}, true);
    } else {
      for (const dns::Name& zone : zones) shared_->cache.flush(zone, true);
    }
  }

  void take_local_root(std::chrono::seconds time, const channel::Descriptor& sealed) {
    auto root = local_root_from(sealed, time, MachineClock::now());
    if (!root) return log::error("the copy of the root zone is refused: {}", log::printable(root.error()));
    log::debug("the root zone is answered from a copy, serial {}", (*root)->serial());
    use_local_root(*std::move(root));
  }

  void use_local_root(std::shared_ptr<const LocalZone> root) {
    local_root_ = std::move(root);
    if (!settings_.worker) return;  // the snapshot is still to come
    settings_.worker = numbered(local_root_);
    for (const auto& worker : workers_) worker->use(settings_.worker);
    tell_basis();
  }

  std::shared_ptr<const WorkerSettings> numbered(const std::shared_ptr<const LocalZone>& root) {
    return with_local_root(*settings_.worker, root, ++settings_number_);
  }

  /// transport hears of it before whoever asked for it does.
  void flush_cache(const channel::FlushCache& flush) {
    const std::uint64_t gone = shared_->cache.flush(flush.name, flush.below);
    tell_basis();
    tell_control(channel::CacheFlushed{flush.id, gone});
  }

  void tell_basis() {
    if (shared_) road_.use({.settings = settings_.worker->number, .flushes = shared_->cache.flushes()});
  }

  /// Sockets may come before the snapshot that says how many workers there are.
  void hand_over_sockets() {
    if (workers_.empty()) return;
    for (Socket& socket : sockets_) {
      ++sockets_of_[socket.listener];
      workers_[socket.worker % workers_.size()]->take_socket(socket.listener, std::move(socket.descriptor));
    }
    sockets_.clear();
    if (!ready_said_ && sockets_of_.size() >= settings_.datagram_listeners) {
      ready_said_ = true;
      tell_monitor(channel::Ready{});
    }
  }

  void drop_listener(channel::ListenerId listener) {
    std::erase_if(sockets_, [&](const Socket& socket) { return socket.listener == listener; });
    if (sockets_of_.erase(listener) == 0) return;
    for (const auto& worker : workers_) worker->drop_listener(listener);
  }

  /// What came together stays together: one worker, one answer to transport.
  void hand_out(std::vector<channel::Ask> asks) {
    if (!workers_.empty()) return workers_[next_asked_++ % workers_.size()]->ask(std::move(asks));
    for (const channel::Ask& ask : asks) road_.give(ask.id, {});
  }

  std::vector<std::uint64_t> statistics() const {
    std::vector<std::uint64_t> values(static_cast<std::size_t>(channel::ResolverCounter::count));
    for (const auto& worker : workers_) {
      for (std::size_t i = 0; i < values.size(); ++i)
        values[i] += worker->counters().values[i].load(std::memory_order_relaxed);
    }
    const auto set = [&](channel::ResolverCounter which, std::uint64_t value) {
      values[static_cast<std::size_t>(which)] = value;
    };
    if (shared_) {
      const CacheCounters cache = shared_->cache.counters();
      set(channel::ResolverCounter::cache_entries, cache.entries);
      set(channel::ResolverCounter::cache_octets, cache.octets);
      set(channel::ResolverCounter::cache_evictions, cache.evictions);
      set(channel::ResolverCounter::resolutions_running, shared_->flights.in_flight());
      const Encryption::Counts encryption = shared_->encryption.counts(MachineClock::now());
      set(channel::ResolverCounter::tls_authorities, encryption.speaking);
      set(channel::ResolverCounter::tls_attempts_running, encryption.under_way);
    }
    if (query_log_) values[static_cast<std::size_t>(channel::ResolverCounter::query_log_lost)] += query_log_->lost();
    const CacheKeeper::Counters kept = keeper_.counters();
    set(channel::ResolverCounter::kept_cache_taken_over, kept.taken_over);
    set(channel::ResolverCounter::kept_cache_refused, kept.refused);
    set(channel::ResolverCounter::kept_cache_written, kept.written);
    set(channel::ResolverCounter::kept_cache_entries, kept.entries);
    set(channel::ResolverCounter::snapshot_generation, settings_.generation);
    return values;
  }

  asio::io_context loop_{1};
  channel::AsyncChannel monitor_;
  channel::AsyncChannel control_;
  StreamRoad road_;
  std::size_t next_asked_ = 0;
  std::uint64_t settings_number_ = 0;
  std::optional<Shared> shared_;
  RoleSettings settings_;
  std::shared_ptr<const LocalZone> local_root_;  // null: there is none
  CacheKeeper keeper_;
  std::unique_ptr<QueryLog> query_log_;  // its rings outlive the workers
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<Socket> sockets_;                              // not handed over yet
  std::map<channel::ListenerId, std::uint32_t> sockets_of_;  // handed over, by listener
  bool ready_said_ = false;
};

}  // namespace

int resolver_main(channel::Channel monitor) {
  // drop_rights and enter come before anything from outside is read; the workers' threads inherit all of it.
  std::string trouble;
  if (const auto dropped = sandbox::drop_rights(channel::Role::resolver); !dropped) trouble = dropped.error();
  // Indices of the cache that have become too small go back to the system at once. By itself glibc would take larger
  // and larger blocks from the heap after the first of them, and leave holes there.
  mallopt(M_MMAP_THRESHOLD, 128 << 10);
  if (sodium_init() < 0) {
    log::error("no random numbers from the system; ending");
    return 1;
  }
  dnssec::prepare_cryptography();
  if (const auto entered = sandbox::enter({.role = channel::Role::resolver, .reachable = {}}); !entered) {
    trouble += trouble.empty() ? entered.error() : "; " + entered.error();
  }
  Role role;
  role.run(std::move(monitor), trouble);
}

}  // namespace redoubt::resolver
