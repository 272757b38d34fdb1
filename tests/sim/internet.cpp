#include "tests/sim/internet.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>

#include "resolver/upstream/reply_match.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

using resolver::Exchange;
using resolver::NetworkFault;
using resolver::Reply;

namespace {
constexpr std::uint32_t patience_with_mismatches = 64;
constexpr std::size_t largest_datagram = dns::default_udp_payload;
}  // namespace

Server& Server::serves(std::shared_ptr<const Zone> zone) {
  zones_.push_back(std::move(zone));
  return *this;
}

Server& Server::behaves(Behaviour behaviour) {
  behaviours_.push_back(std::move(behaviour));
  return *this;
}

Server& Server::round_trip(Duration time) {
  round_trip_ = time;
  return *this;
}

Reaction Server::react(const Heard& heard) const {
  const std::size_t limit = heard.transport != UpstreamTransport::udp ? dns::max_message_octets
                            : heard.query.edns
                                ? std::min<std::size_t>(heard.query.edns->usable_payload(), largest_datagram)
                                : dns::minimum_udp_payload;
  const Duration time = heard.transport == UpstreamTransport::udp ? round_trip_ : round_trip_ * 2;
  Reaction reaction{{{time, answer_from(zones_, heard.query).to_wire(limit)}}, std::nullopt};
  for (const Behaviour& behaviour : behaviours_) behaviour(heard, reaction);
  return reaction;
}

Server& Internet::server(std::string_view address) {
  const auto parsed = dns::IpAddress::from_text(address);
  if (!parsed) std::abort();
  return servers_[*parsed];
}

Task<std::expected<Reply, NetworkFault>> Internet::exchange(Exchange exchange) {
  const Instant sent = clock_->now();
  auto query = dns::Message::parse(exchange.query);
  if (!query || !query->question) std::abort();  // the resolver must never send anything else
  heard_.push_back({sent, exchange.server, exchange.transport, std::move(*query), exchange.query});
  const auto server = servers_.find(exchange.server.address);
  Reaction reaction = server == servers_.end() ? Reaction{} : server->second.react(heard_.back());
  std::multimap<Duration, Delivery> arrivals;  // those of one instant in the order they were sent
  for (Delivery& delivery : reaction.deliveries) arrivals.emplace(delivery.after, std::move(delivery));
  std::uint32_t mismatched = 0;
  for (auto& [after, delivery] : arrivals) {
    if (sent + after >= exchange.deadline) break;
    co_await clock_->sleep_until(sent + after);
    if (delivery.from_elsewhere && match_replies_) continue;
    if (!match_replies_ || resolver::is_reply_to(exchange.query, delivery.octets, exchange.cookie)) {
      co_return Reply{std::move(delivery.octets), clock_->now() - sent, mismatched};
    }
    if (++mismatched >= patience_with_mismatches || exchange.transport != UpstreamTransport::udp)
      co_return std::unexpected{NetworkFault::spoofed};
  }
  if (reaction.fault) co_return std::unexpected{*reaction.fault};
  co_await clock_->sleep_until(exchange.deadline);
  co_return std::unexpected{mismatched == 0 ? NetworkFault::timed_out : NetworkFault::spoofed};
}

std::size_t Internet::packets_to(std::string_view address) const {
  const auto parsed = dns::IpAddress::from_text(address);
  return static_cast<std::size_t>(
      std::ranges::count_if(heard_, [&](const Heard& one) { return one.server.address == *parsed; }));
}

std::size_t Internet::packets_about(std::string_view name) const {
  const dns::Name wanted = name_from_text(name);
  return static_cast<std::size_t>(
      std::ranges::count_if(heard_, [&](const Heard& one) { return one.query.question->name == wanted; }));
}

std::string Internet::trace() const {
  std::string text = "what servers heard:\n";
  for (const Heard& one : heard_) {
    text +=
        fmt::format("  {:>6} ms  {} {}  {} {}\n",
                    std::chrono::duration_cast<std::chrono::milliseconds>(one.when - VirtualClock::beginning).count(),
                    one.server.to_text(), one.transport == UpstreamTransport::udp ? "udp" : "tcp",
                    one.query.question->name.to_text(), dns::to_text(one.query.question->type));
  }
  return text;
}

}  // namespace redoubt::sim
