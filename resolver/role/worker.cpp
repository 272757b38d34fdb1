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
#include "resolver/packet/packet_cache.hpp"
#include "resolver/render/render.hpp"
#include "resolver/role/bookkeeping.hpp"
#include "resolver/role/client_claims.hpp"
#include "resolver/role/datagrams.hpp"
#include "resolver/role/system.hpp"
#include "resolver/role/trace_view.hpp"
#include "resolver/role/uplink.hpp"

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

/// How long before it ends an answer is left to the record cache again, which then has it renewed (Cache's own rule).
std::chrono::seconds renewal_lead(const Outcome& outcome) {
  std::uint32_t lead = 0;
  for (const SharedRRset& held : outcome.answer) lead = std::max(lead, held->ttl().seconds() / 10 + 1);
  return std::chrono::seconds{lead};
}

}  // namespace

class Worker::Loop {
 public:
  Loop(Shared& shared, StreamRoad& road, std::shared_ptr<const WorkerSettings> settings)
      : shared_{&shared},
        road_{&road},
        settings_{std::move(settings)},
        claims_{shared.client_cookies, derived_key(shared.cache.key(), "amplified answers")},
        clock_{context_.get_executor()},
        datagrams_{context_.get_executor(), random_},
        uplink_{datagrams_, road, returns_, counters_},
        desk_{shared, uplink_, clock_, random_, settings_->core, context_.get_executor()} {
    datagrams_.use(settings_->outgoing);
    books_.use(settings_->query_log);
    renew_packets();
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
    renew_packets();
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

  void ask(std::vector<channel::Ask> asks) {
    counters_.add(ResolverCounter::queries_stream, asks.size());
    begin_batch();
    for (channel::Ask& ask : asks) serve_stream(ask);
    if (!known_together_.empty()) road_->give(std::exchange(known_together_, {}));
  }

  /// What is known at once joins the others that are; the rest goes to the road when it is there.
  void serve_stream(channel::Ask& ask) {
    const Recipient recipient{
        .address = ask.client.address, .stream = true, .encrypted = ask.protocol != channel::StreamProtocol::tcp};
    const bool allowed =
        settings_->access.allows(ask.client.address) || settings_->access_names.allows(ask.client_name);
    QueryGlance glance;
    const bool plain = allowed && look_at(ask.query, glance);
    if (plain && serve_stream_again(glance, ask, recipient)) return;
    auto asking = std::make_shared<bool>(true);  // until answer_message() returns
    answer_message(std::move(ask.query), recipient, allowed,
                   [this, asking, id = ask.id](std::vector<std::uint8_t> answer) {
                     if (!*asking) return road_->give(id, std::move(answer));
                     known_together_.push_back({id, std::move(answer)});
                   });
    *asking = false;
  }

  /// The answer of an earlier query, by whatever transport: plain queries ask for no padding, and streams have room.
  bool serve_stream_again(const QueryGlance& glance, const channel::Ask& ask, const Recipient& recipient) {
    const std::span<std::uint8_t> room = std::span{stream_room_}.first(PacketCache::max_entry_octets + 512);
    const auto served = packets_->find(glance, ask.query, batch_began_, room);
    if (served.octets == 0) return false;
    counters_.add(ResolverCounter::cache_hits);
    counters_.add(ResolverCounter::packet_cache_hits);
    books_.answered_again(ask.query, recipient, served.rcode, served.secure);
    const std::size_t octets = claims_.judge(glance.cookie, recipient.address).add_to(stream_room_, served.octets);
    known_together_.push_back(
        {ask.id, {stream_room_.begin(), stream_room_.begin() + static_cast<std::ptrdiff_t>(octets)}});
    return true;
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
      return end_at_once(false, put(*query, *refused_, {}, room.size(), room));
    }
    asio::co_spawn(context_, resolve_traced(*query, std::move(tracing)),
                   [](const std::exception_ptr& trouble) { note(trouble); });
  }

