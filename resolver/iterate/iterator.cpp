#include "resolver/iterate/iterator.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>

#include "dns/rdata.hpp"
#include "resolver/iterate/query_message.hpp"

namespace redoubt::resolver {

namespace {

using dns::EdeCode;

/// RFC 9520 §3.2: failures are remembered, at least for a second, at most for five minutes.
constexpr std::chrono::seconds failure_lifetime{5};
/// Packets that one server gets for one question, all causes (attacks: resend loops, self-pointed glue).
constexpr unsigned tries_per_server = 3;
/// A server that does not serve what it was delegated.
constexpr std::chrono::seconds lame_rest{60};

Instant expiry(dns::Ttl ttl, Instant now) { return now + std::chrono::seconds{ttl.seconds()}; }

std::string_view describe(NetworkFault fault) {
  switch (fault) {
    case NetworkFault::timed_out:
      return "no answer in time";
    case NetworkFault::refused:
      return "port closed";
    case NetworkFault::unreachable:
      return "unreachable";
    case NetworkFault::closed_early:
      return "connection closed early";
    case NetworkFault::malformed:
      return "malformed answer";
    case NetworkFault::spoofed:
      return "answers that do not match the query";
    case NetworkFault::no_resources:
      return "no local port or descriptor left";
  }
  return "network fault";
}

}  // namespace

/// One question at one cut: who can be asked, who was, and what the last trouble was.
struct Iterator::Asking {
  const Settings& settings;
  Budget& budget;
  Delegation cut;
  dns::Question question;
  unsigned depth;
  std::vector<dns::IpAddress> candidates;
  std::map<dns::IpAddress, unsigned> tries;
  std::vector<dns::Name> to_look_up;  ///< server names without address, not tried yet
  std::uint64_t lookups = 0;
  std::string trouble;

