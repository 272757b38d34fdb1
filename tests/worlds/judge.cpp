#include "tests/worlds/judge.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <limits>

#include "tests/sim/zone_text.hpp"

namespace redoubt::worlds {

using resolver::Duration;
using resolver::Instant;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr seconds longest_question{5};  // what was begun under one state may end under the next
constexpr seconds rounding{1};
constexpr std::uint32_t stale_ttl = 30;   // RFC 8767 §4
constexpr std::uint64_t most_links = 10;  // the limit alias-steps
constexpr seconds memory_of_failure{45};  // failures and rechecks

/// RFC 2181 §8, and what the settings make of it.
std::uint32_t held_ttl(std::uint32_t ttl, const resolver::Settings& settings, bool denial) {
  if (ttl > 0x7fffffffU) ttl = 0;
  if (denial) return std::min({ttl, settings.negative_max_ttl.seconds(), settings.max_ttl.seconds()});
  return std::min(std::max(ttl, settings.min_ttl.seconds()), settings.max_ttl.seconds());
}

std::vector<std::vector<std::uint8_t>> sorted(std::vector<std::vector<std::uint8_t>> rdata) {
  std::ranges::sort(rdata);
  return rdata;
}

bool is_denial(Truth::Kind kind) { return kind == Truth::Kind::no_data || kind == Truth::Kind::no_name; }

std::string text_of(const dns::Name& name, dns::RrType type) {
  return fmt::format("{} {}", name.to_text(), dns::to_text(type));
}

}  // namespace

Judge::Judge(const Plan& plan) : plan_{&plan} {
  for (std::size_t state = 0; state < plan.states.size(); ++state) {
    forecasts_.emplace_back(plan, state);
    references_.emplace_back(plan.states[state]);
  }
}

bool Judge::is_tainted(const dns::Name& name) const {
  return std::ranges::any_of(forecasts_, [&](const Forecast& one) { return one.is_tainted(name); });
}

/// When the name could last be fetched as that state had it: until the state ended, or, where a cut above the name
/// moved, until the old delegation has run out.
Instant Judge::latest_fetch(std::size_t state, const dns::Name& name, Instant now) const {
  if (state == current()) return now;
  Instant latest = begun_[state + 1];
  for (std::size_t later = state; later < current(); ++later) {
    for (const MovedCut& cut : plan_->changes[later].moved) {
      if (!name.is_at_or_below(cut.apex)) continue;
      latest = std::max(latest, begun_[later + 1] + seconds{held_ttl(cut.ttl, plan_->settings, false)});
    }
  }
  return std::min(latest + longest_question, now);
}

bool Judge::may_be_held(std::size_t state, const dns::Name& name, std::uint32_t ttl, Duration left, Instant now,
                        bool denial, bool stale) const {
  const seconds lifetime{held_ttl(ttl, plan_->settings, denial)};
  if (stale) return latest_fetch(state, name, now) + lifetime + plan_->settings.stale + rounding >= now;
  return now + left <= latest_fetch(state, name, now) + lifetime + rounding;
}

/// What the states say that may still be held with the TTL that is shown.
std::vector<Truth> Judge::truths(const dns::Name& name, dns::RrType type, bool data, std::uint32_t ttl, Instant now,
                                 bool stale) const {
  std::vector<Truth> all;
  for (std::size_t state = 0; state <= current(); ++state) {
    Truth truth = references_[state].look_up(name, type);
    if (is_denial(truth.kind) == data) continue;
    const bool old = stale && ttl <= stale_ttl;
    if (may_be_held(state, name, truth.ttl, seconds{ttl}, now, is_denial(truth.kind), old))
      all.push_back(std::move(truth));
  }
  return all;
}

/// A CNAME that a DNAME made, cached without it.
bool Judge::is_synthesised(const Rrset& shown, Instant now, bool stale) const {
  for (const Truth& truth : truths(shown.owner, dns::type::cname, true, shown.ttl, now, stale)) {
    if (truth.kind != Truth::Kind::dname || shown.rdata.size() != 1) continue;
    const auto target = dns::Name::from_wire(shown.rdata.front());
    if (target && *target == truth.target) return true;
  }
  return false;
}