  void resolve_for(std::vector<std::uint8_t> query, Answered done) {
    answer_message(std::move(query), {.address = {}, .is_operator = true}, true, std::move(done));
  }

  void resolve_afresh(std::span<const std::uint8_t> octets, Answered done) {
    const auto query = dns::parse_query(octets);
    if (!query) return done({});
    asio::co_spawn(context_, resolve_alone(*query, std::move(done)),
                   [](const std::exception_ptr& trouble) { note(trouble); });
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

  /// Whatever changed may have changed answers.
  void renew_packets() {
    claims_.limit_to(settings_->amplified_answers);
    packets_ = std::make_unique<PacketCache>(settings_->packet_cache_octets, shared_->cache.key());
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
      begin_batch();
      for (std::size_t i = 0; i < taken; ++i) serve_datagram(listener, batch_.datagram(i));
      if (const std::size_t lost = batch_.flush(socket); lost != 0) counters_.add(ResolverCounter::send_failures, lost);
      if (taken < batch_size) return;
    }
  }

  void begin_batch() {
    batch_began_ = clock_.now();
    claims_.begin_batch(clock_.wall());
    const std::uint64_t flushes = shared_->cache.flushes();
    if (flushes == flushes_seen_) return;
    flushes_seen_ = flushes;
    packets_->clear();
    counters_.set(ResolverCounter::packet_cache_octets, packets_->octets());
  }

  /// The answer of an earlier query, when it is this one's too.
  bool serve_again(const QueryGlance& glance, const Datagram& datagram, const dns::IpAddress& client) {
    const std::size_t limit = std::min<std::size_t>(glance.udp_payload, max_datagram_answer);
    const std::size_t held_back = glance.cookie.empty() ? 0 : cookie_option_octets;
    const auto served = packets_->find(glance, datagram.octets, batch_began_, batch_.room().first(limit - held_back));
    if (served.octets == 0) return false;
    counters_.add(ResolverCounter::cache_hits);
    counters_.add(ResolverCounter::packet_cache_hits);
    books_.answered_again(datagram.octets, {.address = client}, served.rcode, served.secure);
    const Claim claim = claims_.judge(glance.cookie, client);
    const std::size_t octets = claim.add_to(batch_.room(), served.octets);
    batch_.commit(unless_amplified(datagram.octets, claim, client, batch_.room(), octets), *datagram.path);
    return true;
  }

  /// The answer that stands in the room, or what goes in its place when too many such go there.
  std::size_t unless_amplified(std::span<const std::uint8_t> query, const Claim& claim, const dns::IpAddress& client,
                               std::span<std::uint8_t> room, std::size_t octets) {
    if (claims_.may_leave(query.size(), octets, claim, client)) return octets;
    const auto parsed = dns::parse_query(query);
    return parsed ? slip(*parsed, claim, room) : octets;
  }

  std::size_t slip(const dns::Query& query, const Claim& claim, std::span<std::uint8_t> room) {
    counters_.add(ResolverCounter::limit_amplified_answers);
    return render_slip(query, room, {.cookie = claim.cookie()});
  }

  /// An answer from the record cache: the next asker gets it without all that.
  void keep_packet(const QueryGlance& glance, const Outcome& outcome, std::span<const std::uint8_t> answer) {
    if (outcome.stale || outcome.error) return;
    packets_->keep(glance, answer, outcome.is_secure(), batch_began_,
                   settings_->core->prefetch ? renewal_lead(outcome) : std::chrono::seconds{0},
                   PacketCache::Admission::at_second_time);
    counters_.set(ResolverCounter::packet_cache_octets, packets_->octets());
  }

