// Whether an authority speaks TLS (RFC 9539): asked once more, by another way, what it has just answered. So it learns
// nothing new, and who listens on the way no more than he did.
#include <utility>

#include "resolver/iterate/iterator.hpp"
#include "resolver/iterate/query_message.hpp"

namespace redoubt::resolver {

Task<void> Iterator::probe(Encryption::Probe probe, const Settings& settings) {
  struct Ending {
    Encryption& encryption;
    dns::IpAddress server;
    ~Ending() { encryption.ended(server); }
  } const ending{shared_->encryption, probe.server};
  const QueryStyle style{.padded = true, .dnssec = settings.validation.enabled};
  const OutgoingQuery query = make_query(probe.question, style, *random_);
  // Named: GCC 12 destroys temporaries with braces twice where they are awaited with.
  Exchange exchange{{probe.server, settings.encrypted_authority_port},
                    UpstreamTransport::tls,
                    query.wire,
                    clock_->now() + Encryption::patience};
  exchange.to_anybody = true;
  auto reply = co_await network_->exchange(std::move(exchange));
  if (!reply && is_our_own(reply.error())) co_return;  // nothing was learned; in a day, then
  bool of_use = false;
  if (reply) {
    const auto message = read_reply(query, std::move(reply->message), settings.guards);
    of_use = message && (message->rcode() == dns::Rcode::noerror || message->rcode() == dns::Rcode::nxdomain);
  }
  if (of_use)
    shared_->encryption.succeeded(probe.server, clock_->now());
  else
    shared_->encryption.failed(probe.server, clock_->now());
}

}  // namespace redoubt::resolver
