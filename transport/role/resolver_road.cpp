#include "transport/role/resolver_road.hpp"

#include <algorithm>
#include <cstdlib>
#include <utility>

#include "appliance/log/log.hpp"

namespace redoubt::transport {

namespace {

/// How long to let a resolver with a full channel breathe before it is offered more.
constexpr std::chrono::milliseconds breath{5};
/// Of a query's message to the resolver, at most: ids, addresses, lengths, a client's name.
constexpr std::size_t ask_envelope_octets = 300;

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
    case UpstreamFault::stalled:
      return channel::FetchFault::stalled;
    case UpstreamFault::expired:
      return channel::FetchFault::expired;
    case UpstreamFault::wrong_name:
      return channel::FetchFault::wrong_name;
    case UpstreamFault::wrong_key:
      return channel::FetchFault::wrong_key;
    case UpstreamFault::http_refused:
      return channel::FetchFault::http_refused;
    case UpstreamFault::http_failed:
      return channel::FetchFault::http_failed;
    case UpstreamFault::http_strange:
      return channel::FetchFault::http_strange;
  }
  std::abort();
}

void end_because_of(std::string_view sibling) {
  log::error("{} sent a message that cannot be read; ending", sibling);
  std::_Exit(1);
}

void ResolverRoad::attach(channel::Channel channel) {
  upstreams_->abandon_all();
  basis_.reset();  // numbers of another life
  server_->forget_answers();
  together_.clear();  // they go again, with all others
  octets_together_ = 0;
  stuck_ = false;
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
  if (!channel_.attached() || stuck_) return false;  // attach() or resume() will offer it again
  channel::Ask ask{.id = id,
                   .listener = origin.listener,
                   .protocol = to_channel(origin.protocol),
                   .client = origin.client,
                   .query = {query.begin(), query.end()}};
  if (origin.name) ask.client_name = *origin.name;
  const std::size_t octets = query.size() + ask_envelope_octets;
  if (!together_.empty() &&
      (together_.size() == channel::max_together || octets_together_ + octets > channel::max_octets_together)) {
    flush();
    if (stuck_) return false;
  }
  together_.push_back(std::move(ask));
  octets_together_ += octets;
  if (!std::exchange(flush_due_, true)) {
    later(executor_, [this, alive = std::weak_ptr{alive_}] {
      if (alive.lock()) flush();
    });
  }
  return true;
}

/// What one turn of the loop has brought goes in one message: it is one system call there, and one here for the
/// answers.
void ResolverRoad::flush() {
  flush_due_ = false;
  stuck_ = false;
  if (together_.empty() || !channel_.attached()) return;
  const bool alone = together_.size() == 1;
  channel::TransportToResolver message;
  if (alone)
    message = together_.front();
  else
    message = channel::Asks{std::move(together_)};
  if (send(message)) {
    together_.clear();
    octets_together_ = 0;
    return;
  }
  if (!alone) together_ = std::get<channel::Asks>(std::move(message)).asks;
  stuck_ = true;
  retry_.at(Clock::now() + breath, [this] {
    flush();
    if (!stuck_) server_->resume();
  });
}

void ResolverRoad::withdraw(AskId id) {
  const auto found = std::ranges::find(together_, id, &channel::Ask::id);
  if (found == together_.end()) {
    send(channel::Withdraw{id});
    return;
  }
  octets_together_ -= found->query.size() + ask_envelope_octets;
  together_.erase(found);
}

void ResolverRoad::receive(const channel::Received& received) {
  auto message = channel::decode_resolver_to_transport(received.octets);
  if (!message || received.descriptors.size() != channel::descriptors_of(*message)) end_because_of("resolver");
  if (const auto* one = std::get_if<channel::Give>(&*message)) {
    give(*one);
  } else if (const auto* gives = std::get_if<channel::Gives>(&*message)) {
    for (const channel::Give& each : gives->gives) give(each);
  } else if (const auto* use = std::get_if<channel::UseBasis>(&*message)) {
    if (std::exchange(basis_, use->basis) != use->basis) server_->forget_answers();
  } else if (auto* request = std::get_if<channel::Fetch>(&*message)) {
    fetch(std::move(*request));
  } else if (const auto* abandon = std::get_if<channel::Abandon>(&*message)) {
    upstreams_->abandon(abandon->id);
  }
}

/// An answer may be older than the word that its basis holds no longer: a worker has made it meanwhile.
void ResolverRoad::give(const channel::Give& give) {
  std::optional<Leave> leave;
  if (give.leave && give.leave->basis == basis_)
    leave = Leave{.keep_for = std::chrono::seconds{give.leave->keep_for}, .secure = give.leave->secure};
  server_->give(give.id, give.answer, leave);
}

void ResolverRoad::fetch(channel::Fetch request) {
  const channel::ExchangeId id = request.id;
  const bool begun =
      upstreams_->fetch({id, from_channel(request.protocol), request.server,
                         std::chrono::milliseconds{request.patience}, std::move(request.query), request.to_anybody},
                        [this, id](UpstreamResult result) {
                          const bool told = result ? send(channel::Fetched{id, *std::move(result)})
                                                   : send(channel::FetchFailed{id, to_channel(result.error())});
                          if (!told) log::debug("a server's answer is dropped: resolver does not take it");
                        });
  if (!begun) end_because_of("resolver");  // an id that lives was used again
}

}  // namespace redoubt::transport
