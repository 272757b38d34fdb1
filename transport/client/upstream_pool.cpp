#include "transport/client/upstream_pool.hpp"

#include <algorithm>
#include <utility>

#include "transport/client/answer_check.hpp"

namespace redoubt::transport {

namespace {

constexpr std::chrono::seconds window{1};
/// Servers remembered at once; when all of them were asked within the last second, no new one is.
constexpr std::size_t max_servers = 4096;

}  // namespace

UpstreamPool::UpstreamPool(Executor executor, Counters& counters)
    : executor_{std::move(executor)}, counters_{counters} {}

void UpstreamPool::use(const Limits& limits, std::vector<dns::IpAddress> sources) {
  limits_ = limits;
  sources_ = std::move(sources);
}

bool UpstreamPool::fetch(UpstreamRequest request, UpstreamDone done) {
  if (exchanges_.contains(request.id)) return false;
  ++counters_.upstream_exchanges;
  const auto give_up = [&](UpstreamFault fault) {
    fail(done, fault);
    return true;
  };
  if (request.protocol != Protocol::tcp || request.server.port == 0 || !is_query(request.query))
    return give_up(UpstreamFault::bad_request);
  const Clock::time_point now = Clock::now();
  if (!admit(request.server, now)) return give_up(UpstreamFault::too_many);
  auto socket = begin_connect(request.server, source_for(request.server.address));
  if (!socket) return give_up(fault_of(socket.error()));

  ++counters_.upstream_connections;
  ++servers_[request.server].open;
  const auto deadline = now + std::min(request.patience, limits_.time(Limit::upstream_time));
  const UpstreamId id = request.id;
  auto exchange = std::make_unique<UpstreamExchange>(
      executor_, *std::move(socket), std::move(request.query), deadline,
      [this, id, done = std::move(done)](UpstreamResult result) { finished(id, done, std::move(result)); });
  exchanges_.emplace(id, Running{request.server, std::move(exchange)});
  return true;
}

bool UpstreamPool::admit(const dns::Endpoint& server, Clock::time_point now) {
  if (exchanges_.size() >= limits_[Limit::upstream_connections]) return false;
  if (!servers_.contains(server) && servers_.size() >= max_servers) {
    forget_quiet_servers(now);
    if (servers_.size() >= max_servers) return false;
  }
  Server& record = servers_[server];
  if (now - record.window_began >= window) {
    record.window_began = now;
    record.connects = 0;
  }
  if (record.open >= limits_[Limit::upstream_connections_per_server]) return false;
  if (record.connects >= limits_[Limit::upstream_connects_per_second]) return false;
  ++record.connects;
  return true;
}

void UpstreamPool::forget_quiet_servers(Clock::time_point now) {
  std::erase_if(servers_,
                [&](const auto& entry) { return entry.second.open == 0 && now - entry.second.window_began >= window; });
}

/// In turn: a stream needs no unpredictable address, for its sequence numbers keep strangers out.
std::optional<dns::IpAddress> UpstreamPool::source_for(const dns::IpAddress& server) {
  for (std::size_t i = 0; i < sources_.size(); ++i) {
    const dns::IpAddress& source = sources_[next_source_++ % sources_.size()];
    if (source.is_v6() == server.is_v6()) return source;
  }
  return std::nullopt;
}

void UpstreamPool::finished(UpstreamId id, const UpstreamDone& done, UpstreamResult result) {
  if (const auto running = exchanges_.find(id); running != exchanges_.end()) end(running);
  if (!result) return fail(done, result.error());
  done(std::move(result));
}

void UpstreamPool::fail(const UpstreamDone& done, UpstreamFault fault) {
  ++counters_.upstream_failures;
  done(std::unexpected{fault});
}

void UpstreamPool::end(std::unordered_map<UpstreamId, Running>::iterator running) {
  if (const auto server = servers_.find(running->second.server); server != servers_.end()) --server->second.open;
  exchanges_.erase(running);
}

void UpstreamPool::abandon(UpstreamId id) {
  if (const auto running = exchanges_.find(id); running != exchanges_.end()) end(running);
}

void UpstreamPool::abandon_all() {
  while (!exchanges_.empty()) end(exchanges_.begin());
}

}  // namespace redoubt::transport