std::optional<std::string> Judge::walk(const dns::Question& question, const dns::Message& message, Instant now,
                                       bool stale) const {
  std::vector<Rrset> shown;
  for (const dns::Record& record : message.answer) {
    if (shown.empty() || !(shown.back().owner == record.owner) || shown.back().type != record.type)
      shown.push_back({record.owner, record.type, record.ttl.seconds(), {}});
    shown.back().rdata.push_back(record.rdata);
  }
  dns::Name name = question.name;
  std::optional<dns::Name> covered_by;  // the DNAME that was shown just before
  for (std::size_t i = 0; i < shown.size(); ++i) {
    const Rrset& set = shown[i];
    const bool last = i + 1 == shown.size();
    const bool tainted = is_tainted(name);
    if (set.type == dns::type::dname && name.is_strictly_below(set.owner)) {
      bool right = is_tainted(set.owner);
      for (const Truth& truth : truths(name, question.type, true, set.ttl, now, stale)) {
        const bool dname = truth.kind == Truth::Kind::dname || truth.kind == Truth::Kind::too_long;
        right = right || (dname && truth.owner == set.owner && truth.rdata == set.rdata);
      }
      if (!right) return fmt::format("{} is not what the world says", text_of(set.owner, set.type));
      covered_by = set.owner;
      continue;
    }
    if (!(set.owner == name)) return fmt::format("{} stands where {} belongs", set.owner.to_text(), name.to_text());
    const bool link = set.type == dns::type::cname && question.type != dns::type::cname;
    if (!link && set.type != question.type) return fmt::format("{} was not asked for", text_of(set.owner, set.type));
    if (!link && !last) return "there is more behind the data";
    bool right = tainted;
    for (const Truth& truth : truths(name, question.type, true, set.ttl, now, stale)) {
      if (truth.rdata.size() > plan_->settings.limits[resolver::Limit::records_per_rrset]) return std::nullopt;
      const bool alias = truth.kind == Truth::Kind::cname && link;
      right = right || ((truth.kind == Truth::Kind::data || alias) && sorted(truth.rdata) == sorted(set.rdata));
    }
    if (!right && set.type == dns::type::cname) right = is_synthesised(set, now, stale);
    if (!right)
      return fmt::format("{} with TTL {} is not what the world says: {}", text_of(name, set.type), set.ttl,
                         fmt::join(sim::texts_of(message.answer), ", "));
    covered_by.reset();
    if (!link)
      return message.rcode() == dns::Rcode::noerror ? std::nullopt : std::optional<std::string>{"data, but an error"};
    const auto target = dns::Name::from_wire(set.rdata.front());
    if (!target || set.rdata.size() != 1) return "a link that leads nowhere";
    name = *target;
  }
  if (is_tainted(name)) return std::nullopt;
  if (covered_by) {
    if (message.rcode() == dns::Rcode::yxdomain) return std::nullopt;
    return "a DNAME without the CNAME that it makes";
  }
  // A denial. TTL of what is not shown is taken as zero: then the age alone decides.
  const dns::Record* soa = message.authority.empty() ? nullptr : &message.authority.front();
  std::string said;
  for (const Truth& truth : truths(name, question.type, false, soa == nullptr ? 0 : soa->ttl.seconds(), now, stale)) {
    const bool no_name = truth.kind == Truth::Kind::no_name;
    said += no_name ? " NXDOMAIN" : " NODATA";
    if (message.rcode() != (no_name ? dns::Rcode::nxdomain : dns::Rcode::noerror)) continue;
    if (soa == nullptr) return fmt::format("denial of {} without SOA", name.to_text());
    if (std::ranges::any_of(plan_->states, [&](const State& state) {
          return truth.zone < state.zones.size() && soa->owner == state.zones[truth.zone].apex;
        }))
      return std::nullopt;
    said += " by another zone";
  }
  return fmt::format("denial ({}, SOA of {} with TTL {}) of {} is not what the world says:{}",
                     dns::to_text(message.rcode()), soa == nullptr ? "nobody" : soa->owner.to_text(),
                     soa == nullptr ? 0 : soa->ttl.seconds(), text_of(name, question.type),
                     said.empty() ? " it is there" : said);
}

/// Why the question must have had an answer; nothing when there is an excuse.
std::optional<std::string> Judge::why_no_failure(const dns::Question& question, Instant now) const {
  // While old delegations may be held, or states mix in one chain, nobody has to succeed.
  for (std::size_t state = 0; state < current(); ++state) {
    if (begun_[state + 1] + seconds{plan_->settings.max_ttl.seconds()} + memory_of_failure >= now) return std::nullopt;
  }
  Cost cost;
  dns::Name name = question.name;
  for (std::uint64_t links = 0;; ++links) {
    if (links > most_links) return std::nullopt;
    cost += forecasts_[current()].of_question(name, question.type);
    const Truth truth = references_[current()].look_up(name, question.type);
    if (truth.rdata.size() > plan_->settings.limits[resolver::Limit::records_per_rrset]) return std::nullopt;
    const bool alias = truth.kind == Truth::Kind::cname || truth.kind == Truth::Kind::dname;
    if (!alias || (question.type == dns::type::cname)) break;
    name = truth.target;
  }
  const bool cheap = cost.packets <= 50 && cost.nested <= 30 && cost.time <= milliseconds{4000};
  if (!cost.sure || !cheap) return std::nullopt;
  return fmt::format("it takes {} packets, {} ms and {} nested questions at most", cost.packets, cost.time.count(),
                     cost.nested);
}

