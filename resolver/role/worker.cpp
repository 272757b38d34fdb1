#include "resolver/role/worker.hpp"

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <map>
#include <thread>

#include "appliance/log/log.hpp"
#include "resolver/render/render.hpp"
#include "resolver/role/bookkeeping.hpp"
#include "resolver/role/datagrams.hpp"
#include "resolver/role/system.hpp"
#include "resolver/role/trace_view.hpp"

namespace redoubt::resolver {

namespace asio = boost::asio;
using channel::ResolverCounter;

namespace {

/// Batches taken from one socket before others get their turn.
constexpr int batches_in_a_row = 8;

/// Largest answer by UDP: what the client can take, and never more than what we trust to arrive whole.
std::size_t datagram_limit(const dns::Query& query) {
  const std::size_t theirs = query.edns ? query.edns->usable_payload() : dns::minimum_udp_payload;
  return std::min(theirs, max_datagram_answer);
}

/// Both roads to servers behind the core's one interface.
class Uplink final : public Network {
 public:
  Uplink(UpstreamDatagrams& datagrams, StreamRoad& road, std::shared_ptr<FetchReturns> returns,
         WorkerCounters& counters)
      : datagrams_{&datagrams}, road_{&road}, returns_{std::move(returns)}, counters_{&counters} {}

  Task<std::expected<Reply, NetworkFault>> exchange(Exchange exchange) override {
    if (exchange.transport == UpstreamTransport::udp) {
      counters_->add(ResolverCounter::upstream_udp_queries);
      auto reply = co_await datagrams_->exchange(std::move(exchange));
      if (!reply && reply.error() == NetworkFault::timed_out) counters_->add(ResolverCounter::upstream_timeouts);
      if (reply && reply->mismatched != 0) counters_->add(ResolverCounter::upstream_mismatched, reply->mismatched);
      if (!reply && reply.error() == NetworkFault::spoofed)
        counters_->add(ResolverCounter::upstream_mismatched, max_mismatched_replies);
      co_return reply;
    }
    counters_->add(ResolverCounter::upstream_tcp_queries);
    co_return co_await road_->fetch(std::move(exchange), returns_);
  }

 private:
  UpstreamDatagrams* datagrams_;
  StreamRoad* road_;
  std::shared_ptr<FetchReturns> returns_;
  WorkerCounters* counters_;
};

}  // namespace

class Worker::Loop {
 public:
  Loop(Shared& shared, StreamRoad& road, std::shared_ptr<const WorkerSettings> settings)
      : road_{&road},
        settings_{std::move(settings)},
        clock_{context_.get_executor()},
        datagrams_{context_.get_executor(), random_},
        uplink_{datagrams_, road, returns_, counters_},
        desk_{shared, uplink_, clock_, random_, settings_->core, context_.get_executor()} {
    datagrams_.use(settings_->outgoing);
    books_.use(settings_->query_log);
    thread_ = std::thread{[this] { run(); }};
  }
  ~Loop() {
    context_.stop();
    thread_.join();
    returns_->close();  // frames of who waits go while all that they use is still there
  }
  Loop(const Loop&) = delete;
  Loop& operator=(const Loop&) = delete;

  asio::io_context& context() { return context_; }
  const WorkerCounters& counters() const { return counters_; }

  void use(std::shared_ptr<const WorkerSettings> settings) {
    settings_ = std::move(settings);
    datagrams_.use(settings_->outgoing);
    books_.use(settings_->query_log);
    desk_.use(settings_->core);
  }

  void take_socket(channel::ListenerId listener, channel::Descriptor socket) {
    asio::posix::stream_descriptor watched{context_};
    boost::system::error_code error;
    watched.assign(socket.get(), error);
    if (error) return log::error("a listener cannot be watched: {}", error.message());
    socket.release();
    listeners_.insert_or_assign(listener, std::move(watched));
    await_datagrams(listener);
  }

  void drop_listener(channel::ListenerId listener) { listeners_.erase(listener); }

  void log_to(QueryRing& ring) { books_.log_to(ring); }

