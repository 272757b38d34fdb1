#include "resolver/role/worker.hpp"

#include <boost/asio/post.hpp>

#include "appliance/log/log.hpp"
#include "resolver/role/worker_loop.hpp"

namespace redoubt::resolver {

namespace asio = boost::asio;
using channel::ResolverCounter;

Worker::Loop::Loop(Shared& shared, StreamRoad& road, std::shared_ptr<const WorkerSettings> settings)
    : shared_{&shared},
      road_{&road},
      settings_{std::move(settings)},
      claims_{shared.client_cookies, derived_key(shared.cache.key(), "amplified answers")},
      clock_{context_.get_executor()},
      datagrams_{context_.get_executor(), random_, shared.held_ports, counters_},
      uplink_{datagrams_, road, returns_, counters_},
      desk_{shared, uplink_, clock_, random_, settings_->core, context_.get_executor()} {
  datagrams_.use(settings_->outgoing);
  books_.use(settings_->query_log);
  renew_packets();
  thread_ = std::thread{[this] { run(); }};
}

Worker::Loop::~Loop() {
  context_.stop();
  thread_.join();
  for (const auto& [listener, socket] : listeners_) socket->leave_alone();
  datagrams_.close();
  returns_->close();  // frames of who waits go while all that they use is still there
}

void Worker::Loop::use(std::shared_ptr<const WorkerSettings> settings) {
  settings_ = std::move(settings);
  datagrams_.use(settings_->outgoing);
  books_.use(settings_->query_log);
  desk_.use(settings_->core);
  renew_packets();
}

void Worker::Loop::take_socket(channel::ListenerId listener, channel::Descriptor socket) {
  const auto watched = std::make_shared<ListenerSocket>(context_, std::move(socket));
  if (const auto error = watched->watch()) return log::error("a listener cannot be watched: {}", error.message());
  drop_listener(listener);
  listeners_.emplace(listener, watched);
  await_datagrams(listener, watched);
}

void Worker::Loop::drop_listener(channel::ListenerId listener) {
  const auto at = listeners_.find(listener);
  if (at == listeners_.end()) return;
  at->second->leave_alone();  // who waits holds it, too
  listeners_.erase(at);
}

void Worker::Loop::run() {
  // An exception that reaches this far is a fault of ours or no memory: it ends one handler, never the thread.
  for (;;) {
    try {
      context_.run();
      return;
    } catch (const std::exception& trouble) {
      counters_.add(ResolverCounter::work_lost);
      tell_of("a handler failed", trouble);
    }
  }
}

void Worker::Loop::tell_of(const char* what, const std::exception& trouble) noexcept {
  try {
    log::error("{}: {}", what, log::printable(trouble.what()));
  } catch (const std::exception&) {  // most likely it was memory that failed before, too
    return;
  }
}

void Worker::Loop::renew_packets() {
  claims_.limit_to(settings_->amplified_answers);
  packets_ = std::make_unique<dns::PacketCache>(settings_->packet_cache_octets, shared_->cache.key());
}

Worker::Worker(Shared& shared, StreamRoad& road, std::shared_ptr<const WorkerSettings> settings)
    : loop_{std::make_unique<Loop>(shared, road, std::move(settings))} {}

Worker::~Worker() = default;

void Worker::use(std::shared_ptr<const WorkerSettings> settings) {
  asio::post(loop_->context(),
             [loop = loop_.get(), settings = std::move(settings)]() mutable { loop->use(std::move(settings)); });
}

void Worker::take_socket(channel::ListenerId listener, channel::Descriptor socket) {
  asio::post(loop_->context(), [loop = loop_.get(), listener, socket = std::move(socket)]() mutable {
    loop->take_socket(listener, std::move(socket));
  });
}

void Worker::drop_listener(channel::ListenerId listener) {
  asio::post(loop_->context(), [loop = loop_.get(), listener] { loop->drop_listener(listener); });
}

void Worker::log_to(QueryRing& ring) {
  asio::post(loop_->context(), [loop = loop_.get(), to = &ring] { loop->log_to(*to); });
}

void Worker::ask(std::vector<channel::Ask> asks) {
  asio::post(loop_->context(), [loop = loop_.get(), asks = std::move(asks)]() mutable { loop->ask(std::move(asks)); });
}

void Worker::resolve_for(std::vector<std::uint8_t> query, Answered done) {
  asio::post(loop_->context(), [loop = loop_.get(), query = std::move(query), done = std::move(done)]() mutable {
    loop->resolve_for(std::move(query), std::move(done));
  });
}

void Worker::resolve_afresh(std::vector<std::uint8_t> query, Answered done) {
  asio::post(loop_->context(), [loop = loop_.get(), query = std::move(query), done = std::move(done)]() mutable {
    loop->resolve_afresh(query, std::move(done));
  });
}

void Worker::when_turning(std::function<void()> done) {
  asio::post(loop_->context(), [loop = loop_.get(), done = std::move(done)] {
    loop->look_for_arrivals();
    done();
  });
}

void Worker::trace(Tracing tracing) {
  asio::post(loop_->context(),
             [loop = loop_.get(), tracing = std::move(tracing)]() mutable { loop->trace(std::move(tracing)); });
}

const WorkerCounters& Worker::counters() const { return loop_->counters(); }

}  // namespace redoubt::resolver
