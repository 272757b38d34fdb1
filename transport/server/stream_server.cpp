#include "transport/server/stream_server.hpp"

#include <algorithm>
#include <utility>

#include "transport/http/http_framing.hpp"
#include "transport/tls/client_authorities.hpp"

namespace redoubt::transport {

namespace {

/// Idle for so long, a connection gives back what memory it can: a question in each second costs nothing more.
constexpr std::chrono::seconds rest_time{2};
/// What the loop's others wait for: a page of an HTTPS connection is some four microseconds.
constexpr unsigned rests_in_a_row = 16;
constexpr std::chrono::milliseconds rest_pause{1};

}  // namespace

StreamServer::StreamServer(Executor executor, QueryTaker& taker, Counters& counters, ServerTls* tls)
    : executor_{executor},
      counters_{counters},
      tls_{tls},
      asks_{taker},
      deadline_{executor},
      resting_{executor},
      stopping_{executor} {}

StreamServer::~StreamServer() {
  *alive_ = false;
  stopped_ = nullptr;
  acceptors_.clear();
  while (!connections_.empty()) {
    const auto connection = connections_.begin()->second;
    connection->close(CloseReason::finished);
  }
}

void StreamServer::use(const Limits& limits) {
  limits_ = limits;
  schedule();
  let_proceed();
}

bool StreamServer::listen(ListenerId listener, ListenerManner manner, Socket listening) {
  auto acceptor = std::make_unique<Acceptor>(
      executor_, std::move(listening),
      Acceptor::Owner{
          .accepted = [this, listener](Accepted taken) { adopt(listener, manners_[listener], std::move(taken)); },
          .make_room = [this] { return close_longest_waiting(); },
          .turned_away = [this] { ++counters_.connections_refused; }});
  if (!acceptor->start()) return false;
  manners_[listener] = std::move(manner);
  acceptors_[listener] = std::move(acceptor);
  return true;
}

void StreamServer::set_manner(ListenerId listener, ListenerManner manner) {
  ListenerManner& ours = manners_[listener];
  const bool others_are_let_in = ours.clients && !(manner.clients && manner.clients->same_as(*ours.clients));
  ours = std::move(manner);
  if (others_are_let_in)
    drain_if([&](const Connection& connection) { return connection.origin().listener == listener; });
}

void StreamServer::drop_listener(ListenerId listener) {
  acceptors_.erase(listener);
  manners_.erase(listener);
  drain_if([&](const Connection& connection) { return connection.origin().listener == listener; });
}

void StreamServer::drain_if(const std::function<bool(const Connection&)>& concerned) {
  std::vector<std::shared_ptr<Connection>> chosen;  // draining may close, and closing changes connections_
  for (const auto& [key, connection] : connections_) {
    if (concerned(*connection)) chosen.push_back(connection);
  }
  for (const auto& connection : chosen) connection->drain();
}

/// Null when the client is turned away.
std::unique_ptr<ByteStream> StreamServer::stream_of(const ListenerManner& manner, Accepted& accepted) {
  if (manner.protocol == Protocol::tcp) return tcp_stream(std::move(accepted.socket));
  if (tls_ == nullptr || !handshakes_.admit(accepted.peer.address, limits_, Clock::now())) {
    ++counters_.handshakes_refused;
    return nullptr;
  }
  return tls_->accept(manner, std::move(accepted.socket));
}

std::unique_ptr<MessageFraming> StreamServer::framing_of(const ListenerManner& manner) const {
  return manner.protocol == Protocol::https ? https_framing(manner.path, limits_) : length_framing();
}

void StreamServer::adopt(ListenerId listener, const ListenerManner& manner, Accepted accepted) {
  std::unique_ptr<ByteStream> stream;
  if (make_room_for(accepted.peer.address)) stream = stream_of(manner, accepted);
  if (!stream) {
    ++counters_.connections_refused;
    return;
  }
  ++counters_.connections_accepted;
  const auto connection =
      std::make_shared<Connection>(executor_, static_cast<ConnectionHost&>(*this), std::move(stream),
                                   framing_of(manner), Origin{listener, manner.protocol, accepted.peer});
  const bool was_busy = busy();
  connections_.emplace(connection.get(), connection);
  clients_.add(accepted.peer.address, *connection);
  counters_.connections_open = connections_.size();
  connection->start();
  if (busy() != was_busy) schedule();  // idle connections have less time from here on
}

/// One client over its share takes from itself alone; a full house takes from whoever has waited longest.
bool StreamServer::make_room_for(const dns::IpAddress& client) {
  if (clients_.connections_of(client) >= limits_[Limit::connections_per_client]) {
    Connection* idle = clients_.longest_idle(client);
    if (idle == nullptr) return false;
    idle->close(CloseReason::idle);
  }
  return connections_.size() < limits_[Limit::connections] || close_longest_waiting();
}

bool StreamServer::close_longest_waiting() {
  const auto close_oldest = [&](Wait kind, CloseReason reason) {
    const Waiting* oldest = deadlines_.oldest(kind);
    if (oldest == nullptr) return false;
    oldest->connection->close(reason);
    return true;
  };
  return close_oldest(Wait::idle, CloseReason::idle) || close_oldest(Wait::message, CloseReason::slow);
}

bool StreamServer::busy() const { return connections_.size() * 100 > limits_[Limit::connections] * busy_percent; }

bool StreamServer::takes_queries() const { return asks_.all_sent() && asks_.octets() < limits_[Limit::waiting_octets]; }

void StreamServer::wait_for_room(Connection& connection) { waiting_for_room_.push_back(connection.weak_from_this()); }

AskId StreamServer::ask(Connection& connection, const Incoming& query) {
  ++counters_.queries;
  const Clock::time_point now = Clock::now();
  look_again_by(now + limits_.time(Limit::answer_time));
  return asks_.add({.connection = &connection,
                    .tag = query.tag,
                    .origin = connection.origin(),
                    .query = {query.message.begin(), query.message.end()},
                    .since = now});
}

void StreamServer::withdraw(AskId id) { asks_.withdraw(id); }

std::span<const std::uint8_t> StreamServer::known(Connection& connection, const Incoming& query) {
  if (connection.trusted_in() != near_.era()) {
    if (!admitted_.has(connection.origin(), near_.era())) return {};
    connection.trust_in(near_.era());
  }
  const NearAnswers::Found found = near_.find(query.message, connection.origin().protocol, Clock::now());
  if (found.answer.empty()) return {};
  ++counters_.queries;
  ++counters_.answers;
  ++(found.rcode == dns::Rcode::noerror    ? counters_.near_noerror
     : found.rcode == dns::Rcode::nxdomain ? counters_.near_nxdomain
                                           : counters_.near_other);
  if (found.secure) ++counters_.near_secure;
  return found.answer;
}

void StreamServer::expect(Connection& connection, std::span<const std::span<const std::uint8_t>> messages) {
  if (connection.trusted_in() == near_.era()) near_.expect(messages);
}

void StreamServer::give(AskId id, std::span<const std::uint8_t> answer, const std::optional<Leave>& leave) {
  const auto ask = asks_.take(id);
  if (!ask) return;
  if (!answer.empty()) ++counters_.answers;
  if (leave) {
    if (ask->connection->trusted_in() != near_.era()) admitted_.admit(ask->origin, near_.era());
    ask->connection->trust_in(near_.era());
    near_.keep(ask->query, answer, *leave, Clock::now());
  }
  const auto connection = ask->connection->shared_from_this();
  connection->deliver(id, ask->tag, ask->query.size(), answer);
  let_proceed();
}

void StreamServer::resume() {
  asks_.resume();
  let_proceed();
}

void StreamServer::resend_all() {
  asks_.resend_all();
  let_proceed();
}

/// In the order in which they began to wait; each may take what one connection may have in flight.
void StreamServer::let_proceed() {
  for (std::size_t turns = waiting_for_room_.size(); turns > 0 && takes_queries(); --turns) {
    const auto connection = waiting_for_room_.front().lock();
    waiting_for_room_.pop_front();
    if (connection) connection->proceed();
  }
}

void StreamServer::flush_soon(Connection& connection) {
  to_flush_.push_back(connection.shared_from_this());
  if (to_flush_.size() > 1) return;  // on its way already
  later(executor_, [this, alive = alive_] {
    if (*alive) flush_all();
  });
}

void StreamServer::resume_soon(Connection& connection) {
  later(executor_, [waiting = connection.weak_from_this()] {
    if (const auto there = waiting.lock()) there->resume();
  });
}

bool StreamServer::note_queued(std::ptrdiff_t octets) {
  queued_octets_ += static_cast<std::size_t>(octets);  // wraps down for what has left
  return queued_octets_ <= limits_[Limit::queued_octets_total];
}

void StreamServer::flush_all() {
  const auto due = std::exchange(to_flush_, {});
  for (const auto& connection : due) connection->flush();
}

void StreamServer::start_wait(Wait kind, Connection& connection) {
  const Clock::time_point now = Clock::now();
  deadlines_.start(kind, connection, connection.marks(), now);
  look_again_by(now + time_of(kind));
  if (kind == Wait::idle && !std::exchange(rest_due_, true)) resting_.at(now + rest_time, [this] { let_rest(); });
}

/// Some of those that were idle for long enough; others on the loop do not wait for more.
void StreamServer::let_rest() {
  const Clock::time_point now = Clock::now();
  const Waiting* next = deadlines_.next_to_rest();
  for (unsigned i = 0; i < rests_in_a_row && next != nullptr && next->since + rest_time <= now; ++i) {
    deadlines_.take_to_rest().rest();
    next = deadlines_.next_to_rest();
  }
  rest_due_ = next != nullptr;
  if (next != nullptr) resting_.at(std::max(next->since + rest_time, now + rest_pause), [this] { let_rest(); });
}

void StreamServer::stop_wait(Wait kind, Connection& connection) { deadlines_.stop(kind, connection.marks()); }

std::chrono::milliseconds StreamServer::time_of(Wait kind) const {
  switch (kind) {
    case Wait::idle:
      return limits_.time(busy() ? Limit::idle_time_busy : Limit::idle_time);
    case Wait::message:
      return limits_.time(Limit::message_time);
    case Wait::write:
    case Wait::count:
      break;
  }
  return limits_.time(Limit::write_time);
}

void StreamServer::look_again_by(Clock::time_point when) {
  if (deadline_at_ && *deadline_at_ <= when) return;
  deadline_at_ = when;
  deadline_.at(when, [this] { expire(); });
}

void StreamServer::schedule() {
  for (const Wait kind : {Wait::idle, Wait::message, Wait::write}) {
    if (const Waiting* oldest = deadlines_.oldest(kind)) look_again_by(oldest->since + time_of(kind));
  }
  if (const WaitingAsk* oldest = asks_.oldest()) look_again_by(oldest->since + limits_.time(Limit::answer_time));
}

void StreamServer::expire() {
  deadline_at_.reset();
  const Clock::time_point now = Clock::now();
  for (const Wait kind : {Wait::idle, Wait::message, Wait::write}) close_late(kind, now);
  while (const WaitingAsk* ask = asks_.oldest()) {
    if (ask->since + limits_.time(Limit::answer_time) > now) break;
    ask->connection->close(CloseReason::unanswered);  // which withdraws all that it asked
  }
  schedule();
  let_proceed();
}

void StreamServer::close_late(Wait kind, Clock::time_point now) {
  while (const Waiting* oldest = deadlines_.oldest(kind)) {
    if (oldest->since + time_of(kind) > now) return;
    oldest->connection->close(kind == Wait::idle ? CloseReason::idle : CloseReason::slow);
  }
}

void StreamServer::gone(Connection& connection, CloseReason reason) {
  if (reason == CloseReason::idle) ++counters_.closed_idle;
  if (reason == CloseReason::malformed) ++counters_.closed_malformed;
  if (reason == CloseReason::slow) ++counters_.closed_slow;
  deadlines_.stop_all(connection.marks());
  clients_.remove(connection.origin().client.address, connection);
  connections_.erase(&connection);
  counters_.connections_open = connections_.size();
  end_stop_if_answered();
}

void StreamServer::said_all(Connection&) { end_stop_if_answered(); }

void StreamServer::stop(std::chrono::milliseconds patience, Callback done) {
  acceptors_.clear();
  drain_if([](const Connection&) { return true; });
  stopped_ = std::move(done);
  stopping_.at(Clock::now() + patience, [this] { end_stop(); });
  end_stop_if_answered();
}

void StreamServer::end_stop_if_answered() {
  if (!stopped_) return;
  const auto owes_answers = [](const auto& entry) { return entry.second->owes_answers(); };
  if (std::ranges::none_of(connections_, owes_answers)) end_stop();
}

void StreamServer::end_stop() {
  if (!stopped_) return;
  later(executor_, std::exchange(stopped_, nullptr));
  stopping_.cancel();
}

}  // namespace redoubt::transport
