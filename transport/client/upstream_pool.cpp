#include "transport/client/upstream_pool.hpp"

#include <algorithm>
#include <utility>

#include "transport/client/answer_check.hpp"

namespace redoubt::transport {

UpstreamPool::UpstreamPool(Executor executor, Counters& counters)
    : executor_{std::move(executor)}, counters_{counters}, tls_{counters} {}

UpstreamPool::~UpstreamPool() {
  for (const auto& [server, connections] : connections_) {
    for (const auto& connection : connections) connection->close();
  }
}

void UpstreamPool::use(const Limits& limits, std::vector<dns::IpAddress> sources, ClientTrust trust) {
  limits_ = limits;
  const bool other_sources = sources != sources_;
  const bool other_trust = trust != tls_.trust();
  sources_ = std::move(sources);
  tls_.use(std::move(trust));
  // Those that stand come from the former addresses, or were trusted by the former rules.
  std::vector<std::shared_ptr<UpstreamConnection>> former;
  for (const auto& [server, connections] : connections_) {
    if (other_sources || (other_trust && server.protocol != Protocol::tcp))
      former.insert(former.end(), connections.begin(), connections.end());
  }
  for (const auto& connection : former) connection->retire();
}

/// In the clear with everybody; encrypted with those of whom it is known who they have to be.
bool UpstreamPool::speaks_with(const UpstreamServer& server) const {
  if (server.endpoint.port == 0) return false;
  return server.protocol == Protocol::tcp ||
         (tls_.speaks_with(server.endpoint, server.anybody) &&
          tls_.speaks_https_with(server.endpoint) == (server.protocol == Protocol::https));
}

std::unique_ptr<ClientFraming> UpstreamPool::framing_for(const UpstreamServer& server) const {
  if (server.protocol != Protocol::https) return client_length_framing();
  const ServerIdentity& identity = tls_.trust().servers.at(server.endpoint);  // speaks_with() saw to it
  return client_http_framing(authority_of(server.endpoint, identity), identity.path);
}

UpstreamConnection::Speak UpstreamPool::speech_for(const UpstreamServer& server) {
  if (server.protocol == Protocol::tcp) return tcp_stream;
  return [this, at = server.endpoint, anybody = server.anybody](Socket connected) {
    return tls_.connect(at, std::move(connected), anybody);
  };
}

bool UpstreamPool::fetch(UpstreamRequest request, UpstreamDone done) {
  if (exchanges_.contains(request.id)) return false;
  ++counters_.upstream_exchanges;
  const auto give_up = [&](UpstreamFault fault) {
    tell(done, std::unexpected{fault});
    return true;
  };
  const UpstreamServer server{request.server, request.protocol, request.to_anybody};
  if (!speaks_with(server) || !is_query(request.query)) return give_up(UpstreamFault::bad_request);
  if (exchanges_.size() >= limits_[Limit::upstream_exchanges]) return give_up(UpstreamFault::too_many);
  const UpstreamId id = request.id;
  const auto [at, added] = exchanges_.try_emplace(id, executor_, server, std::move(request.query), std::move(done));
  Running& exchange = at->second;
  if (const auto fault = place(id, exchange)) {
    conclude(id, std::unexpected{*fault});
    return true;
  }
  exchange.deadline.at(Clock::now() + std::min(request.patience, limits_.time(Limit::upstream_time)),
                       [this, id] { timed_out(id); });
  return true;
}

/// Onto an open connection, or a new one. What is wrong when neither can be had.
std::optional<UpstreamFault> UpstreamPool::place(UpstreamId id, Running& exchange) {
  const Clock::time_point now = Clock::now();
  UpstreamConnection* connection = one_with_room(exchange, now);
  if (connection != nullptr) {
    ++counters_.upstream_reused;
  } else {
    const auto fresh = connect(exchange.server, now);
    if (!fresh) return fresh.error();
    connection = *fresh;
  }
  exchange.connection = connection;
  connection->put(id, exchange.query, now);
  return std::nullopt;
}

/// The first with room, so that those beyond what is needed fall idle. What is repeated goes where the server has had
/// no time to be through with the connection (RFC 7766 §6.2.4).
UpstreamConnection* UpstreamPool::one_with_room(const Running& exchange, Clock::time_point now) const {
  const auto at = connections_.find(exchange.server);
  if (at == connections_.end()) return nullptr;
  const std::size_t most =
      book_.one_by_one(exchange.server, now) ? 1 : limits_[Limit::upstream_exchanges_per_connection];
  const auto found = std::ranges::find_if(at->second, [&](const auto& connection) {
    return connection->takes(most, now) && !(exchange.repeated && connection->proven());
  });
  return found == at->second.end() ? nullptr : found->get();
}

std::expected<UpstreamConnection*, UpstreamFault> UpstreamPool::connect(const UpstreamServer& server,
                                                                        Clock::time_point now) {
  if (const auto refusal = book_.admit(server, limits_, now)) {
    if (*refusal != UpstreamFault::too_many) ++counters_.upstream_throttled;
    return std::unexpected{*refusal};
  }
  const auto fail = [&](UpstreamFault fault) {
    book_.closed(server);
    return std::unexpected{fault};
  };
  if (connections() >= limits_[Limit::upstream_connections] && !close_longest_idle())
    return fail(UpstreamFault::too_many);
  auto socket = begin_connect(server.endpoint, source_for(server.endpoint.address));
  if (!socket) return fail(fault_of(socket.error()));
  ++counters_.upstream_connections;
  ++counters_.upstream_connections_open;
  const ConnectionTimes times{limits_.time(Limit::upstream_idle_time), limits_.time(Limit::upstream_stall_time)};
  ConnectionUser& user = *this;
  const auto connection = std::make_shared<UpstreamConnection>(executor_, server, *std::move(socket),
                                                               speech_for(server), framing_for(server), times, user);
  connections_[server].push_back(connection);
  return connection.get();
}

bool UpstreamPool::close_longest_idle() {
  UpstreamConnection* longest = nullptr;
  for (const auto& [server, connections] : connections_) {
    for (const auto& connection : connections) {
      if (connection->idle() && (longest == nullptr || connection->idle_since() < longest->idle_since()))
        longest = connection.get();
    }
  }
  if (longest == nullptr) return false;
  longest->close();
  forget(*longest);
  return true;
}

/// RFC 7766 §6.2.2: as few connections to one server as will do.
void UpstreamPool::keep_one_idle(UpstreamConnection& connection) {
  if (!connection.open() || !connection.idle()) return;
  const auto at = connections_.find(connection.server());
  if (at == connections_.end()) return;
  const bool another = std::ranges::any_of(
      at->second, [&](const auto& other) { return other.get() != &connection && other->idle() && other->proven(); });
  if (another) connection.retire();
}

/// Its memory goes behind the current work: it may be a connection's own callback that leads here.
void UpstreamPool::forget(UpstreamConnection& connection) {
  const auto at = connections_.find(connection.server());
  const auto held = std::ranges::find(at->second, &connection, [](const auto& pointer) { return pointer.get(); });
  later(executor_, [gone = std::move(*held)] {});
  at->second.erase(held);
  if (at->second.empty()) connections_.erase(at);
  book_.closed(connection.server());
  --counters_.upstream_connections_open;
}

/// In turn: a stream needs no unpredictable address, for its sequence numbers keep strangers out.
std::optional<dns::IpAddress> UpstreamPool::source_for(const dns::IpAddress& server) {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const dns::IpAddress& source = sources_[next_source_++ % sources_.size()];
    if (source.is_v6() == server.is_v6()) return source;
  }
  return std::nullopt;
}