Verdict Judge::of_answer(const dns::Question& question, const dns::Message& message, Instant now) const {
  Verdict verdict;
  const auto& errors = message.edns ? message.edns->extended_errors : std::vector<dns::ExtendedError>{};
  verdict.stale = std::ranges::any_of(errors, [](const dns::ExtendedError& error) {
    return error.code == dns::EdeCode::stale_answer || error.code == dns::EdeCode::stale_nxdomain;
  });
  verdict.tainted = is_tainted(question.name);
  if (message.rcode() == dns::Rcode::servfail) {
    verdict.failed = true;
    if (errors.empty()) {
      verdict.complaint = "SERVFAIL without an extended error";
    } else if (const auto why = why_no_failure(question, now)) {
      verdict.complaint = fmt::format("SERVFAIL ({}) without need: {}", errors.front().text, *why);
    }
    return verdict;
  }
  if (message.header.truncated) {
    verdict.complaint = "truncated, although there was room";
    return verdict;
  }
  verdict.complaint = walk(question, message, now, verdict.stale);
  if (!verdict.complaint && verdict.stale) {
    if (plan_->settings.stale == seconds::zero()) verdict.complaint = "stale data, although the settings forbid it";
  }
  return verdict;
}

std::optional<std::string> Judge::of_entry(const resolver::ShownEntry& entry, Instant now) const {
  if (entry.found.kind == resolver::EntryKind::failure || is_tainted(entry.name)) return std::nullopt;
  const auto left = std::chrono::ceil<seconds>(entry.found.expires - now).count();
  const auto ttl =
      static_cast<std::uint32_t>(std::clamp<std::int64_t>(left, 0, std::numeric_limits<std::int32_t>::max()));
  if (entry.found.kind == resolver::EntryKind::data) {
    Rrset set{entry.name, entry.type, ttl, {}};
    for (const auto rdata : entry.found.rrset->rdata()) set.rdata.emplace_back(rdata.begin(), rdata.end());
    for (const Truth& truth : truths(entry.name, entry.type, true, ttl, now, false)) {
      if (sorted(truth.rdata) == sorted(set.rdata)) return std::nullopt;
    }
    if (entry.type == dns::type::cname && is_synthesised(set, now, false)) return std::nullopt;
  } else {
    const bool no_name = entry.found.kind == resolver::EntryKind::no_name;
    for (const Truth& truth : truths(entry.name, no_name ? dns::type::a : entry.type, false, ttl, now, false)) {
      if ((truth.kind == Truth::Kind::no_name) == no_name) return std::nullopt;
    }
  }
  return fmt::format("the cache holds what nobody said who may: {} ({}) for {} s", text_of(entry.name, entry.type),
                     entry.found.kind == resolver::EntryKind::data ? "data" : "denial", ttl);
}

/// Some state's NS set, and addresses that its name servers have.
std::optional<std::string> Judge::of_delegation(const resolver::Delegation& cut, Instant now) const {
  if (is_tainted(cut.zone)) return std::nullopt;
  for (std::size_t state = 0; state <= current(); ++state) {
    for (const ZonePlan& zone : plan_->states[state].zones) {
      if (zone.withdrawn || !(zone.apex == cut.zone)) continue;
      if (latest_fetch(state, cut.zone, now) + seconds{plan_->settings.max_ttl.seconds()} < now) continue;
      const bool all = std::ranges::all_of(cut.servers, [&](const resolver::NameServer& server) {
        return std::ranges::any_of(zone.hosts, [&](std::size_t number) {
          const Host& host = plan_->hosts[number];
          return host.name == server.name && std::ranges::all_of(server.addresses, [&](const dns::IpAddress& address) {
                   return std::ranges::find(host.addresses, address) != host.addresses.end();
                 });
        });
      });
      if (all) return std::nullopt;
    }
  }
  return fmt::format("the delegation of {} is none that its parent made", cut.zone.to_text());
}

}  // namespace redoubt::worlds
