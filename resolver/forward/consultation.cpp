#include "resolver/forward/consultation.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "resolver/forward/reading.hpp"
#include "resolver/forward/upstreams.hpp"
#include "resolver/iterate/asking.hpp"
#include "resolver/iterate/verdict.hpp"
#include "resolver/trace.hpp"
#include "resolver/upstream/entropy.hpp"

namespace redoubt::resolver {

namespace {

using std::chrono::milliseconds;

/// Upstreams this much slower than the fastest, or a quarter, share its queries.
constexpr milliseconds band{2};
/// One question in so many begins with any other upstream, so that who got faster is found.
constexpr std::uint32_t exploration = 50;
/// A lone upstream is asked again only after this: there is nobody whom a second packet would bring.
constexpr milliseconds least_repetition{250};
/// A stream's handshakes and segments, for a budget that counts packets.
constexpr std::uint32_t packets_of_a_stream = 5;
/// How long a resolver may take for a question that costs it much; and where iteration is to come after it.
constexpr std::chrono::seconds longest_exchange{4};
constexpr std::chrono::seconds longest_exchange_before_others{1};
/// A query that could leave only so shortly before its question's end would not be answered in time.
constexpr milliseconds least_time_left{200};

/// By key; those of equal keys stay as they stand. For the few that there are. (GCC 12's stable_sort() is deprecated to
/// clang.)
template <class Item, class Key>
void put_in_order(std::vector<Item>& items, Key key) {
  for (auto at = items.begin(); at != items.end(); ++at) {
    const auto place = std::upper_bound(items.begin(), at, key(*at),
                                        [&](const auto& value, const Item& item) { return value < key(item); });
    std::rotate(place, at, std::next(at));
  }
}

std::string_view describe(RouteKind kind) { return kind == RouteKind::forward ? "forward zone" : "stub zone"; }

std::string why_aside(const UpstreamFigures& figures, Instant now) {
  const auto* fault = std::get_if<NetworkFault>(&figures.trouble);
  const auto* rcode = std::get_if<dns::Rcode>(&figures.trouble);
  const std::string why = fault != nullptr   ? std::string{describe(*fault)}
                          : rcode != nullptr ? dns::to_text(*rcode)
                                             : "others answered first";
  const auto left = std::chrono::ceil<std::chrono::seconds>(std::max(figures.aside_until - now, Duration::zero()));
  return fmt::format("{}: put aside for {} s more: {}", figures.at.to_text(), left.count(), why);
}

bool came_by_dname(const Classified& found) {
  return std::ranges::find(found.chain, dns::type::dname, &dns::RRset::type) != found.chain.end();
}

/// RD asks the upstream to resolve (RFC 1035 §4.1.1).
OutgoingQuery query_for(const Errand& errand, const Route& route, bool edns, Random& random) {
  const bool encrypted = route.transport == UpstreamTransport::tls || route.transport == UpstreamTransport::https;
  OutgoingQuery query = make_query(errand.question,
                                   {.edns = edns,
                                    .padded = edns && encrypted,
                                    .dnssec = edns && errand.settings.validation.enabled,
                                    .random_case = errand.settings.case_randomisation,
                                    .cookie = std::nullopt},
                                   random);
  if (route.kind == RouteKind::forward) {
    query.wire[2] |= 0x01;
    // We check for ourselves; the upstream is to give what there is (RFC 6840 §5.9).
    if (errand.settings.validation.enabled) query.wire[3] |= 0x10;
  }
  return query;
}

/// The question as it is on the wire, case included.
dns::Question sent_question(const Errand& errand, const OutgoingQuery& query) {
  const auto name = std::span{query.wire}.subspan(dns::header_octets, errand.question.name.wire().size());
  return {dns::Name::from_wire(name).value_or(errand.question.name), errand.question.type};
}

}  // namespace

Consultation::Consultation(const Errand& errand, const Route& route, Shared& shared, Clock& clock, Random& random,
                           std::shared_ptr<Contest> contest)
    : errand_{&errand},
      route_{&route},
      shared_{&shared},
      clock_{&clock},
      random_{&random},
      contest_{std::move(contest)} {
  line_up();
  tell_aside();
}

/// In the configured order or by speed; one whose rest is over goes first, so that it is found out, and those aside go
/// last.
void Consultation::line_up() {
  const Instant now = clock_->now();
  for (const dns::Endpoint& server : route_->to) {
    Candidate candidate{.upstream = shared_->upstreams.at(server), .standing = {}};
    candidate.standing = candidate.upstream->standing(now);
    candidate.given_up = errand_->not_from == server.address && route_->to.size() > 1;
    candidates_.push_back(std::move(candidate));
  }
  if (route_->order == UpstreamOrder::fastest) put_fastest_first();
  const auto place = [](const Candidate& candidate) {
    return candidate.standing.health == Upstream::Health::probe  ? 0
           : candidate.standing.health == Upstream::Health::well ? 1
                                                                 : 2;
  };
  put_in_order(candidates_, place);
}

void Consultation::put_fastest_first() {
  if (candidates_.size() < 2) return;
  Duration fastest = Duration::max();
  for (std::size_t left = candidates_.size(); left > 1; --left)
    std::swap(candidates_[left - 1], candidates_[random_->below(static_cast<std::uint32_t>(left))]);
  for (const Candidate& candidate : candidates_) {
    if (candidate.standing.round_trip != Duration::zero() && candidate.standing.health == Upstream::Health::well)
      fastest = std::min(fastest, candidate.standing.round_trip);
  }
  if (fastest == Duration::max() || random_->below(exploration) == 0) return;
  // Those that nobody knows yet count as fast. Within the band chance has decided.
  const Duration limit = fastest + std::max<Duration>(band, fastest / 4);
  put_in_order(candidates_, [&](const Candidate& candidate) {
    return candidate.standing.round_trip <= limit ? Duration::zero() : candidate.standing.round_trip;
  });
}

void Consultation::tell_aside() const {
  Trace* const trace = errand_->budget.trace();
  if (trace == nullptr) return;
  const Instant now = clock_->now();
  std::size_t told = 0;
  for (const Candidate& candidate : candidates_) {
    const auto& [upstream, standing, asked, given_up] = candidate;
    if (standing.health != Upstream::Health::aside || told++ >= most_aside_told) continue;
    trace->note({.kind = TraceKind::aside,
                 .at = now,
                 .depth = errand_->depth,
                 .question = errand_->question,
                 .zone = route_->zone,
                 .server_name = {},
                 .server = upstream->at().address,
                 .verdict = why_aside(upstream->figures(now), now)});
  }
  if (told <= most_aside_told) return;
  trace->note({.kind = TraceKind::aside,
               .at = now,
               .depth = errand_->depth,
               .question = errand_->question,
               .zone = route_->zone,
               .server_name = {},
               .server = std::nullopt,
               .verdict = fmt::format("and {} more upstreams of {}", told - most_aside_told, route_->zone.to_text())});
}

/// Those that may be asked and were asked least often.
std::vector<std::size_t> Consultation::next_in_line() const {
  unsigned fewest = tries_per_server;
  for (const Candidate& candidate : candidates_) {
    if (!candidate.given_up) fewest = std::min(fewest, candidate.asked);
  }
  std::vector<std::size_t> next;
  if (fewest == tries_per_server || contest_->attempts().size() >= max_attempts) return next;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (!candidates_[i].given_up && candidates_[i].asked == fewest) next.push_back(i);
  }
  return next;
}

