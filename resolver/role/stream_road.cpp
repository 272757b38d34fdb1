#include "resolver/role/stream_road.hpp"

#include <boost/asio/post.hpp>
#include <cstdlib>
#include <utility>

#include "appliance/log/log.hpp"

namespace redoubt::resolver {

namespace asio = boost::asio;

namespace {

/// Fetches under way at once; each holds a connection in transport.
constexpr std::size_t max_pending = 4096;
/// How much longer than asked we wait for transport's own word before we go on without it.
constexpr std::chrono::milliseconds grace{250};
/// Of an answer's message to transport: id, length, and what is left to it.
constexpr std::size_t give_envelope_octets = 40;
/// Until a transport that takes nothing is told again.
constexpr std::chrono::milliseconds breath{5};

channel::StreamProtocol protocol_of(UpstreamTransport transport) {
  switch (transport) {
    case UpstreamTransport::tls:
      return channel::StreamProtocol::tls;
    case UpstreamTransport::https:
      return channel::StreamProtocol::https;
    case UpstreamTransport::udp:
    case UpstreamTransport::tcp:
      break;
  }
  return channel::StreamProtocol::tcp;
}

NetworkFault fault_of(channel::FetchFault fault) {
  switch (fault) {
    case channel::FetchFault::refused:
      return NetworkFault::refused;
    case channel::FetchFault::unreachable:
      return NetworkFault::unreachable;
    case channel::FetchFault::timed_out:
      return NetworkFault::timed_out;
    case channel::FetchFault::closed_early:
      return NetworkFault::closed_early;
    case channel::FetchFault::malformed:
      return NetworkFault::malformed;
    case channel::FetchFault::too_many:
      return NetworkFault::no_resources;
    case channel::FetchFault::bad_request:
      return NetworkFault::malformed;
    case channel::FetchFault::untrusted:
      return NetworkFault::untrusted;
    case channel::FetchFault::stalled:
      return NetworkFault::stalled;
    case channel::FetchFault::expired:
      return NetworkFault::expired;
    case channel::FetchFault::wrong_name:
      return NetworkFault::wrong_name;
    case channel::FetchFault::wrong_key:
      return NetworkFault::wrong_key;
    case channel::FetchFault::http_refused:
      return NetworkFault::http_refused;
    case channel::FetchFault::http_failed:
      return NetworkFault::http_failed;
    case channel::FetchFault::http_strange:
      return NetworkFault::http_strange;
  }
  return NetworkFault::malformed;
}

}  // namespace

StreamRoad::StreamRoad(asio::any_io_executor executor, OnAsk on_ask)
    : executor_{executor}, on_ask_{std::move(on_ask)}, channel_{executor}, basis_retry_{std::move(executor)} {}

void StreamRoad::attach(channel::Channel channel) {
  fail_all();
  channel_.attach(
      std::move(channel), [this](channel::Received received) { receive(received); }, [this] { fail_all(); });
  tell_basis();
}

void StreamRoad::use(const channel::Basis& basis) {
  if (basis == basis_) return;
  basis_ = basis;
  tell_basis();
}

/// The one message that must not get lost: without it clients would hear for hours what was flushed.
void StreamRoad::tell_basis() {
  basis_retry_.cancel();
  if (!basis_ || !channel_.attached() ||
      channel_.send(channel::encode(channel::ResolverToTransport{channel::UseBasis{*basis_}})))
    return;
  basis_retry_.expires_after(breath);
  basis_retry_.async_wait([this](boost::system::error_code error) {
    if (!error) tell_basis();
  });
}

Task<std::expected<Reply, NetworkFault>> StreamRoad::fetch(Exchange exchange, std::shared_ptr<FetchReturns> returns) {
  FetchReturns::Result came = std::unexpected{NetworkFault::no_resources};
  co_await Suspension{[&](Suspended suspended) {
    auto back = returns->wait([&came, suspended = std::move(suspended)](FetchReturns::Result result) mutable {
      came = std::move(result);
      suspended.resume();
    });
    try {
      asio::post(executor_, [this, wanted = std::move(exchange), back = std::move(back)]() mutable {
        start(std::move(wanted), std::move(back));
      });
    } catch (const std::exception&) {
      came = std::unexpected{NetworkFault::no_resources};  // no memory; the way back, dropped, says the same
    }
  }};
  co_return came;
}

void StreamRoad::give(channel::ExchangeId id, std::vector<std::uint8_t> answer) {
  std::vector<channel::Give> alone;
  alone.push_back({id, std::move(answer)});
  give(std::move(alone));
}

void StreamRoad::give(std::vector<channel::Give> answers) {
  asio::post(executor_, [this, answers = std::move(answers)]() mutable {
    channel::Gives together;
    std::size_t octets = 0;
    for (channel::Give& answer : answers) {
      const std::size_t more = answer.answer.size() + give_envelope_octets;
      if (!together.gives.empty() &&
          (together.gives.size() == channel::max_together || octets + more > channel::max_octets_together)) {
        send(std::exchange(together, {}));
        octets = 0;
      }
      octets += more;
      together.gives.push_back(std::move(answer));
    }
    if (together.gives.size() == 1)
      send(std::move(together.gives.front()));
    else if (!together.gives.empty())
      send(std::move(together));
  });
}

void StreamRoad::send(channel::ResolverToTransport message) {
  if (!channel_.send(channel::encode(message)))
    log::debug("answers for stream clients are dropped: transport does not take them");
}

/// Whatever fails on the way, `back` has brought word of it by its end.
void StreamRoad::start(Exchange exchange, FetchReturns::Way back) {
  const Instant now = MachineClock::now();
  const auto patience = std::chrono::duration_cast<std::chrono::milliseconds>(exchange.deadline - now);
  if (patience.count() <= 0) return back.bring(std::unexpected{NetworkFault::timed_out});
  if (pending_.size() >= max_pending) return back.bring(std::unexpected{NetworkFault::no_resources});
  const channel::ExchangeId id = next_id_++;
  channel::Fetch fetch{id,
                       protocol_of(exchange.transport),
                       exchange.server,
                       static_cast<std::uint32_t>(patience.count()),
                       std::move(exchange.query),
                       exchange.to_anybody};
  if (!channel_.send(channel::encode(channel::ResolverToTransport{std::move(fetch)})))
    return back.bring(std::unexpected{NetworkFault::no_resources});
  const auto [at, added] =
      pending_.emplace(id, Pending{std::move(back), now, MachineTimer{executor_, exchange.deadline + grace}});
  try {
    at->second.patience.async_wait([this, id](boost::system::error_code error) {
      if (error) return;
      finish(id, std::unexpected{NetworkFault::timed_out});
      channel_.send(channel::encode(channel::ResolverToTransport{channel::Abandon{id}}));
    });
  } catch (const std::exception&) {
    pending_.erase(at);  // nobody would ever end it if transport does not
    throw;
  }
}

void StreamRoad::finish(channel::ExchangeId id, std::expected<Reply, NetworkFault> result) {
  const auto at = pending_.find(id);
  if (at == pending_.end()) return;  // old news
  if (result) result->round_trip = MachineClock::now() - at->second.started;
  FetchReturns::Way back = std::move(at->second.back);
  pending_.erase(at);
  back.bring(std::move(result));
}

void StreamRoad::fail_all() {
  auto orphans = std::exchange(pending_, {});
  for (auto& [id, pending] : orphans) pending.back.bring(std::unexpected{NetworkFault::interrupted});
}

void StreamRoad::receive(const channel::Received& received) {
  auto message = channel::decode_transport_to_resolver(received.octets);
  if (!message || received.descriptors.size() != channel::descriptors_of(*message)) {
    // A sibling that talks garbage is broken or taken over: better to start afresh than to go on beside it.
    log::error("transport sent a message that cannot be read; ending");
    std::_Exit(1);
  }
  if (auto* ask = std::get_if<channel::Ask>(&*message)) {
    std::vector<channel::Ask> alone;
    alone.push_back(std::move(*ask));
    on_ask_(std::move(alone));
  } else if (auto* together = std::get_if<channel::Asks>(&*message)) {
    on_ask_(std::move(together->asks));
  } else if (auto* fetched = std::get_if<channel::Fetched>(&*message)) {
    finish(fetched->id, Reply{std::move(fetched->answer), {}, 0});
  } else if (const auto* failed = std::get_if<channel::FetchFailed>(&*message)) {
    finish(failed->id, std::unexpected{fault_of(failed->fault)});
  }
  // Withdraw: the client is gone. Its resolution is bounded and may serve others; the answer is ignored over there.
}

}  // namespace redoubt::resolver
