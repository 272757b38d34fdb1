#include "resolver/iterate/priming.hpp"

#include <algorithm>

#include "resolver/iterate/iterator.hpp"

namespace redoubt::resolver {

namespace {

/// Servers that are asked for it before the hints go on as they are for a while.
constexpr unsigned max_servers_asked = 3;

/// The addresses that the root gives for the servers that the hints name. Others are nobody's (attacks: priming
/// hijack); those of which no address came keep the one of the hints.
std::shared_ptr<Delegation> primed(const std::vector<NameServer>& told, const std::vector<RootServer>& hints,
                                   const Settings& settings) {
  auto root = std::make_shared<Delegation>();
  for (const RootServer& hint : hints) {
    const auto at = std::ranges::find(told, hint.name, &NameServer::name);
    if (at == told.end()) continue;
    const bool usable =
        std::ranges::any_of(at->addresses, [&](const dns::IpAddress& address) { return may_ask(address, settings); });
    root->servers.push_back({hint.name, usable ? at->addresses : hint.addresses});
  }
  if (settings.guards.hinted_root) return root;
  root->servers.insert(root->servers.end(), told.begin(), told.end());
  return root;
}

}  // namespace

/// By TCP, so that nobody who is not on the way can take the whole tree with one datagram.
Task<void> Iterator::prime(const Settings& settings, Budget& budget) {
  const Errand errand{settings, budget, {dns::Name{}, dns::type::ns}};
  Asking asking{errand, hints(settings)};
  for (unsigned asked = 0; asked < max_servers_asked; ++asked) {
    const Asking::Addresses willing = asking.willing();
    if (willing.empty() || !budget.spend(Limit::upstream_queries)) co_return;
    const dns::IpAddress server = willing[shared_->servers.choose(willing, asking.cut().zone, clock_->now(), *random_)];
    const auto reply = co_await exchange(asking, server, UpstreamTransport::tcp, true, false);
    asking.give_up(server);
    if (!reply || reply->rcode() != dns::Rcode::noerror || reply->header.truncated) continue;
    const auto classified = classify(*reply, errand.question, asking.cut().zone, settings, shared_->cache.key());
    const Classified& found = *classified;
    if (found.kind != ReplyKind::answer || !found.authoritative) continue;
    const auto root = primed(found.servers, settings.root_servers, settings);
    if (root->servers.empty()) continue;
    const Instant now = clock_->now();
    const std::chrono::seconds lifetime{found.data->ttl.capped(settings.min_ttl, settings.max_ttl).seconds()};
    root->learned = now;
    root->expires = now + lifetime;
    shared_->cache.store_delegation(root, now);
    shared_->priming.done(now, lifetime);
    co_return;
  }
}

}  // namespace redoubt::resolver