/// How long this one has before another is asked as well. Nobody is waited for longer than the fastest of those that
/// are well would take; each round is more patient than the one before.
Duration Consultation::time_alone(std::size_t candidate) const {
  Duration patience = candidates_[candidate].standing.patience;
  std::size_t others = 0;
  for (std::size_t i = 0; i < candidates_.size(); ++i) {
    if (i == candidate || candidates_[i].given_up) continue;
    ++others;
    if (candidates_[i].standing.health == Upstream::Health::well &&
        candidates_[i].standing.round_trip != Duration::zero())
      patience = std::min(patience, candidates_[i].standing.patience);
  }
  if (others == 0) patience = std::max<Duration>(patience, least_repetition);
  return patience * (1U << (candidates_[candidate].asked - 1));
}

/// False when nobody could be asked.
bool Consultation::ask_next(Urgency urgency) {
  std::vector<std::size_t> next = next_in_line();
  const Instant now = clock_->now();
  for (const std::size_t candidate : next) {
    if (reserve_and_ask(candidate, transport_to(candidate), true, now)) return true;
    if (errand_->budget.exhausted()) return false;
  }
  if (next.empty() || urgency == Urgency::now_or_never) return false;
  // All have spent what they may get now: in line at the shortest queue.
  put_in_order(next, [&](std::size_t candidate) { return candidates_[candidate].upstream->figures(now).waiting; });
  for (const std::size_t candidate : next) {
    if (reserve_and_ask(candidate, transport_to(candidate), true, errand_->budget.deadline() - least_time_left))
      return true;
    candidates_[candidate].upstream->refused();
  }
  trouble_ = fmt::format("limit max-rate of {} packets a second reached, {} wait already", route_->max_rate,
                         candidates_[next.front()].upstream->figures(now).waiting);
  scope_ = FailureScope::house;
  limit_ = Limit::upstream_queue;
  return false;
}

