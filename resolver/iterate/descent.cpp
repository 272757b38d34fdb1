// From one cut to the next, until a server knows.
#include <fmt/format.h>

#include "resolver/iterate/iterator.hpp"

namespace redoubt::resolver {

SharedDelegation Iterator::root(const Settings& settings) {
  auto root = std::make_shared<Delegation>();
  for (const RootServer& server : settings.root_servers) root->servers.push_back({server.name, server.addresses});
  root->expires = Instant::max();
  return root;
}

SharedDelegation Iterator::learn_cut(const Classified& found, const Delegation& parent, const Settings& settings) {
  const Instant now = clock_->now();
  const dns::Ttl ttl = found.cut_ttl.capped(settings.min_ttl, settings.max_ttl);
  auto cut = std::make_shared<Delegation>();
  cut->zone = found.cut;
  cut->servers = found.servers;
  // Never longer than the cut above it holds: what the parent takes back is gone when its own time is up (attacks:
  // phoenix domains).
  cut->expires = std::min(now + std::chrono::seconds{ttl.seconds()}, parent.expires);
  shared_->cache.store_delegation(cut, now);
  return cut;
}

/// The deepest cut that is known, but never one above a stub zone's own.
SharedDelegation Iterator::begin_of_walk(const dns::Name& start, const Route* stub, const Settings& settings) {
  SharedDelegation cut = shared_->cache.deepest_delegation(start, clock_->now());
  if (stub == nullptr) return cut ? cut : root(settings);
  if (cut && cut->zone.is_strictly_below(stub->zone)) return cut;
  auto configured = std::make_shared<Delegation>();
  configured->zone = stub->zone;
  configured->expires = Instant::max();
  configured->route = stub;
  return configured;
}

Task<Iterator::Result<Classified>> Iterator::walk(const Errand& errand) {
  const dns::Question& question = errand.question;
  // The parent answers for DS (RFC 4035 §3.1.4.1), so the walk must not begin at the child.
  const dns::Name start = question.type == dns::type::ds ? question.name.parent() : question.name;
  const Route* route = errand.settings.routes.above(start);
  if (route != nullptr && route->kind == RouteKind::forward) {
    auto found = co_await forwarder_.ask(errand, *route);
    if (found || !route->first || errand.budget.exhausted()) co_return found;
    route = nullptr;
  }
  SharedDelegation cut = begin_of_walk(start, route, errand.settings);
  for (;;) {
    auto found = co_await ask(errand, cut);
    if (!found || found->kind != ReplyKind::referral) co_return found;
    cut = learn_cut(*found, *cut,
                    errand.settings);  // strictly deeper each time, so at most as often as the name has labels
  }
}

/// The local copy of the root zone in its servers' place; nothing when there is none that is fresh.
std::optional<Classified> Iterator::ask_local_root(const Errand& errand) {
  const LocalZone* root = errand.settings.local_root.get();
  if (root == nullptr || !root->is_fresh(clock_->now())) return std::nullopt;
  // Its replies go the way that all others go.
  return classify(root->answer(errand.question), errand.question, root->apex(), errand.settings, shared_->cache.key());
}

/// Every server of the cut once, then those without address are looked up, then all again, until one is of use.
Task<Iterator::Result<Classified>> Iterator::ask(const Errand& errand, SharedDelegation cut) {
  if (cut->route != nullptr) co_return co_await forwarder_.ask(errand, *cut->route);
  if (cut->zone.is_root()) {
    if (auto found = ask_local_root(errand)) co_return std::move(*found);
  }
  Asking asking{errand, std::move(cut)};
  while (!errand.budget.exhausted()) {
    if (clock_->now() >= errand.budget.deadline()) {
      errand.budget.exhaust(Limit::question_time_ms);
      break;
    }
    if (asking.all_asked() && asking.has_names_to_look_up()) {
      co_await look_up_server(asking);
      continue;
    }
    const std::vector<dns::IpAddress> willing = asking.willing();
    if (willing.empty()) break;
    const std::size_t chosen = shared_->servers.choose(willing, asking.cut().zone, clock_->now(), *random_);
    auto found = co_await ask_server(asking, willing[chosen]);
    if (found) co_return found;
    asking.note(std::move(found.error().told.text), found.error().scope);
  }
  co_return std::unexpected{asking.failure()};
}

/// The addresses of one more server name. A bounded number of them is looked up for one cut, and questions inside
/// questions go only so deep and are only so many; the ledger is the same for all.
Task<void> Iterator::look_up_server(Asking& asking) {
  const Errand& errand = asking.errand();
  const auto name = asking.next_name_to_look_up(*random_);
  if (!name) co_return;
  if (errand.depth >= errand.settings.limits[Limit::nested_depth]) {
    asking.note(fmt::format("limit {} reached at name server {}", name_of(Limit::nested_depth), name->to_text()),
                FailureScope::asker);
    co_return;
  }
  // AAAA only when A was answered and did not help: what could not be asked for the one cannot be for the other.
  bool answered = true;
  if (errand.settings.ipv4) answered = co_await look_up_address(asking, {*name, dns::type::a});
  if (errand.settings.ipv6 && answered && asking.all_asked()) {
    answered = co_await look_up_address(asking, {*name, dns::type::aaaa});
  }
  if (answered && asking.all_asked()) {
    asking.note(fmt::format("name server {} has no address that may be asked", name->to_text()));
  }
}

/// Adds the addresses that the name has; false when that could not be found out. An alias is not followed: a server's
/// name must not be one (RFC 2181 §10.3).
Task<bool> Iterator::look_up_address(Asking& asking, dns::Question question) {
  const Errand& errand = asking.errand();
  const Errand below{errand.settings, errand.budget, std::move(question), &errand, errand.depth + 1};
  Outcome outcome;
  dns::Name name = below.question.name;
  if (errand.waits_for(below.question)) {
    asking.note(fmt::format("name server {} depends on itself", name.to_text()), FailureScope::asker);
    co_return false;
  }
  if (step_here(name, below.question.type, errand.settings, clock_->now(), outcome) == Step::unknown) {
    if (!errand.budget.spend(Limit::nested_questions)) co_return false;
    auto found = co_await walk(below);
    if (!found) {
      asking.note(found.error());
      fail(below, std::move(found.error()));
      co_return false;
    }
    const dns::Question end{found->end, below.question.type};
    take(std::move(*found), end, errand.settings, outcome);
  }
  if (outcome.error) {
    asking.note(Failure{*outcome.error});
    co_return false;
  }
  std::uint64_t added = 0;
  for (const SharedRRset& held : outcome.answer) {
    if (held->type() != below.question.type || !(held->owner() == below.question.name)) continue;
    for (const auto rdata : held->rdata()) {
      const auto address = dns::IpAddress::from_octets(rdata);
      if (address && added++ < errand.settings.limits[Limit::addresses_kept]) asking.add(*address);
    }
  }
  co_return true;
}

}  // namespace redoubt::resolver