void UpstreamPool::answered(UpstreamConnection& connection, UpstreamId exchange, std::vector<std::uint8_t> answer) {
  book_.answered(connection.server());
  conclude(exchange, std::move(answer));
  keep_one_idle(connection);  // after what the answer may have led to
}

/// What the server would not look at on a connection of use goes another way, once.
void UpstreamPool::failed(UpstreamConnection& connection, UpstreamId exchange, UpstreamFault fault) {
  Running& running = exchanges_.at(exchange);
  running.connection = nullptr;
  std::optional<UpstreamFault> trouble = fault;
  if (fault == UpstreamFault::closed_early && connection.proven() && !std::exchange(running.repeated, true)) {
    ++counters_.upstream_retries;
    trouble = place(exchange, running);
  }
  if (trouble) conclude(exchange, std::unexpected{*trouble});
  keep_one_idle(connection);
}

void UpstreamPool::ended(UpstreamConnection& connection, UpstreamFault fault) {
  const Clock::time_point now = Clock::now();
  const std::vector<UpstreamId> unanswered = connection.exchanges();
  for (const UpstreamId id : unanswered) exchanges_.at(id).connection = nullptr;
  if (!unanswered.empty()) {
    if (!connection.proven()) book_.fruitless(connection.server(), fault, now);
    if (connection.crowded() && fault == UpstreamFault::closed_early) book_.cannot_pipeline(connection.server(), now);
  }
  const bool repeat = connection.proven() && fault == UpstreamFault::closed_early;
  forget(connection);
  for (const UpstreamId id : unanswered) {
    const auto at = exchanges_.find(id);
    if (at == exchanges_.end() || at->second.connection != nullptr) continue;  // a done() before this one saw to it
    std::optional<UpstreamFault> trouble = fault;
    if (repeat && !std::exchange(at->second.repeated, true)) {
      ++counters_.upstream_retries;
      trouble = place(id, at->second);
    }
    if (trouble) conclude(id, std::unexpected{*trouble});
  }
}

void UpstreamPool::timed_out(UpstreamId id) {
  UpstreamConnection* connection = exchanges_.at(id).connection;
  connection->take_back(id);
  const UpstreamFault fault = connection->connected() ? UpstreamFault::stalled : UpstreamFault::timed_out;
  if (!connection->connected() && connection->idle()) book_.fruitless(connection->server(), fault, Clock::now());
  conclude(id, std::unexpected{fault});
}

void UpstreamPool::conclude(UpstreamId id, UpstreamResult result) {
  const auto at = exchanges_.find(id);
  const UpstreamDone done = std::move(at->second.done);
  exchanges_.erase(at);
  tell(done, std::move(result));
}

void UpstreamPool::tell(const UpstreamDone& done, UpstreamResult result) {
  if (!result) ++counters_.upstream_failures;
  done(std::move(result));
}

void UpstreamPool::abandon(UpstreamId id) {
  const auto at = exchanges_.find(id);
  if (at == exchanges_.end()) return;
  if (at->second.connection != nullptr) at->second.connection->take_back(id);
  exchanges_.erase(at);
}

void UpstreamPool::abandon_all() {
  while (!exchanges_.empty()) abandon(exchanges_.begin()->first);
}

}  // namespace redoubt::transport