  void ask(channel::Ask ask) {
    counters_.add(ResolverCounter::queries_stream);
    answer_message(
        std::move(ask.query), {.address = ask.client.address, .stream = true},
        settings_->access.allows(ask.client.address),
        [road = road_, id = ask.id](std::vector<std::uint8_t> answer) { road->give(id, std::move(answer)); });
  }

  void trace(Tracing tracing) {
    const auto query = dns::parse_query(tracing.request.query);
    std::vector<std::uint8_t> room(dns::max_message_octets);
    const auto end_at_once = [&](bool allowed, std::size_t octets) {
      room.resize(octets);
      tracing.done({.id = tracing.request.id, .allowed = allowed, .answer = std::move(room), .spent = {}});
    };
    if (!query) return end_at_once(true, put_fault(query.error(), room));
    if (tracing.request.client && !settings_->access.allows(*tracing.request.client)) {
      books_.answered(query->question, {.address = {}, .is_operator = true}, *refused_, AnswerSource::refused);
      return end_at_once(false, put(*query, *refused_, room.size(), room));
    }
    asio::co_spawn(context_, resolve_traced(*query, std::move(tracing)),
                   [](const std::exception_ptr& trouble) { note(trouble); });
  }

  void resolve_for(std::vector<std::uint8_t> query, Answered done) {
    answer_message(std::move(query), {.address = {}, .is_operator = true}, true, std::move(done));
  }

 private:
  void run() {
    // An exception that reaches this far is a fault of ours or no memory: it ends one handler, never the thread.
    for (;;) {
      try {
        context_.run();
        return;
      } catch (const std::exception& trouble) {
        log::error("a handler failed: {}", log::printable(trouble.what()));
      }
    }
  }

  void await_datagrams(channel::ListenerId listener) {
    const auto at = listeners_.find(listener);
    if (at == listeners_.end()) return;
    at->second.async_wait(asio::posix::stream_descriptor::wait_read, [this, listener](boost::system::error_code error) {
      if (error) return;
      try {
        serve(listener);
      } catch (const std::exception& trouble) {  // no memory: this batch is lost, the socket is not
        batch_.forget();
        log::error("a batch of queries is lost: {}", log::printable(trouble.what()));
      }
      await_datagrams(listener);
    });
  }

  void serve(channel::ListenerId listener) {
    const auto at = listeners_.find(listener);
    if (at == listeners_.end()) return;
    const int socket = at->second.native_handle();
    for (int round = 0; round < batches_in_a_row; ++round) {
      const std::size_t taken = batch_.receive(socket);
      if (taken == 0) return;
      counters_.add(ResolverCounter::queries_udp, taken);
      for (std::size_t i = 0; i < taken; ++i) serve_datagram(listener, batch_.datagram(i));
      if (const std::size_t lost = batch_.flush(socket); lost != 0) counters_.add(ResolverCounter::send_failures, lost);
      if (taken < batch_size) return;
    }
  }

  /// Answers right into the batch when no resolution is needed, else starts one.
  void serve_datagram(channel::ListenerId listener, const Datagram& datagram) {
    const dns::Endpoint client = datagram.path->endpoint();
    if (client.port == 0 || (!is_client_port(client.port) && settings_->core->guards.client_ports))
      return counters_.add(ResolverCounter::ignored_datagrams);
    const bool allowed = settings_->access.allows(client.address);
    const auto query = dns::parse_query(datagram.octets);
    if (!query) {
      // A stranger's garbage gets nothing at all; a friend's gets the header that says what was wrong.
      if (!allowed || query.error().fault == dns::QueryFault::ignore)
        return counters_.add(ResolverCounter::ignored_datagrams);
      return batch_.commit(put_fault(query.error(), batch_.room()), *datagram.path);
    }
    const auto answer_at_once = [&](const Outcome& outcome, AnswerSource source) {
      books_.answered(query->question, {.address = client.address}, outcome, source);
      batch_.commit(put(*query, outcome, datagram_limit(*query), batch_.room()), *datagram.path);
    };
    if (!allowed) {
      counters_.add(ResolverCounter::refused);
      return answer_at_once(*refused_, AnswerSource::refused);
    }
    if (const auto known = desk_.known(*query)) {
      counters_.add(ResolverCounter::cache_hits);
      return answer_at_once(*known, AnswerSource::known);
    }
    counters_.add(ResolverCounter::cache_misses);
    auto [place, turned] = desk_.enter(client.address);
    if (!place) {
      counters_.add(ResolverCounter::resolutions_refused);
      if (turned == WaitingRoom::Turned::silently) return counters_.add(ResolverCounter::answers_withheld);
      return answer_at_once(*desk_.turn_away(query->question, turned), AnswerSource::refused);
    }
    asio::co_spawn(context_, resolve_datagram(listener, *query, *datagram.path, std::move(*place)),
                   [](const std::exception_ptr& trouble) { note(trouble); });
  }