/// The route's own, but for what would be guessed too easily in a datagram.
UpstreamTransport Consultation::transport_to(std::size_t candidate) const {
  const unsigned bits =
      unknown_bits(errand_->question.name, candidates_[candidate].upstream->at().address, errand_->settings, false);
  const bool by_tcp = route_->transport == UpstreamTransport::udp && is_below_floor(bits, errand_->settings);
  return by_tcp ? UpstreamTransport::tcp : route_->transport;
}

bool Consultation::reserve_and_ask(std::size_t candidate, UpstreamTransport transport, bool edns, Instant latest) {
  const std::uint32_t packets = transport == UpstreamTransport::udp ? 1 : packets_of_a_stream;
  const auto departs = candidates_[candidate].upstream->reserve(route_->max_rate, packets, clock_->now(), latest,
                                                                errand_->settings.limits[Limit::upstream_queue]);
  if (!departs || !errand_->budget.spend(Limit::upstream_queries)) return false;
  ask(candidate, transport, edns, *departs);
  return true;
}

void Consultation::ask(std::size_t candidate, UpstreamTransport transport, bool edns, Instant departs) {
  Candidate& asked = candidates_[candidate];
  ++asked.asked;
  OutgoingQuery query = query_for(*errand_, *route_, edns, *random_);
  Abroad::Ticket ticket{shared_->abroad, sent_question(*errand_, query), asked.upstream->at().address};
  candidate_of_.push_back(candidate);
  const Duration alone = time_alone(candidate);
  const Duration longest = route_->first ? longest_exchange_before_others : longest_exchange;
  next_due_ = std::max(departs, clock_->now()) + alone;
  contest_->start({.upstream = asked.upstream,
                   .transport = transport,
                   .edns = edns,
                   .measured = transport == route_->transport,
                   .departs = departs,
                   .patience = alone},
                  std::move(query), std::move(ticket), std::min(errand_->budget.deadline(), departs + longest));
}

Task<Finding> Consultation::run() {
  const Instant deadline = errand_->budget.deadline();
  if (candidates_.empty()) trouble_ = "no upstream is known now";
  next_due_ = clock_->now();
  for (;;) {
    const Instant now = clock_->now();
    const bool idle = contest_->under_way() == 0;
    if (now >= deadline) errand_->budget.exhaust(Limit::question_time_ms);
    if (now >= deadline || (idle && errand_->budget.exhausted())) break;
    if (idle || now >= next_due_) {
      // The last packet of the ledger is never spent on a race.
      const bool may_race =
          errand_->budget.spent(Limit::upstream_queries) + 1 < errand_->settings.limits[Limit::upstream_queries];
      const bool asked = (idle || may_race) && ask_next(idle ? Urgency::in_turn : Urgency::now_or_never);
      if (!asked && idle) break;
      if (!asked) next_due_ = deadline;  // nothing left but to wait
    }
    auto arrival = co_await contest_->next(std::min(next_due_, deadline));
    if (!arrival) continue;
    if (auto result = hear(std::move(*arrival))) co_return std::move(*result);
  }
  co_return std::unexpected{failure()};
}

void Consultation::give_up(std::size_t candidate, std::string_view why, Trouble kind) {
  candidates_[candidate].given_up = true;
  broken_ = broken_ || kind == Trouble::broken;
  trouble_ = fmt::format("{}: {}", candidates_[candidate].upstream->at().to_text(), why);
  next_due_ = clock_->now();  // the next one at once
}

/// The same upstream by TCP, where it is worth the packets.
void Consultation::ask_by_stream(std::size_t candidate, const Attempt& attempt, std::string_view why) {
  const Instant latest = errand_->budget.deadline() - least_time_left;
  if (attempt.transport == UpstreamTransport::udp && candidates_[candidate].asked < tries_per_server &&
      reserve_and_ask(candidate, UpstreamTransport::tcp, attempt.edns, latest))
    return;
  give_up(candidate, why, Trouble::broken);
}

void Consultation::judge_fault(std::size_t candidate, const Attempt& attempt, NetworkFault fault) {
  switch (fault) {
    case NetworkFault::timed_out:
    case NetworkFault::stalled:
      trouble_ = fmt::format("{}: {}", attempt.upstream->at().to_text(), describe(fault));
      return;
    case NetworkFault::malformed:
    case NetworkFault::spoofed:
      return ask_by_stream(candidate, attempt, describe(fault));
    case NetworkFault::refused:
    case NetworkFault::unreachable:
      return give_up(candidate, describe(fault));
    case NetworkFault::closed_early:
    case NetworkFault::untrusted:
    case NetworkFault::expired:
    case NetworkFault::wrong_name:
    case NetworkFault::wrong_key:
    case NetworkFault::http_refused:
    case NetworkFault::http_failed:
    case NetworkFault::http_strange:
      return give_up(candidate, describe(fault), Trouble::broken);
    case NetworkFault::no_resources:
    case NetworkFault::interrupted:
      scope_ = FailureScope::house;
      return give_up(candidate, describe(fault));
  }
}

