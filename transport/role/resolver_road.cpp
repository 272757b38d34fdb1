#include "transport/role/resolver_road.hpp"

#include <cstdlib>
#include <utility>

#include "appliance/log/log.hpp"

namespace redoubt::transport {

namespace {

/// How long to let a resolver with a full channel breathe before it is offered more.
constexpr std::chrono::milliseconds breath{5};

channel::StreamProtocol to_channel(Protocol protocol) {
  switch (protocol) {
    case Protocol::tcp:
      return channel::StreamProtocol::tcp;
    case Protocol::tls:
      return channel::StreamProtocol::tls;
    case Protocol::https:
      return channel::StreamProtocol::https;
  }
  std::abort();
}

Protocol from_channel(channel::StreamProtocol protocol) {
  switch (protocol) {
    case channel::StreamProtocol::tcp:
      return Protocol::tcp;
    case channel::StreamProtocol::tls:
      return Protocol::tls;
    case channel::StreamProtocol::https:
      return Protocol::https;
  }
  std::abort();
}

}  // namespace

channel::FetchFault to_channel(UpstreamFault fault) {
  switch (fault) {
    case UpstreamFault::refused:
      return channel::FetchFault::refused;
    case UpstreamFault::unreachable:
      return channel::FetchFault::unreachable;
    case UpstreamFault::timed_out:
      return channel::FetchFault::timed_out;
    case UpstreamFault::closed_early:
      return channel::FetchFault::closed_early;
    case UpstreamFault::malformed:
      return channel::FetchFault::malformed;
    case UpstreamFault::too_many:
      return channel::FetchFault::too_many;
    case UpstreamFault::bad_request:
      return channel::FetchFault::bad_request;
    case UpstreamFault::untrusted:
      return channel::FetchFault::untrusted;
  }
  std::abort();
}

void end_because_of(std::string_view sibling) {
  log::error("{} sent a message that cannot be read; ending", sibling);
  std::_Exit(1);
}

void ResolverRoad::attach(channel::Channel channel) {
  upstreams_->abandon_all();
  channel_.attach(
      std::move(channel), [this](channel::Received received) { receive(received); }, [this] { lost(); });
  server_->resend_all();
}

/// Clients' queries are kept: a new resolver gets them. Its errands are nobody's any more.
void ResolverRoad::lost() {
  log::debug("resolver is gone; {} queries of clients wait for the next one", server_->waiting_queries());
  upstreams_->abandon_all();
}

bool ResolverRoad::send(const channel::TransportToResolver& message) { return channel_.send(channel::encode(message)); }

bool ResolverRoad::ask(AskId id, const Origin& origin, std::span<const std::uint8_t> query) {
  if (!channel_.attached()) return false;  // attach() will offer it again
  if (send(channel::Ask{id, origin.listener, to_channel(origin.protocol), origin.client, {query.begin(), query.end()}}))
    return true;
  retry_.at(Clock::now() + breath, [this] { server_->resume(); });
  return false;
}

void ResolverRoad::withdraw(AskId id) { send(channel::Withdraw{id}); }

void ResolverRoad::receive(const channel::Received& received) {
  auto message = channel::decode_resolver_to_transport(received.octets);
  if (!message || received.descriptors.size() != channel::descriptors_of(*message)) end_because_of("resolver");
  if (const auto* give = std::get_if<channel::Give>(&*message)) {
    server_->give(give->id, give->answer);
  } else if (auto* request = std::get_if<channel::Fetch>(&*message)) {
    fetch(std::move(*request));
  } else if (const auto* abandon = std::get_if<channel::Abandon>(&*message)) {
    upstreams_->abandon(abandon->id);
  }
}

void ResolverRoad::fetch(channel::Fetch request) {
  const channel::ExchangeId id = request.id;
  const bool begun = upstreams_->fetch({id, from_channel(request.protocol), request.server,
                                        std::chrono::milliseconds{request.patience}, std::move(request.query)},
                                       [this, id](UpstreamResult result) {
                                         const bool told =
                                             result ? send(channel::Fetched{id, *std::move(result)})
                                                    : send(channel::FetchFailed{id, to_channel(result.error())});
                                         if (!told)
                                           log::debug("a server's answer is dropped: resolver does not take it");
                                       });
  if (!begun) end_because_of("resolver");  // an id that lives was used again
}

}  // namespace redoubt::transport