  Task<void> resolve_datagram(channel::ListenerId listener, dns::Query query, ReturnPath path,
                              WaitingRoom::Place place) {
    const Recipient recipient{.address = path.endpoint().address};
    const auto [outcome, took] = co_await resolve(query, {.network = place.client(), .address = recipient.address});
    if (!co_await desk_.leave(place)) {
      counters_.add(ResolverCounter::answers_withheld);
      co_return;
    }
    books_.answered(query.question, recipient, *outcome, AnswerSource::resolved, took);
    std::array<std::uint8_t, max_datagram_answer> room;
    const std::size_t octets = put(query, *outcome, datagram_limit(query), room);
    const auto at = listeners_.find(listener);
    if (at == listeners_.end()) co_return;  // the listener went with a reload while we worked
    if (!send_datagram(at->second.native_handle(), std::span{room}.first(octets), path))
      counters_.add(ResolverCounter::send_failures);
  }

  struct Resolved {
    SharedOutcome outcome;
    std::chrono::nanoseconds took;
  };
  Task<Resolved> resolve(const dns::Query& query, Client client) {
    const Instant began = clock_.now();
    SharedOutcome outcome = co_await desk_.answer(query, client);
    const std::chrono::nanoseconds took = clock_.now() - began;
    books_.resolved(took);
    if (outcome->rcode == dns::Rcode::servfail && outcome->error) {
      log::debug("{} {} failed: {}", query.question.name.to_text(), dns::to_text(query.question.type),
                 log::printable(outcome->error->text));
    }
    co_return Resolved{std::move(outcome), took};
  }

  /// A whole message that came by a stream or from the operator.
  void answer_message(std::vector<std::uint8_t> octets, const Recipient& recipient, bool allowed, Answered done) {
    const auto query = dns::parse_query(octets);
    std::vector<std::uint8_t> room(dns::max_message_octets);
    const auto finish = [&](std::size_t size) {
      room.resize(size);
      done(std::move(room));
    };
    if (!query) {
      const bool silent = !allowed || query.error().fault == dns::QueryFault::ignore;
      if (silent) counters_.add(ResolverCounter::ignored_datagrams);
      return finish(silent ? 0 : put_fault(query.error(), room));
    }
    const auto answer_at_once = [&](const Outcome& outcome, AnswerSource source) {
      books_.answered(query->question, recipient, outcome, source);
      finish(put(*query, outcome, room.size(), room));
    };
    if (!allowed) {
      counters_.add(ResolverCounter::refused);
      return answer_at_once(*refused_, AnswerSource::refused);
    }
    if (const auto known = desk_.known(*query)) {
      counters_.add(ResolverCounter::cache_hits);
      return answer_at_once(*known, AnswerSource::known);
    }
    counters_.add(ResolverCounter::cache_misses);
    auto [place, turned] = desk_.enter(recipient.address);
    if (!place) {
      counters_.add(ResolverCounter::resolutions_refused);
      return answer_at_once(*desk_.turn_away(query->question, turned), AnswerSource::refused);
    }
    asio::co_spawn(context_, resolve_message(*query, recipient, std::move(*place), std::move(done)),
                   [](const std::exception_ptr& trouble) { note(trouble); });
  }