/// Judges it, and tells whoever listens.
std::optional<Finding> Consultation::hear(Arrival arrival) {
  Trace* trace = errand_->budget.trace();
  if (trace == nullptr) return judge(std::move(arrival));
  const Attempt attempt = contest_->attempts()[arrival.attempt];
  std::string before = std::exchange(trouble_, {});
  auto result = judge(std::move(arrival));
  std::string verdict = result && *result ? verdict_of(**result) : trouble_.empty() ? "asked again" : trouble_;
  if (trouble_.empty()) trouble_ = std::move(before);
  trace->note({.kind = TraceKind::exchange,
               .at = attempt.departs,
               .depth = errand_->depth,
               .question = errand_->question,
               .zone = route_->zone,
               .server_name = {},
               .server = attempt.upstream->at().address,
               .transport = attempt.transport,
               .took = clock_->now() - attempt.departs,
               .verdict = std::move(verdict)});
  return result;
}

/// The result when this arrival is one.
std::optional<Finding> Consultation::judge(Arrival arrival) {
  const std::size_t candidate = candidate_of_[arrival.attempt];
  const Attempt attempt = contest_->attempts()[arrival.attempt];
  if (!errand_->budget.spend(Limit::upstream_octets, arrival.octets)) {
    give_up(candidate, "no more is taken");
    return std::nullopt;
  }
  if (!arrival.reply) {
    judge_fault(candidate, attempt, arrival.reply.error());
    return std::nullopt;
  }
  dns::Message& reply = *arrival.reply;
  const dns::Rcode rcode = reply.rcode();
  if (reply.header.truncated) {
    ask_by_stream(candidate, attempt, "truncated even over TCP");
    return std::nullopt;
  }
  if (attempt.edns && (rcode == dns::Rcode::formerr || rcode == dns::Rcode::notimp) &&
      candidates_[candidate].asked < tries_per_server &&
      reserve_and_ask(candidate, attempt.transport, false, errand_->budget.deadline() - least_time_left))
    return std::nullopt;  // for this question alone: a forged FORMERR must not outlive it
  if (rcode != dns::Rcode::noerror && rcode != dns::Rcode::nxdomain && rcode != dns::Rcode::yxdomain) {
    if (rcode == dns::Rcode::servfail)
      attempt.upstream->useless(rcode);
    else
      attempt.upstream->unwilling(rcode, clock_->now());
    if (reply.edns && !reply.edns->extended_errors.empty()) their_code_ = reply.edns->extended_errors.front().code;
    const bool refuses = rcode == dns::Rcode::refused || rcode == dns::Rcode::notauth;
    give_up(candidate, dns::to_text(rcode), refuses ? Trouble::unreached : Trouble::broken);
    return std::nullopt;
  }
  Classified found =
      read_from_upstream(std::move(reply), errand_->question, *route_, errand_->settings, shared_->cache.key());
  if (came_by_dname(found) && attempt.transport == UpstreamTransport::udp) {
    ask_by_stream(candidate, attempt, "a DNAME by UDP alone");
    return std::nullopt;
  }
  if (found.kind == ReplyKind::too_large) {
    errand_->budget.exhaust(Limit::records_per_rrset);
    return Finding{std::unexpected{Failure{{dns::EdeCode::other, "an RRset with too many records"}}}};
  }
  found.from = attempt.upstream->at().address;
  if (found.kind != ReplyKind::lame && (rcode != dns::Rcode::yxdomain || found.kind == ReplyKind::too_long))
    return Finding{std::move(found)};
  attempt.upstream->unwilling(NetworkFault::malformed, clock_->now());
  give_up(candidate, route_->kind == RouteKind::forward ? "does not resolve for us" : "does not serve the zone");
  return std::nullopt;
}

Failure Consultation::failure() const {
  const std::string_view loop = contest_->came_back() ? "forwarding loop: " : "";
  const dns::EdeCode ours = broken_                         ? dns::EdeCode::network_error
                            : scope_ == FailureScope::house ? dns::EdeCode::other
                                                            : dns::EdeCode::no_reachable_authority;
  const dns::EdeCode code = their_code_.value_or(ours);
  return {{code, fmt::format("{}{} {}: {}", loop, describe(route_->kind), route_->zone.to_text(), trouble_)},
          scope_,
          limit_};
}

}  // namespace redoubt::resolver