  /// Answers right into the batch when no resolution is needed, else starts one.
  void serve_datagram(channel::ListenerId listener, const Datagram& datagram) {
    const dns::Endpoint client = datagram.path->endpoint();
    if (client.port == 0 || (!is_client_port(client.port) && settings_->core->guards.client_ports))
      return counters_.add(ResolverCounter::ignored_datagrams);
    const bool allowed = settings_->access.allows(client.address);
    QueryGlance glance;
    const bool plain = allowed && look_at(datagram.octets, glance);
    if (plain && serve_again(glance, datagram, client.address)) return;
    const auto query = dns::parse_query(datagram.octets);
    if (!query) {
      // A stranger's garbage gets nothing at all; a friend's gets the header that says what was wrong.
      if (!allowed || query.error().fault == dns::QueryFault::ignore)
        return counters_.add(ResolverCounter::ignored_datagrams);
      return batch_.commit(put_fault(query.error(), batch_.room()), *datagram.path);
    }
    const Claim claim = claims_.judge(query->edns, client.address);
    const auto answer_at_once = [&](const Outcome& outcome, AnswerSource source) {
      books_.answered(query->question, {.address = client.address}, outcome, source);
      std::size_t octets = put(*query, outcome, claim, datagram_limit(*query), batch_.room());
      if (plain && source == AnswerSource::known) keep_packet(glance, outcome, batch_.room().first(octets));
      if (!claims_.may_leave(datagram.octets.size(), octets, claim, client.address))
        octets = slip(*query, claim, batch_.room());
      batch_.commit(octets, *datagram.path);
    };
    if (!allowed) return refuse_stranger(*query, datagram, client.address);
    if (const auto known = desk_.known(*query)) {
      counters_.add(ResolverCounter::cache_hits);
      return answer_at_once(*known, AnswerSource::known);
    }
    counters_.add(ResolverCounter::cache_misses);
    auto [place, turned] = desk_.enter(client.address, claim.is_proven ? AddressProof::given : AddressProof::none);
    if (!place) {
      counters_.add(ResolverCounter::resolutions_refused);
      if (turned == WaitingRoom::Turned::silently) return counters_.add(ResolverCounter::answers_withheld);
      return answer_at_once(*desk_.turn_away(query->question, turned), AnswerSource::refused);
    }
    asio::co_spawn(context_,
                   resolve_datagram(listener, *query, datagram.octets.size(), claim, *datagram.path, std::move(*place)),
                   [](const std::exception_ptr& trouble) { note(trouble); });
  }

  /// Never longer than what came: the address may be that of a victim. So there is no cookie, and a reason only where
  /// the query had room for it.
  void refuse_stranger(const dns::Query& query, const Datagram& datagram, const dns::IpAddress& client) {
    counters_.add(ResolverCounter::refused);
    books_.answered(query.question, {.address = client}, *refused_, AnswerSource::refused);
    std::size_t octets = put(query, *refused_, {}, datagram_limit(query), batch_.room());
    if (octets > datagram.octets.size())
      octets = put(query, *refused_without_reason_, {}, datagram_limit(query), batch_.room());
    batch_.commit(octets, *datagram.path);
  }