  Task<void> resolve_message(dns::Query query, Recipient recipient, WaitingRoom::Place place, Answered done) {
    const auto [outcome, took] = co_await resolve(query, {.network = place.client(), .address = recipient.address});
    books_.answered(query.question, recipient, *outcome, AnswerSource::resolved, took);
    std::vector<std::uint8_t> room(dns::max_message_octets);
    room.resize(put(query, *outcome, room.size(), room));
    done(std::move(room));
  }

  Task<void> resolve_traced(dns::Query query, Tracing tracing) {
    TraceView view{tracing.request.id, clock_.now(), tracing.step};
    Budget budget = desk_.fresh_budget();
    budget.trace_to(&view);
    const auto outcome = co_await desk_.answer_traced(query, budget, tracing.request.fresh);
    books_.answered(query.question, {.address = {}, .is_operator = true}, *outcome, AnswerSource::resolved);
    std::vector<std::uint8_t> room(dns::max_message_octets);
    room.resize(put(query, *outcome, room.size(), room));
    tracing.done({.id = tracing.request.id, .allowed = true, .answer = std::move(room), .spent = spent_of(budget)});
  }

  std::size_t put(const dns::Query& query, const Outcome& outcome, std::size_t limit, std::span<std::uint8_t> room) {
    const Rendered rendered =
        render(query, outcome, clock_.now(), room.first(std::min(limit, room.size())), settings_->core->identity.nsid);
    if (rendered.truncated) counters_.add(ResolverCounter::answers_truncated);
    return rendered.octets;
  }

  std::size_t put_fault(const dns::QueryError& error, std::span<std::uint8_t> room) {
    switch (error.fault) {
      case dns::QueryFault::formerr:
        counters_.add(ResolverCounter::formerr_sent);
        break;
      case dns::QueryFault::notimp:
        counters_.add(ResolverCounter::notimp_sent);
        break;
      case dns::QueryFault::badvers:
        counters_.add(ResolverCounter::badvers_sent);
        break;
      case dns::QueryFault::ignore:
        break;
    }
    return render_fault(error, room);
  }

  static void note(const std::exception_ptr& trouble) {
    if (!trouble) return;
    try {
      std::rethrow_exception(trouble);
    } catch (const std::exception& caught) {
      log::error("a resolution failed: {}", log::printable(caught.what()));
    }
  }

  asio::io_context context_{1};
  asio::executor_work_guard<asio::io_context::executor_type> guard_{context_.get_executor()};
  StreamRoad* road_;
  std::shared_ptr<const WorkerSettings> settings_;
  WorkerCounters counters_;
  SystemClock clock_;
  SystemRandom random_;
  Bookkeeping books_{counters_, random_};
  UpstreamDatagrams datagrams_;
  std::shared_ptr<FetchReturns> returns_ = std::make_shared<FetchReturns>(context_.get_executor());
  Uplink uplink_;
  Desk desk_;
  DatagramBatch batch_;
  const SharedOutcome refused_ = refused(dns::EdeCode::prohibited, "");
  std::map<channel::ListenerId, asio::posix::stream_descriptor> listeners_;
  std::thread thread_;
};

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

void Worker::ask(channel::Ask ask) {
  asio::post(loop_->context(), [loop = loop_.get(), ask = std::move(ask)]() mutable { loop->ask(std::move(ask)); });
}

void Worker::resolve_for(std::vector<std::uint8_t> query, Answered done) {
  asio::post(loop_->context(), [loop = loop_.get(), query = std::move(query), done = std::move(done)]() mutable {
    loop->resolve_for(std::move(query), std::move(done));
  });
}

void Worker::trace(Tracing tracing) {
  asio::post(loop_->context(),
             [loop = loop_.get(), tracing = std::move(tracing)]() mutable { loop->trace(std::move(tracing)); });
}

const WorkerCounters& Worker::counters() const { return loop_->counters(); }

}  // namespace redoubt::resolver
