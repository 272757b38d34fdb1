// From one cut to the next, until a server knows.
#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "resolver/iterate/evidence.hpp"
#include "resolver/iterate/iterator.hpp"
#include "resolver/iterate/verdict.hpp"
#include "resolver/trace.hpp"

namespace redoubt::resolver {

namespace {

/// A cut whose servers were all of no use is asked for again at its parent, but not more often than this.
constexpr std::chrono::seconds least_age_of_dead_cut{10};

/// Packets that a server still gets for the whole name after it was of no use for a part of it: together with those, no
/// more than a resend loop may cost (attacks: resend loop).
constexpr unsigned tries_after_shorter = 1;

/// Whether it may be the shorter name that the servers did not like, rather than us or the time.
bool may_like_the_whole_name(const Failure& failure, const Errand& errand) {
  return errand.settings.minimisation == Minimisation::relaxed && failure.scope == FailureScope::question &&
         failure.heard && !errand.budget.exhausted();
}

bool same_servers(const Delegation& one, const Delegation& other) {
  return std::ranges::is_permutation(one.servers, other.servers, [](const NameServer& a, const NameServer& b) {
    return a.name == b.name && std::ranges::is_permutation(a.addresses, b.addresses);
  });
}

}  // namespace

SharedDelegation Iterator::hints(const Settings& settings) {
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
  cut->learned = now;
  // Never longer than the cut above it holds: what the parent takes back is gone when its own time is up (attacks:
  // phoenix domains). Nobody takes back the root.
  cut->expires = now + std::chrono::seconds{ttl.seconds()};
  if (settings.guards.cut_within_parent && !parent.zone.is_root())
    cut->expires = std::min(cut->expires, parent.expires);
  shared_->cache.store_delegation(cut, now);
  if (settings.validation.enabled) keep_ds(found, cut->expires, settings);
  return cut;
}

/// The deepest cut that is known, but never one above a stub zone's own.
SharedDelegation Iterator::begin_of_walk(const dns::Name& start, const Route* stub, const Settings& settings,
                                         Instant now) {
  SharedDelegation cut = shared_->cache.deepest_delegation(start, now);
  if (stub == nullptr) return cut ? cut : hints(settings);
  if (cut && cut->zone.is_strictly_below(stub->zone)) return cut;
  auto configured = std::make_shared<Delegation>();
  configured->zone = stub->zone;
  configured->expires = Instant::max();
  configured->route = stub;
  return configured;
}

/// What a denial of a name between the zone and the question's name says of it (RFC 8020 §2). Cuts below that name
/// would be known, or have gone with it.
std::unique_ptr<Classified> Iterator::denied_above(const dns::Question& question, const dns::Name& zone,
                                                   const Settings& settings, Instant now) {
  if (settings.nxdomain_cut == NxdomainCut::off) return nullptr;
  if (settings.nxdomain_cut == NxdomainCut::root && !zone.is_root()) return nullptr;
  const std::size_t labels = question.name.label_count();
  const std::size_t last = std::min(labels, zone.label_count() + 1 + max_minimised_questions);
  for (std::size_t count = zone.label_count() + 1; count < last; ++count) {
    const auto found = shared_->cache.find(question.name.suffix(count), question.type, now);
    if (!found || found->kind != EntryKind::no_name || found->rank != Rank::authoritative_answer || !found->rrset)
      continue;
    auto denied = std::make_unique<Classified>();
    denied->kind = ReplyKind::no_name;
    denied->end = question.name;
    denied->authoritative = true;
    const auto left = std::chrono::floor<std::chrono::seconds>(found->expires - now).count();
    denied->soa = dns::RRset{found->rrset->owner(),
                             dns::type::soa,
                             dns::rr_class::in,
                             dns::Ttl::from_wire(static_cast<std::uint32_t>(left)),
                             {}};
    denied->soa->rdata.add(found->rrset->rdata().front());
    add_evidence(*denied, found->standing);
    return denied;
  }
  return nullptr;
}

/// What the cache has on it saves the question: a warm cache costs no more packets than whole names would.
Iterator::Shorter Iterator::known_of_shorter(const dns::Question& shorter) {
  const Instant now = clock_->now();
  const auto found = shared_->cache.find(shorter.name, shorter.type, now);
  if (found && found->kind != EntryKind::no_name) return Shorter::no_cut;
  const auto alias = shared_->cache.find(shorter.name, dns::type::cname, now);
  return alias && alias->kind == EntryKind::data ? Shorter::no_cut : Shorter::unknown;
}

Iterator::Shorter Iterator::take_shorter(Classified& found, const dns::Question& shorter, const Errand& errand) {
  if (found.kind == ReplyKind::too_large) return Shorter::no_cut;  // the name is there, and that is all that was asked
  if (found.kind == ReplyKind::no_name && found.chain.empty()) {
    // The root denies no name that has others below it; of everybody else only strict mode believes it.
    const bool believed = errand.settings.minimisation == Minimisation::strict || shorter.name.label_count() == 1;
    if (!believed) return Shorter::unknown;
  }
  Outcome scratch;
  Classified kept = found;
  const dns::Question end{kept.end, shorter.type};
  take(std::move(kept), end, errand, scratch);
  return found.kind == ReplyKind::no_name && found.chain.empty() ? Shorter::denied : Shorter::no_cut;
}

/// The cut as its parent tells it now, when it is another one than that whose servers were of no use; else null.
Task<SharedDelegation> Iterator::refreshed(const Errand& errand, const Delegation& dead) {
  const Instant now = clock_->now();
  if (dead.zone.is_root()) co_return hints(errand.settings);
  if (now < dead.learned + least_age_of_dead_cut || errand.budget.exhausted()) co_return nullptr;
  const Route* route = errand.settings.routes.above(dead.zone.parent());
  const bool stub = route != nullptr && route->kind == RouteKind::stub;
  const SharedDelegation parent = begin_of_walk(dead.zone.parent(), stub ? route : nullptr, errand.settings, now);
  const Errand above{errand.settings, errand.budget, {dead.zone, dns::type::a}, &errand, errand.depth, false, true};
  const auto found = co_await ask(above, parent);
  if (!found || found->kind != ReplyKind::referral) co_return nullptr;
  SharedDelegation cut = learn_cut(*found, *parent, errand.settings);
  co_return same_servers(*cut, dead) ? nullptr : cut;
}

Task<Finding> Iterator::walk(const Errand& errand) {
  const dns::Question& question = errand.question;
  // The parent answers for DS (RFC 4035 §3.1.4.1), so the walk must not begin at the child.
  const dns::Name start = question.type == dns::type::ds ? question.name.parent() : question.name;
  const Route* route = errand.settings.routes.above(start);
  if (route != nullptr && route->kind == RouteKind::forward) {
    auto found = co_await forwarder_.ask(errand, *route);
    if (found || !route->first || errand.budget.exhausted()) co_return found;
    route = nullptr;
  }
  const Instant now = clock_->now();
  // No cut at a name that the cache has nothing of.
  SharedDelegation cut = begin_of_walk(errand.is_new ? question.name.parent() : start, route, errand.settings, now);
  bool remembered = cut->learned != Instant::min();  // rather than told on this walk, or configured
  // Whoever asks again, for what came before was bogus, wants to hear it from servers.
  const bool from_servers = errand.not_from.has_value();
  if (auto denied = from_servers ? nullptr : denied_above(question, cut->zone, errand.settings, now)) {
    tell(errand, TraceKind::cache, question, [] { return std::string{"a name above does not exist"}; });
    co_return Finding{std::move(denied)};
  }
  if (!errand.renews) {
    if (auto renamed = renamed_above(question, cut->zone, now)) {
      tell(errand, TraceKind::cache, question, [] { return std::string{"a name above is renamed by a DNAME"}; });
      co_return Finding{std::move(renamed)};
    }
  }
  tell(errand, TraceKind::cache, question,
       [&] { return fmt::format("the deepest cut that is known is {}", cut->zone.to_text()); });

  Minimiser names{question, errand.settings.minimisation, errand.settings.guards};
  unsigned tries = tries_per_server;
  for (;;) {
    // A stub zone's own servers are told all: they are the site's, and may deny names that have others below them.
    const dns::Question asked = cut->route != nullptr ? question : names.next(cut->zone);
    const bool whole = asked == question;
    if (!whole && known_of_shorter(asked) == Shorter::no_cut) {
      names.passed();
      continue;
    }
    Errand shorter{errand.settings, errand.budget, asked, &errand, errand.depth, false, !whole};
    shorter.not_from = errand.not_from;
    auto found = co_await ask(whole ? errand : shorter, cut, tries);
    if (found && found->kind == ReplyKind::referral) {
      // Strictly deeper each time, so at most as often as the name has labels.
      cut = learn_cut(*found, *cut, errand.settings);
      remembered = false;
      tries = tries_per_server;
      continue;
    }
    const bool tried = found || found.error().scope != FailureScope::house;  // a limit of ours makes no cut a dead one
    if (!found && tried && std::exchange(remembered, false)) {
      if (auto fresh = co_await refreshed(errand, *cut)) {
        cut = std::move(fresh);
        continue;
      }
    }
    if (whole) co_return found;
    if (!found) {
      if (!may_like_the_whole_name(found.error(), errand)) co_return found;
      tries = tries_after_shorter;
      names.give_up();
      continue;
    }
    switch (take_shorter(*found, asked, errand)) {
      case Shorter::no_cut:
        if (!found->chain.empty()) {  // a DNAME, perhaps, which has its say about the whole name too
          if (auto renamed = renamed_above(question, cut->zone, clock_->now())) co_return Finding{std::move(renamed)};
        }
        names.passed();
        break;
      case Shorter::unknown:
        names.give_up();
        break;
      case Shorter::denied:
        found->end = question.name;
        co_return found;
    }
  }
}

/// The local copy of the root zone in its servers' place; nothing when there is none that is fresh.
std::unique_ptr<Classified> Iterator::ask_local_root(const Errand& errand) {
  const LocalZone* root = errand.settings.local_root.get();
  if (root == nullptr || !root->is_fresh(clock_->now())) return nullptr;
  // Its replies go the way that all others go.
  tell(errand, TraceKind::local, errand.question, [] { return std::string{"from the copy of the root zone"}; });
  const dns::Message reply = root->answer(errand.question, errand.settings.validation.enabled);
  return classify(reply, errand.question, root->apex(), errand.settings, shared_->cache.key());
}

/// A limit that many questions share: it says nothing of this one.
Failure Iterator::beyond(Limit limit, const dns::Name& zone) {
  return {{dns::EdeCode::other, fmt::format("limit {} reached at zone {}", name_of(limit), zone.to_text())},
          FailureScope::house,
          limit};
}

/// Every server of the cut once, then those without address are looked up, then all again, until one is of use.
Task<Finding> Iterator::ask(const Errand& errand, SharedDelegation cut, unsigned tries) {
  if (cut->route != nullptr) co_return co_await forwarder_.ask(errand, *cut->route);
  if (cut->zone.is_root()) {
    if (auto found = ask_local_root(errand)) co_return Finding{std::move(found)};
  }
  const Limits& limits = errand.settings.limits;
  const Holder zone = holder_of(cut->zone, shared_->cache.key());
  const auto place = shared_->zone_places.take(zone, limits[Limit::flights_of_one_zone]);
  if (!place) co_return std::unexpected{beyond(Limit::flights_of_one_zone, cut->zone)};
  // The root and top-level zones are built for questions to no purpose, and all names are below them.
  const bool is_rated = cut->zone.label_count() >= 2;
  const std::uint64_t rate = limits[Limit::denials_of_one_zone];
  Asking asking{errand, std::move(cut), tries};
  while (!errand.budget.exhausted()) {
    const Instant now = clock_->now();
    if (now >= errand.budget.deadline()) {
      errand.budget.exhaust(Limit::question_time_ms);
      break;
    }
    if (asking.all_asked() && asking.has_names_to_look_up()) {
      co_await look_up_server(asking);
      continue;
    }
    const Asking::Addresses willing = asking.willing();
    if (willing.empty()) break;
    tell_aside(asking);
    const std::size_t chosen = shared_->servers.choose(willing, asking.cut().zone, now, *random_);
    if (is_rated && !shared_->denials.begin(zone, errand.budget.client(), rate, now))
      co_return std::unexpected{beyond(Limit::denials_of_one_zone, asking.cut().zone)};
    auto found = co_await ask_server(asking, willing[chosen]);
    const bool of_use = found && found->kind != ReplyKind::no_name;
    if (is_rated) shared_->denials.end(zone, errand.budget.client(), rate, clock_->now(), of_use);
    if (found) co_return found;
    asking.note_server(std::move(found.error()));
  }
  tell_aside(asking);
  const std::size_t aside = asking.count_addresses([&](const dns::IpAddress& address) {
    return shared_->servers.is_aside(address, asking.cut().zone, clock_->now());
  });
  co_return std::unexpected{asking.failure(aside)};
}

void Iterator::tell_aside(Asking& asking) const {
  const Errand& errand = asking.errand();
  Trace* const trace = errand.budget.trace();
  if (trace == nullptr) return;
  const dns::Name& zone = asking.cut().zone;
  const Instant now = clock_->now();
  const Asking::Addresses aside =
      asking.show_once([&](const dns::IpAddress& address) { return shared_->servers.is_aside(address, zone, now); });
  for (std::size_t i = 0; i < std::min(aside.size(), most_aside_told); ++i) {
    const auto known = shared_->servers.aside(aside[i], zone, now);
    if (!known) continue;  // another worker has heard of it since
    trace->note({.kind = TraceKind::aside,
                 .at = now,
                 .depth = errand.depth,
                 .question = errand.question,
                 .zone = zone,
                 .server_name = asking.server_name(aside[i]),
                 .server = aside[i],
                 .verdict = verdict_of(*known)});
  }
  if (aside.size() > most_aside_told)
    tell(errand, TraceKind::aside, errand.question,
         [&] { return fmt::format("and {} more servers of {}", aside.size() - most_aside_told, zone.to_text()); });
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
  tell(errand, TraceKind::look_up, {*name, dns::type::a}, [] { return std::string{"its address is needed"}; });
  // AAAA only when A was answered and did not help: what could not be asked for the one cannot be for the other.
  bool answered = true;
  // Not in braces inside the calls: GCC 12 destroys such temporaries twice across a suspension.
  const dns::Question v4{*name, dns::type::a};
  const dns::Question v6{*name, dns::type::aaaa};
  if (errand.settings.ipv4) answered = co_await look_up_address(asking, v4);
  if (errand.settings.ipv6 && answered && asking.all_asked()) {
    answered = co_await look_up_address(asking, v6);
  }
  if (answered && asking.all_asked()) {
    asking.note(fmt::format("name server {} has no address that may be asked", name->to_text()));
  }
}

/// Adds the addresses that the name has; false when that could not be found out. An alias is not followed: a server's
/// name must not be one (RFC 2181 §10.3).
Task<bool> Iterator::look_up_address(Asking& asking, const dns::Question& question) {
  const Errand& errand = asking.errand();
  const Errand below{errand.settings, errand.budget, question, &errand, errand.depth + 1};
  Outcome outcome;
  dns::Name name = below.question.name;
  if (errand.settings.guards.cycle_check && errand.waits_for(below.question)) {
    asking.note(fmt::format("name server {} depends on itself", name.to_text()), FailureScope::asker);
    co_return false;
  }
  if (step_here(name, below.question.type, errand.settings, clock_->now(), outcome, Wanted::anything) ==
      Step::unknown) {
    if (!errand.budget.spend(Limit::nested_questions)) co_return false;
    auto found = co_await walk(below);
    if (!found) {
      asking.note(found.error());
      fail(below, std::move(found.error()));
      co_return false;
    }
    const dns::Question end{found->end, below.question.type};
    take(std::move(*found), end, errand, outcome);
  }
  if (outcome.error) {
    asking.note(Failure{*outcome.error});
    co_return false;
  }
  std::uint64_t added = 0;
  for (const SharedRRset& held : outcome.answer) {
    const bool is_its_own = held->owner() == below.question.name || !errand.settings.guards.plain_server_names;
    if (held->type() != below.question.type || !is_its_own) continue;
    for (const auto rdata : held->rdata()) {
      const auto address = dns::IpAddress::from_octets(rdata);
      if (address && added++ < errand.settings.limits[Limit::addresses_kept]) asking.add(*address);
    }
  }
  co_return true;
}

}  // namespace redoubt::resolver
