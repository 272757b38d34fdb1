#include "resolver/iterate/iterator.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "dns/rdata.hpp"
#include "policy/special/designated.hpp"
#include "policy/special/special_names.hpp"
#include "resolver/iterate/evidence.hpp"

namespace redoubt::resolver {

namespace {

/// RFC 9520 §3.2: failures are remembered for at least a second and at most five minutes.
constexpr std::chrono::seconds failure_lifetime{5};
/// Bogus data costs more to look at again, and is rarely mended at once (attacks: bogus kept too long).
constexpr std::chrono::seconds bogus_lifetime{30};

Instant expiry(dns::Ttl ttl, Instant now) { return now + std::chrono::seconds{ttl.seconds()}; }

SharedRRset hold(dns::RRset& rrset, const Settings& settings, Instant now) {
  rrset.ttl = settings.ttl_bounds_of(rrset.owner).hold(rrset.ttl);
  return HeldRRset::make(rrset, expiry(rrset.ttl, now));
}

/// A CNAME that a DNAME made, which ends with it.
SharedRRset hold_made(dns::RRset& cname, const HeldRRset& dname) {
  cname.ttl = dname.ttl();
  return HeldRRset::make(cname, dname.expires());
}

/// A zone that is to be resolved takes itself and all below it out of the special zone that it lies in.
bool is_excepted(const dns::Name& name, const policy::SpecialZone& special, const Settings& settings) {
  return std::ranges::any_of(settings.not_special, [&](const dns::Name& zone) {
    return name.is_at_or_below(zone) && zone.is_at_or_below(dns::Name::literal(special.name));
  });
}

void add_found(Outcome& outcome, Found& found) {
  if (!found.made_by) return outcome.add(std::move(found.rrset), found.standing);
  outcome.add(std::move(found.made_by), found.standing);
  outcome.add(std::move(found.rrset), {.security = found.standing.security});
}

SharedRRset shortened(const HeldRRset& held, Instant end) {
  dns::RRset set{held.owner(), held.type(), dns::rr_class::in, held.ttl(), {}};
  for (const auto rdata : held.rdata()) set.rdata.add(rdata);
  return HeldRRset::make(set, end);
}

/// Whether the chain has come back to where it has been.
bool is_alias_in(const Outcome& outcome, const dns::Name& name) {
  return std::ranges::any_of(outcome.answer, [&](const SharedRRset& held) {
    return held->type() == dns::type::cname && held->owner() == name;
  });
}

/// Failures that the zone's operator can mend, told by servers of his that answer at all, if to no purpose.
bool is_the_zones(dns::EdeCode code) {
  return code == dns::EdeCode::no_reachable_authority || code == dns::EdeCode::network_error ||
         code == dns::EdeCode::invalid_data;
}

/// What a referral said of its DS: enough for us, but without the SOA that whoever asks for it needs (RFC 2308 §2.2).
bool is_bare_denial(const Outcome& outcome, dns::RrType type) {
  return type == dns::type::ds && !outcome.failed() && outcome.answer.empty() && !outcome.authority;
}

}  // namespace

Iterator::Step Iterator::step_from_cache(dns::Name& name, dns::RrType type, Instant now, Outcome& outcome,
                                         Wanted wanted, std::optional<dns::Question>* renewal) {
  const Asker asker = renewal == nullptr ? Asker::ourselves : Asker::client;
  const auto is_wanted = [&](const Found& found) {
    if (found.kind == EntryKind::failure) return wanted == Wanted::checked || !is_of_checking(found);
    return wanted == Wanted::anything || is_checked(found.standing.security);
  };
  auto found = shared_->cache.find_or_alias(name, type, now, asker);
  if (!found || !is_wanted(*found)) return Step::unknown;
  const dns::RrType found_type =
      found->kind == EntryKind::data && found->rrset->type() != type ? dns::type::cname : type;
  if (found->renewal_due) renewal->emplace(dns::Question{name, found_type});
  if (found_type != type) {
    const auto target = dns::target_name(dns::type::cname, found->rrset->rdata().front());
    if (!target) return Step::unknown;
    add_found(outcome, *found);
    name = *target;
    return Step::alias;
  }
  switch (found->kind) {
    case EntryKind::data:
      outcome.rcode = dns::Rcode::noerror;
      add_found(outcome, *found);
      break;
    case EntryKind::no_data:
    case EntryKind::no_name:
      outcome.rcode = found->kind == EntryKind::no_data ? dns::Rcode::noerror : dns::Rcode::nxdomain;
      outcome.deny(std::move(found->rrset), found->standing);
      break;
    case EntryKind::failure:
      outcome.rcode = dns::Rcode::servfail;
      outcome.clear();
      outcome.security = found->standing.security;
      outcome.error = *found->error;
      outcome.remembered_failure = true;
      break;
  }
  return Step::complete;
}

/// RFC 8198. Not where the site has a zone of its own, or somebody else begins the chain of trust.
Iterator::Step Iterator::step_from_proofs(dns::Name& name, dns::RrType type, const Settings& settings, Instant now,
                                          Outcome& outcome) {
  const ValidationSettings& validation = settings.validation;
  if (!validation.enabled || !validation.aggressive || type == dns::type::ds || dns::is_meta(type))
    return Step::unknown;
  if (auto made = shared_->proofs.expand({name, type}, now);
      made && validator_.holds_below(made->zone, name, settings)) {
    std::optional<dns::Name> target;
    const bool is_alias = made->data->type() == dns::type::cname && type != dns::type::cname;
    if (is_alias) target = dns::target_name(dns::type::cname, made->data->rdata().front());
    if (is_alias && !target) return Step::unknown;
    outcome.rcode = dns::Rcode::noerror;
    outcome.add(std::move(made->data), {Security::secure, std::move(made->evidence)});
    if (target) name = *target;
    return is_alias ? Step::alias : Step::complete;
  }
  auto denial = shared_->proofs.deny({name, type}, now);
  if (!denial || !validator_.holds_below(denial->soa->owner(), name, settings)) return Step::unknown;
  outcome.rcode = denial->no_name ? dns::Rcode::nxdomain : dns::Rcode::noerror;
  SharedRRset soa = denial->soa;
  if (denial->expires < soa->expires()) soa = shortened(*soa, denial->expires);
  outcome.deny(std::move(soa), {Security::secure, std::move(denial->evidence)});
  return Step::complete;
}

Iterator::Step Iterator::step_here(dns::Name& name, dns::RrType type, const Settings& settings, Instant now,
                                   Outcome& outcome, Wanted wanted, std::optional<dns::Question>* renewal) {
  const Step step = step_from_cache(name, type, now, outcome, wanted, renewal);
  return step != Step::unknown ? step : step_beside_cache(name, type, settings, now, outcome);
}

Iterator::Step Iterator::step_beside_cache(dns::Name& name, dns::RrType type, const Settings& settings, Instant now,
                                           Outcome& outcome) {
  const policy::SpecialZone* zone = policy::find_special(name);
  if (zone == nullptr || is_excepted(name, *zone, settings))
    return step_from_proofs(name, type, settings, now, outcome);
  const auto designated = policy::answer_designated({name, type}, settings.designated);
  const policy::LocalAnswer local = designated ? *designated : policy::answer_locally(*zone, {name, type});
  const Standing own{.security = Security::insecure};
  outcome.rcode = local.rcode;
  if (local.data) outcome.add(HeldRRset::make(*local.data, expiry(local.data->ttl, now)), own);
  if (local.soa) outcome.deny(HeldRRset::make(*local.soa, expiry(local.soa->ttl, now)), own);
  return Step::complete;
}

SharedOutcome Iterator::known(const dns::Question& question, const Settings& settings, Instant now,
                              std::optional<dns::Question>* renewal, bool checks) {
  Outcome outcome;  // shared only when there is one: mostly there is none
  dns::Name name = question.name;
  for (std::uint64_t step = 0; step <= settings.limits[Limit::alias_steps]; ++step) {
    switch (step_here(name, question.type, settings, now, outcome, wanted(settings, checks), renewal)) {
      case Step::complete:
        return is_bare_denial(outcome, question.type) ? nullptr : std::make_shared<Outcome>(std::move(outcome));
      case Step::unknown:
        return nullptr;
      case Step::alias:
        break;
    }
  }
  return nullptr;
}

SharedOutcome Iterator::fail(const Errand& errand, Failure why) {
  if (const auto limit = errand.budget.exhausted()) {
    // Time runs out at servers: what was wrong with them stays the code. Other limits are ours.
    const bool is_told = *limit == Limit::question_time_ms || why.is_bogus;
    const dns::EdeCode code = is_told ? why.told.code : dns::EdeCode::other;
    why.told = {code, fmt::format("limit {} reached: {}", name_of(*limit), why.told.text)};
    why.scope = std::max(why.scope, FailureScope::asker);
  }
  const bool is_the_clients = errand.above == nullptr;
  const bool holds = why.scope == FailureScope::question || (why.scope == FailureScope::asker && is_the_clients);
  if (holds && errand.settings.guards.failure_memory) {
    const bool is_settled = why.is_bogus && why.scope == FailureScope::question;
    const bool is_verdict = why.is_bogus && shared_->is_of_today(errand.budget);
    // What is kept as insecure or bogus is met only by who wants checked data.
    const Security kept = is_verdict         ? Security::bogus
                          : why.is_unchecked ? Security::insecure
                                             : Security::indeterminate;
    const std::chrono::seconds lifetime = !errand.settings.guards.short_failures ? std::chrono::hours{1}
                                          : is_settled                           ? bogus_lifetime
                                                                                 : failure_lifetime;
    const Instant now = clock_->now();
    if (is_verdict || !why.is_bogus)
      shared_->cache.store_failure(errand.question.name, errand.question.type, why.told, now + lifetime, now, kept);
  }
  auto outcome = std::make_shared<Outcome>();
  outcome->limit = errand.budget.exhausted() ? errand.budget.exhausted() : why.limit;
  outcome->house_trouble = why.scope == FailureScope::house;
  if (why.is_bogus) outcome->security = Security::bogus;
  outcome->error = std::move(why.told);
  return outcome;
}

void Iterator::report(const Errand& errand, const dns::Name& name, const Failure& why) {
  if (!errand.settings.validation.report || errand.budget.is_report()) return;
  if (!why.is_bogus &&
      (why.scope != FailureScope::question || errand.budget.exhausted() || !is_the_zones(why.told.code)))
    return;
  const Instant now = clock_->now();
  const SharedDelegation cut = shared_->cache.deepest_delegation(name, now);
  if (cut) shared_->reports.note({name, errand.question.type}, why.told.code, cut->zone, now);
}

Task<SharedOutcome> Iterator::resolve(dns::Question question, const Settings& settings, Budget& budget, Manner manner) {
  Errand errand{settings, budget, std::move(question), nullptr, 0, manner.renews};
  errand.checks = manner.checks && settings.validation.enabled;
  errand.is_new = manner.is_new;
  budget.begin_trust(shared_->trust_epoch.load(std::memory_order_acquire));
  auto outcome = std::allocate_shared<Outcome>(FrameAllocator<Outcome>{});
  dns::Name name = errand.question.name;
  for (;;) {
    const auto complete = co_await advance(errand, name, *outcome);
    if (!complete) {
      report(errand, name, complete.error());
      SharedOutcome failed = fail(errand, complete.error());
      tell(errand, TraceKind::end, errand.question, [&] { return failed->error->text; });
      co_return failed;
    }
    if (*complete) {
      tell(errand, TraceKind::end, errand.question, [&] { return std::string{dns::to_text(outcome->rcode)}; });
      co_return outcome;
    }
    errand.is_new = false;
    if (settings.guards.ring_check && is_alias_in(*outcome, name))
      co_return fail(errand, {{dns::EdeCode::other, fmt::format("the aliases come back to {}", name.to_text())}});
  }
}

/// From `name` to where its alias leads, or to the end: true when the outcome is complete.
Task<Iterator::Result<bool>> Iterator::advance(const Errand& errand, dns::Name& name, Outcome& outcome) {
  constexpr std::string_view too_many = "the chain of aliases is longer";
  const dns::RrType type = errand.question.type;
  const bool renews = errand.renews && outcome.answer.empty();
  const Wanted want = wanted(errand.settings, errand.checks);
  Step step = Step::unknown;
  if (!renews) {
    const Instant now = clock_->now();
    step = errand.is_new ? step_beside_cache(name, type, errand.settings, now, outcome)
                         : step_here(name, type, errand.settings, now, outcome, want);
  }
  if (step == Step::complete && errand.depth == 0 && is_bare_denial(outcome, type)) {
    outcome = {};
    step = Step::unknown;
  }
  switch (step) {
    case Step::complete:
      tell(errand, TraceKind::cache, {name, type}, [&] {
        if (!outcome.remembered_failure) return std::string{"known"};
        return fmt::format("a failure that is remembered: {}", outcome.error ? outcome.error->text : std::string{});
      });
      co_return true;
    case Step::alias:
      tell(errand, TraceKind::cache, errand.question,
           [&] { return fmt::format("known to lead to {}", name.to_text()); });
      if (!errand.budget.spend(Limit::alias_steps))
        co_return std::unexpected{Failure{{dns::EdeCode::other, std::string{too_many}}}};
      co_return false;
    case Step::unknown:
      break;
  }
  // The errand of the name that the aliases have led to; for the client's own name it is the client's errand.
  Errand here{errand.settings, errand.budget, {name, type}, &errand, errand.depth};
  here.checks = errand.checks;
  auto found = co_await walk_as_wanted(here.question == errand.question ? errand : here);
  if (!found) co_return std::unexpected{found.error()};
  const auto links = std::ranges::count(found->chain, dns::type::cname, &dns::RRset::type);
  if (!errand.budget.spend(Limit::alias_steps, static_cast<std::uint64_t>(links))) {
    co_return std::unexpected{Failure{{dns::EdeCode::other, std::string{too_many}}}};
  }
  name = found->end;
  co_return take(std::move(*found), {name, type}, errand, outcome);
}

/// Puts what a reply told into the cache and into the outcome. question: what the chain's end was asked for. True when
/// the outcome is complete.
bool Iterator::take(Classified&& found, const dns::Question& question, const Errand& errand, Outcome& outcome) {
  const Settings& settings = errand.settings;
  const Instant now = clock_->now();
  const Rank rank = found.authoritative ? Rank::authoritative_answer : Rank::answer;
  SharedRRset dname = std::move(found.dname);  // makes what is kept next
  Standing made = std::move(found.dname_standing);
  if (dname) outcome.add(dname, made);
  const auto keep = [&](dns::RRset& rrset, Security security) {
    const bool is_made = dname != nullptr;
    SharedRRset held = is_made ? hold_made(rrset, *dname) : hold(rrset, settings, now);
    Standing standing{security, is_made ? std::move(made.evidence) : evidence_of(found, *held)};
    shared_->cache.store_data(held, rank, now, std::move(dname), kept_as(errand, standing));
    if (is_made) standing.evidence = nullptr;  // stands with the DNAME already
    dname = held->type() == dns::type::dname ? held : nullptr;
    outcome.add(std::move(held), standing);
    made = std::move(standing);
  };
  const auto learn_wildcard = [&](const std::optional<Classified::Expanded>& expanded) {
    if (!settings.validation.aggressive || !expanded || outcome.answer.empty() || !shared_->is_of_today(errand.budget))
      return;
    if (const auto wildcard = proven_wildcard_of(found, *expanded, outcome.answer.back(), now))
      shared_->proofs.learn(*wildcard, now);
  };
  for (std::size_t i = 0; i < found.chain.size(); ++i) {
    keep(found.chain[i], i < found.chain_standing.size() ? found.chain_standing[i].security : Security::indeterminate);
    if (i < found.chain_expanded.size()) learn_wildcard(found.chain_expanded[i]);
  }
  if (found.note && !outcome.error) outcome.error = found.note;
  switch (found.kind) {
    case ReplyKind::answer:
      keep(*found.data, found.end_standing.security);
      learn_wildcard(found.expanded);
      outcome.rcode = dns::Rcode::noerror;
      return true;
    case ReplyKind::too_long:
      outcome.rcode = dns::Rcode::yxdomain;
      return true;
    case ReplyKind::no_data:
    case ReplyKind::no_name:
      take_denial(found, question, errand, outcome);
      return true;
    case ReplyKind::alias:
    case ReplyKind::referral:
    case ReplyKind::lame:
    case ReplyKind::too_large:
      break;
  }
  return false;
}

Standing Iterator::kept_as(const Errand& errand, Standing standing) const {
  if (!shared_->is_of_today(errand.budget)) standing.security = Security::indeterminate;
  return standing;
}

void Iterator::take_denial(Classified& found, const dns::Question& question, const Errand& errand, Outcome& outcome) {
  const Settings& settings = errand.settings;
  outcome.rcode = found.kind == ReplyKind::no_name ? dns::Rcode::nxdomain : dns::Rcode::noerror;
  const std::optional<dns::RrType> type =
      found.kind == ReplyKind::no_data ? std::optional{question.type} : std::nullopt;
  const Rank rank = found.authoritative ? Rank::authoritative_answer : Rank::answer;
  const Instant now = clock_->now();
  if (!found.soa) {  // not to be kept (RFC 2308 §5), but what it denies is no longer given out either
    const Standing standing{found.end_standing.security, denial_evidence_of(found, now)};
    outcome.deny(nullptr, standing);
    return shared_->cache.store_denial(question.name, type, nullptr, rank, now, now, kept_as(errand, standing));
  }
  // RFC 2308 §5: as long as the SOA's TTL and its MINIMUM both allow, and our own ceiling.
  const auto soa = dns::parse_soa(found.soa->rdata.at(0));
  const dns::Ttl minimum = dns::Ttl::from_wire(soa ? soa->minimum : 0);
  const dns::Ttl most = std::min(settings.negative_max_ttl, settings.ttl_bounds_of(question.name).most);
  found.soa->ttl = std::min(found.soa->ttl.capped({}, most), minimum.capped({}, most));
  const Instant expires = expiry(found.soa->ttl, now);
  if (settings.validation.aggressive && kept_as(errand, found.end_standing).security == Security::secure)
    shared_->proofs.learn(proven_denial_of(found, now), now);
  const Standing standing{found.end_standing.security, denial_evidence_of(found, expires)};
  SharedRRset held = HeldRRset::make(*found.soa, expires);
  outcome.deny(held, standing);
  shared_->cache.store_denial(question.name, type, std::move(held), rank, expires, now, kept_as(errand, standing));
}

}  // namespace redoubt::resolver