  void add(const dns::IpAddress& address) {
    if (std::ranges::find(candidates, address) == candidates.end() && !tries.contains(address))
      candidates.push_back(address);
  }
};

Delegation Iterator::root(const Settings& settings) const {
  Delegation root;
  for (const RootServer& server : settings.root_servers) root.servers.push_back({server.name, server.addresses});
  root.expires = Instant::max();
  return root;
}

bool Iterator::may_ask(const dns::IpAddress& address, const Settings& settings) const {
  const dns::IpAddress meant = address.unmapped();
  if (meant.is_v6() ? !settings.ipv6 : !settings.ipv4) return false;
  return std::ranges::none_of(settings.do_not_query, [&](const dns::Prefix& prefix) {
    return prefix.contains(meant) || prefix.contains(address);
  });
}

SharedRRset Iterator::hold(dns::RRset rrset, const Settings& settings, Instant now) const {
  rrset.ttl = rrset.ttl.capped(settings.min_ttl, settings.max_ttl);
  const Instant expires = expiry(rrset.ttl, now);
  return std::make_shared<const HeldRRset>(HeldRRset{std::move(rrset), expires});
}

Iterator::Step Iterator::step_from_cache(dns::Name& name, dns::RrType type, Instant now, Outcome& outcome) {
  if (auto found = shared_->cache.find(name, type, now)) {
    switch (found->kind) {
      case EntryKind::data:
        outcome.rcode = dns::Rcode::noerror;
        outcome.answer.push_back(std::move(found->rrset));
        break;
      case EntryKind::no_data:
      case EntryKind::no_name:
        outcome.rcode = found->kind == EntryKind::no_data ? dns::Rcode::noerror : dns::Rcode::nxdomain;
        outcome.authority = std::move(found->rrset);
        break;
      case EntryKind::failure:
        outcome.rcode = dns::Rcode::servfail;
        outcome.error = std::move(found->error);
        break;
    }
    return Step::complete;
  }
  if (type == dns::type::cname) return Step::unknown;
  auto alias = shared_->cache.find(name, dns::type::cname, now);
  if (!alias || alias->kind != EntryKind::data) return Step::unknown;
  const auto target = dns::target_name(dns::type::cname, alias->rrset->rrset.rdata.at(0));
  if (!target) return Step::unknown;
  outcome.answer.push_back(std::move(alias->rrset));
  name = *target;
  return Step::alias;
}

SharedOutcome Iterator::known(const dns::Question& question, const Settings& settings, Instant now) {
  auto outcome = std::make_shared<Outcome>();
  dns::Name name = question.name;
  for (std::uint64_t step = 0; step <= settings.limits[Limit::alias_steps]; ++step) {
    switch (step_from_cache(name, question.type, now, *outcome)) {
      case Step::complete:
        return outcome;
      case Step::unknown:
        return nullptr;
      case Step::alias:
        break;
    }
  }
  return nullptr;
}

SharedOutcome Iterator::fail(const dns::Question& question, const Failure& why, const Budget& budget) {
  Failure told = why;
  if (const auto limit = budget.exhausted()) {
    told = {EdeCode::other,
            fmt::format("limit {} reached: {}", limit_rows()[static_cast<std::size_t>(*limit)].name, why.text)};
  }
  const Instant now = clock_->now();
  shared_->cache.store_failure(question.name, question.type, told, now + failure_lifetime, now);
  return failure(told.code, told.text);
}

Task<SharedOutcome> Iterator::follow(dns::Question question, const Settings& settings, Budget& budget, unsigned depth,
                                     std::shared_ptr<const Settings> keep) {
  static_cast<void>(keep);  // lives in this frame, so that settings outlives a reload
  auto outcome = std::make_shared<Outcome>();
  dns::Question current = question;
  for (;;) {
    const Step step = step_from_cache(current.name, current.type, clock_->now(), *outcome);
    if (step == Step::complete) co_return outcome;
    if (step == Step::unknown) {
      auto found = co_await walk(current, settings, budget, depth);
      if (!found) co_return fail(question, found.error(), budget);
      if (!budget.spend(Limit::alias_steps, found->chain.size()))
        co_return fail(question, {EdeCode::other, "the chain of aliases is too long"}, budget);
      current.name = found->end;
      if (take(std::move(*found), current, settings, *outcome)) co_return outcome;
    } else if (!budget.spend(Limit::alias_steps)) {
      co_return fail(question, {EdeCode::other, "the chain of aliases is too long"}, budget);
    }
  }
}

bool Iterator::take(Classified found, const dns::Question& question, const Settings& settings, Outcome& outcome) {
  const Instant now = clock_->now();
  const Rank rank = found.authoritative ? Rank::authoritative_answer : Rank::answer;
  for (dns::RRset& link : found.chain) {
    SharedRRset held = hold(std::move(link), settings, now);
    shared_->cache.store_data(held, rank, now);
    outcome.answer.push_back(std::move(held));
  }
  if (found.kind == ReplyKind::answer) {
    SharedRRset held = hold(std::move(*found.data), settings, now);
    shared_->cache.store_data(held, rank, now);
    outcome.answer.push_back(std::move(held));
    outcome.rcode = dns::Rcode::noerror;
    return true;
  }
  if (found.kind == ReplyKind::too_long) {
    outcome.rcode = dns::Rcode::yxdomain;
    return true;
  }
  if (found.kind != ReplyKind::no_data && found.kind != ReplyKind::no_name) return false;
  outcome.rcode = found.kind == ReplyKind::no_name ? dns::Rcode::nxdomain : dns::Rcode::noerror;
  if (!found.soa) return true;
  // RFC 2308 §5: as long as the SOA's TTL and its MINIMUM both allow, and our own ceiling.
  const auto soa = dns::parse_soa(found.soa->rdata.at(0));
  const dns::Ttl minimum = dns::Ttl::from_wire(soa ? soa->minimum : 0);
  found.soa->ttl = std::min({found.soa->ttl.capped(dns::Ttl{}, settings.negative_max_ttl),
                             minimum.capped(dns::Ttl{}, settings.negative_max_ttl)});
  const Instant expires = expiry(found.soa->ttl, now);
  outcome.authority = std::make_shared<const HeldRRset>(HeldRRset{std::move(*found.soa), expires});
  const std::optional<dns::RrType> type =
      found.kind == ReplyKind::no_data ? std::optional{question.type} : std::nullopt;
  shared_->cache.store_denial(question.name, type, outcome.authority, expires, now);
  return true;
}

SharedDelegation Iterator::learn_cut(const Classified& found, const Delegation& parent, const Settings& settings) {
  const Instant now = clock_->now();
  auto cut = std::make_shared<Delegation>();
  cut->zone = found.cut;
  cut->servers = found.servers;
  // Never longer than the cut above it holds: what the parent takes back is gone when its own time is up (attacks:
  // phoenix domains).
  cut->expires = std::min(expiry(found.cut_ttl.capped(settings.min_ttl, settings.max_ttl), now), parent.expires);
  shared_->cache.store_delegation(cut, now);
  return cut;
}

Task<Iterator::Result<Classified>> Iterator::walk(dns::Question question, const Settings& settings, Budget& budget,
                                                  unsigned depth) {
  // The parent answers for DS (RFC 4035 §3.1.4.1), so the walk must not begin at the child.
  const dns::Name start = question.type == dns::type::ds ? question.name.parent() : question.name;
  const SharedDelegation deepest = shared_->cache.deepest_delegation(start, clock_->now());
  Delegation cut = deepest ? *deepest : root(settings);
  for (;;) {
    auto found = co_await ask(cut, question, settings, budget, depth);
    if (!found || found->kind != ReplyKind::referral) co_return found;
    cut = *learn_cut(*found, cut, settings);  // strictly deeper each time, so at most as often as the name has labels
  }
}

Task<Iterator::Result<Classified>> Iterator::ask(Delegation cut, dns::Question question, const Settings& settings,
                                                 Budget& budget, unsigned depth) {
  Asking asking{settings, budget, std::move(cut), std::move(question), depth, {}, {}, {}, 0, {}};
  for (const NameServer& server : asking.cut.servers) {
    if (server.addresses.empty()) asking.to_look_up.push_back(server.name);
    for (const dns::IpAddress& address : server.addresses) {
      if (may_ask(address, settings)) asking.add(address);
    }
  }
  for (;;) {
    if (clock_->now() >= budget.deadline()) {
      budget.exhaust(Limit::question_time_ms);
      break;
    }
    if (asking.candidates.empty()) {
      if (!co_await look_up_server(asking)) break;
      continue;
    }
    const std::size_t chosen = shared_->servers.choose(asking.candidates, clock_->now(), *random_);
    const dns::IpAddress server = asking.candidates[chosen];
    auto found = co_await exchange(asking, server);
    if (found) co_return found;
    if (budget.exhausted()) break;
    if (asking.tries[server] >= tries_per_server) std::erase(asking.candidates, server);
  }
  if (asking.trouble.empty()) asking.trouble = "no server has an address that may be asked";
  co_return std::unexpected{Failure{EdeCode::no_reachable_authority,
                                    fmt::format("at delegation {}: {}", asking.cut.zone.to_text(), asking.trouble)}};
}

/// The next server name without address. A bounded number of them is looked up for one cut, and a chain of questions
/// inside questions is only so deep; the ledger is the same for all.
Task<bool> Iterator::look_up_server(Asking& asking) {
  while (!asking.to_look_up.empty()) {
    if (asking.lookups >= asking.settings.limits[Limit::nameserver_lookups]) {
      asking.trouble += asking.trouble.empty() ? "too many name servers without address" : "; others have no address";
      co_return false;
    }
    if (asking.depth >= asking.settings.limits[Limit::nested_depth]) {
      asking.budget.exhaust(Limit::nested_depth);
      co_return false;
    }
    const std::size_t pick = random_->below(static_cast<std::uint32_t>(asking.to_look_up.size()));
    const dns::Name name = asking.to_look_up[pick];
    asking.to_look_up.erase(asking.to_look_up.begin() + static_cast<std::ptrdiff_t>(pick));
    ++asking.lookups;
    for (const dns::RrType type : {dns::type::a, dns::type::aaaa}) {
      if (type == dns::type::a ? !asking.settings.ipv4 : !asking.settings.ipv6) continue;
      const SharedOutcome outcome =
          co_await follow({name, type}, asking.settings, asking.budget, asking.depth + 1, nullptr);
      // A server's name must not be an alias (RFC 2181 §10.3): the address stands at the name itself or does not count.
      for (const SharedRRset& held : outcome->answer) {
        if (held->rrset.type != type || !(held->rrset.owner == name)) continue;
        std::uint64_t kept = 0;
        for (const auto rdata : held->rrset.rdata) {
          const auto address = dns::IpAddress::from_octets(rdata);
          if (address && may_ask(*address, asking.settings) && kept++ < asking.settings.limits[Limit::addresses_kept])
            asking.add(*address);
        }
      }
      if (!asking.candidates.empty()) co_return true;
      if (asking.budget.exhausted()) co_return false;
    }
    asking.trouble = fmt::format("name server {} has no address that may be asked", name.to_text());
  }
  co_return false;
}

Task<std::expected<dns::Message, NetworkFault>> Iterator::send(Asking& asking, dns::IpAddress server,
                                                               UpstreamTransport transport, bool edns) {
  const unsigned earlier = asking.tries[server]++;
  const Servers::Knowledge knowledge = shared_->servers.know(server);
  const Duration patience =
      transport == UpstreamTransport::udp ? Servers::patience(knowledge, earlier) : Duration{std::chrono::seconds{2}};
  const OutgoingQuery query = make_query(asking.question, edns, asking.settings.case_randomisation, *random_);
  Exchange exchange{{server, asking.settings.authority_port},
                    transport,
                    query.wire,
                    std::min(clock_->now() + patience, asking.budget.deadline())};
  auto reply = co_await network_->exchange(std::move(exchange));
  if (!reply) co_return std::unexpected{reply.error()};
  shared_->servers.answered(server, reply->round_trip);
  if (!asking.budget.spend(Limit::upstream_octets, reply->message.size()))
    co_return std::unexpected{NetworkFault::malformed};
  auto message = read_reply(query, std::move(reply->message));
  if (!message) co_return std::unexpected{NetworkFault::malformed};
  co_return std::move(*message);
}

/// One server's say, by whatever it takes: over TCP when UDP is cut or spoofed, without EDNS when it does not know
/// that.
Task<Iterator::Result<Classified>> Iterator::exchange(Asking& asking, dns::IpAddress server) {
  UpstreamTransport transport = UpstreamTransport::udp;
  bool edns = true;
  const auto give_up = [&](std::string_view why) {
    asking.trouble = fmt::format("{}: {}", server.to_text(), why);
    return std::unexpected{Failure{EdeCode::network_error, asking.trouble}};
  };
  while (asking.tries[server] < tries_per_server) {
    if (!asking.budget.spend(Limit::upstream_queries)) co_return give_up("not asked any more");
    auto reply = co_await send(asking, server, transport, edns);
    if (!reply) {
      const bool to_tcp = transport == UpstreamTransport::udp &&
                          (reply.error() == NetworkFault::spoofed || reply.error() == NetworkFault::malformed);
      if (to_tcp) {
        transport = UpstreamTransport::tcp;
        continue;
      }
      if (reply.error() != NetworkFault::no_resources) shared_->servers.failed(server, clock_->now());
      co_return give_up(describe(reply.error()));
    }
    const dns::Rcode rcode = reply->rcode();
    if (reply->header.truncated) {
      if (transport == UpstreamTransport::tcp) co_return give_up("truncated even over TCP");
      transport = UpstreamTransport::tcp;
      continue;
    }
    if (edns && (rcode == dns::Rcode::formerr || rcode == dns::Rcode::notimp)) {
      edns = false;  // for this exchange alone: a forged FORMERR must not outlive it (attacks: EDNS stripping)
      continue;
    }
    if (rcode != dns::Rcode::noerror && rcode != dns::Rcode::nxdomain) {
      asking.tries[server] = tries_per_server;
      co_return give_up(dns::to_text(rcode));
    }
    Classified found = classify(*reply, asking.question, asking.cut.zone, asking.settings.limits, shared_->cache.key());
    if (found.kind == ReplyKind::too_large) {
      asking.budget.exhaust(Limit::records_per_rrset);
      co_return give_up("an RRset with too many records");
    }
    if (found.kind != ReplyKind::lame) co_return found;
    shared_->servers.put_aside(server, clock_->now() + lame_rest);
    asking.tries[server] = tries_per_server;
    co_return give_up(fmt::format("lame for {}", asking.cut.zone.to_text()));
  }
  co_return give_up("asked often enough");
}

}  // namespace redoubt::resolver