  Task<void> resolve_datagram(channel::ListenerId listener, dns::Query query, std::size_t query_octets, Claim claim,
                              ReturnPath path, WaitingRoom::Place place) {
    const Recipient recipient{.address = path.endpoint().address};
    const auto [outcome, took] = co_await resolve(query, {.network = place.client(), .address = recipient.address});
    if (!co_await desk_.leave(place)) {
      counters_.add(ResolverCounter::answers_withheld);
      co_return;
    }
    books_.answered(query.question, recipient, *outcome, AnswerSource::resolved, took);
    std::array<std::uint8_t, max_datagram_answer> room;
    std::size_t octets = put(query, *outcome, claim, datagram_limit(query), room);
    if (!claims_.may_leave(query_octets, octets, claim, recipient.address)) octets = slip(query, claim, room);
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
    const std::span<std::uint8_t> room{stream_room_};
    const auto finish = [&](std::size_t size) {
      done({room.begin(), room.begin() + static_cast<std::ptrdiff_t>(size)});
    };
    if (!query) {
      const bool silent = !allowed || query.error().fault == dns::QueryFault::ignore;
      if (silent) counters_.add(ResolverCounter::ignored_datagrams);
      return finish(silent ? 0 : put_fault(query.error(), room));
    }
    const auto answer_at_once = [&](const Outcome& outcome, AnswerSource source) {
      books_.answered(query->question, recipient, outcome, source);
      const std::size_t size =
          put(*query, outcome, claims_.judge(query->edns, recipient.address), room.size(), room, block_for(recipient));
      QueryGlance glance;
      if (recipient.stream && source == AnswerSource::known && look_at(octets, glance))
        keep_packet(glance, outcome, room.first(size));
      finish(size);
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
    auto [place, turned] = desk_.enter(recipient.address, AddressProof::given);
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
    const std::span<std::uint8_t> room{stream_room_};
    const std::size_t size =
        put(query, *outcome, claims_.judge(query.edns, recipient.address), room.size(), room, block_for(recipient));
    done({room.begin(), room.begin() + static_cast<std::ptrdiff_t>(size)});
  }

  Task<void> resolve_traced(dns::Query query, Tracing tracing) {
    TraceView view{tracing.request.id, clock_.now(), tracing.step};
    Budget budget = desk_.fresh_budget();
    budget.trace_to(&view);
    const auto outcome = co_await desk_.answer_traced(query, budget, tracing.request.fresh);
    books_.answered(query.question, {.address = {}, .is_operator = true}, *outcome, AnswerSource::resolved);
    std::vector<std::uint8_t> room(dns::max_message_octets);
    room.resize(put(query, *outcome, {}, room.size(), room));
    tracing.done({.id = tracing.request.id,
                  .allowed = true,
                  .answer = std::move(room),
                  .spent = spent_of(budget),
                  .left_out = view.left_out()});
  }

  Task<void> resolve_alone(dns::Query query, Answered done) {
    Budget budget = desk_.fresh_budget();
    const auto outcome = co_await desk_.answer_traced(query, budget, true);
    std::vector<std::uint8_t> room(dns::max_message_octets);
    room.resize(put(query, *outcome, {}, room.size(), room));
    done(std::move(room));
  }

  static std::size_t block_for(const Recipient& recipient) { return recipient.encrypted ? padding_block : 0; }

  std::size_t put(const dns::Query& query, const Outcome& outcome, const Claim& claim, std::size_t limit,
                  std::span<std::uint8_t> room, std::size_t block = 0) {
    const Rendered rendered =
        render(query, outcome, clock_.now(), room.first(std::min(limit, room.size())),
               {.nsid = settings_->core->identity.nsid, .cookie = claim.cookie(), .padding_block = block});
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
  Shared* shared_;
  StreamRoad* road_;
  std::shared_ptr<const WorkerSettings> settings_;
  WorkerCounters counters_;
  ClientClaims claims_;
  SystemClock clock_;
  SystemRandom random_;
  Bookkeeping books_{counters_, random_};
  UpstreamDatagrams datagrams_;
  std::shared_ptr<FetchReturns> returns_ = std::make_shared<FetchReturns>(context_.get_executor());
  Uplink uplink_;
  Desk desk_;
  DatagramBatch batch_;
  /// Where answers for streams are rendered, one after the other.
  std::vector<std::uint8_t> stream_room_ = std::vector<std::uint8_t>(dns::max_message_octets);
  std::vector<channel::Give> known_together_;
  Instant batch_began_{};
  std::unique_ptr<PacketCache> packets_;  // never null
  std::uint64_t flushes_seen_ = 0;
  const SharedOutcome refused_ = refused(dns::EdeCode::prohibited, "");
  const SharedOutcome refused_without_reason_ = [] {
    auto outcome = std::make_shared<Outcome>();
    outcome->rcode = dns::Rcode::refused;
    return outcome;
  }();
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

void Worker::trace(Tracing tracing) {
  asio::post(loop_->context(),
             [loop = loop_.get(), tracing = std::move(tracing)]() mutable { loop->trace(std::move(tracing)); });
}

const WorkerCounters& Worker::counters() const { return loop_->counters(); }

}  // namespace redoubt::resolver
