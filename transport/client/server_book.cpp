#include "transport/client/server_book.hpp"

namespace redoubt::transport {

namespace {

constexpr std::chrono::seconds window{1};

}  // namespace

std::optional<UpstreamFault> ServerBook::admit(const UpstreamServer& server, const Limits& limits,
                                               Clock::time_point now) {
  if (!records_.contains(server) && records_.size() >= max_servers && !make_room(now)) return UpstreamFault::too_many;
  Record& record = records_[server];
  if (now < record.rests_until) return record.last_fault;
  if (now - record.window_began >= window) {
    record.window_began = now;
    record.connects = 0;
  }
  if (record.open >= limits[Limit::upstream_connections_per_server] ||
      record.connects >= limits[Limit::upstream_connects_per_second])
    return UpstreamFault::too_many;
  ++record.connects;
  ++record.open;
  return std::nullopt;
}

/// First those of whom nothing is worth remembering, then those who only rest: many bad servers must not keep us from a
/// good one.
bool ServerBook::make_room(Clock::time_point now) {
  const auto quiet = [&](const Record& record) { return record.open == 0 && now - record.window_began >= window; };
  std::erase_if(records_, [&](const auto& entry) {
    const Record& record = entry.second;
    return quiet(record) && now >= record.rests_until && now >= record.one_by_one_until;
  });
  if (records_.size() >= max_servers) std::erase_if(records_, [&](const auto& entry) { return quiet(entry.second); });
  return records_.size() < max_servers;
}

void ServerBook::closed(const UpstreamServer& server) {
  if (const auto at = records_.find(server); at != records_.end() && at->second.open > 0) --at->second.open;
}

void ServerBook::answered(const UpstreamServer& server) {
  if (const auto at = records_.find(server); at != records_.end()) at->second.fruitless = 0;
}

void ServerBook::fruitless(const UpstreamServer& server, UpstreamFault fault, Clock::time_point now) {
  const auto at = records_.find(server);
  if (at == records_.end()) return;
  at->second.last_fault = fault;
  if (++at->second.fruitless >= fruitless_connections) at->second.rests_until = now + rest;
}

void ServerBook::cannot_pipeline(const UpstreamServer& server, Clock::time_point now) {
  if (const auto at = records_.find(server); at != records_.end()) at->second.one_by_one_until = now + one_by_one_time;
}

bool ServerBook::one_by_one(const UpstreamServer& server, Clock::time_point now) const {
  const auto at = records_.find(server);
  return at != records_.end() && now < at->second.one_by_one_until;
}

}  // namespace redoubt::transport
