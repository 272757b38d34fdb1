#include "resolver/desk.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <boost/asio/post.hpp>

#include "resolver/outcome_letter.hpp"
#include "resolver/spawn.hpp"
#include "resolver/validate/sentinel.hpp"

namespace redoubt::resolver {

namespace asio = boost::asio;

namespace {

/// RFC 8482 §4.2: one HINFO that says why there is no more.
SharedRRset minimal_any(const dns::Name& name, Instant now) {
  // CPU "RFC8482" and an empty OS, each with its length before it (RFC 1035 §3.3.2).
  static constexpr std::array<std::uint8_t, 9> rdata{7, 'R', 'F', 'C', '8', '4', '8', '2', 0};
  dns::RRset rrset{name, dns::type::hinfo, dns::rr_class::in, dns::Ttl::from_wire(3600), {}};
  rrset.rdata.add(rdata);
  return HeldRRset::make(rrset, now + std::chrono::hours{1});
}

/// Types that no question may have.
SharedOutcome about_a_meta_type(dns::RrType type) {
  auto outcome = std::make_shared<Outcome>();
  // NXNAME: RFC 9824 §3.5.
  const bool malformed = type == dns::type::opt || type == dns::type::nxname || type.value == 0;
  outcome->rcode = malformed ? dns::Rcode::formerr : dns::Rcode::notimp;
  outcome->error = {malformed ? dns::EdeCode::invalid_query_type : dns::EdeCode::not_supported, ""};
  return outcome;
}

SharedOutcome withheld() {
  return failure(dns::EdeCode::other, "withheld, for that is what the root key sentinel says (RFC 8509)");
}

/// What servers are asked about themselves in class CH (RFC 4892).
SharedOutcome about_ourselves(const dns::Question& question, const Settings::Identity& identity, Instant now) {
  static const std::array<std::pair<dns::Name, std::string Settings::Identity::*>, 4> names{
      {{dns::Name::literal("version.bind."), &Settings::Identity::version},
       {dns::Name::literal("version.server."), &Settings::Identity::version},
       {dns::Name::literal("id.server."), &Settings::Identity::id},
       {dns::Name::literal("hostname.bind."), &Settings::Identity::id}}};
  for (const auto& [name, member] : names) {
    const std::string& text = identity.*member;
    if (text.empty() || question.type != dns::type::txt || !(question.name == name)) continue;
    dns::RRset rrset{question.name, dns::type::txt, dns::rr_class::ch, dns::Ttl::from_wire(0), {}};
    std::vector<std::uint8_t> rdata{static_cast<std::uint8_t>(text.size())};
    rdata.insert(rdata.end(), text.begin(), text.end());
    rrset.rdata.add(rdata);
    auto outcome = std::make_shared<Outcome>();
    outcome->rcode = dns::Rcode::noerror;
    outcome->answer.push_back(HeldRRset::make(rrset, now));
    return outcome;
  }
  return refused(dns::EdeCode::not_supported, "only class IN is resolved");
}

/// Those that are in one list alone.
std::vector<dns::Name> changed_names(const std::vector<NegativeAnchor>& before,
                                     const std::vector<NegativeAnchor>& after) {
  std::vector<dns::Name> names;
  const auto add = [&names](const auto& from, const auto& other) {
    for (const NegativeAnchor& anchor : from) {
      if (std::ranges::find(other, anchor) == other.end()) names.push_back(anchor.zone);
    }
  };
  add(before, after);
  add(after, before);
  return names;
}

/// For want of memory, most likely: this question ends, the others go on.

}  // namespace

Desk::Desk(Shared& shared, Network& network, Clock& clock, Random& random, std::shared_ptr<const Settings> settings,
           asio::any_io_executor executor)
    : shared_{&shared},
      clock_{&clock},
      settings_{std::move(settings)},
      executor_{std::move(executor)},
      arrivals_{std::make_shared<Mailbox>(executor_)},
      iterator_{shared, network, clock, random, executor_} {
  shared_->cache.keep_expired(settings_->stale);
}

void Desk::use(std::shared_ptr<const Settings> settings) {
  const ValidationSettings before = settings_->validation;
  settings_ = std::move(settings);
  const ValidationSettings& after = settings_->validation;
  if (!(after == before)) {
    shared_->trust_epoch.fetch_add(1, std::memory_order_acq_rel);
    shared_->trust.clear();
    ValidationSettings same = before;
    same.negative_anchors = after.negative_anchors;
    if (same == after) {
      // Negative anchors come and go while all else stays: what lies elsewhere keeps its verdicts.
      // Each of them is a way through the whole cache, while the process is asked whether it still answers.
      constexpr std::size_t most_ways = 4;
      const std::vector<dns::Name> names = changed_names(before.negative_anchors, after.negative_anchors);
      if (names.size() > most_ways) shared_->cache.forget_verdicts();
      for (std::size_t i = 0; names.size() <= most_ways && i < names.size(); ++i)
        shared_->cache.forget_verdicts(names[i]);
    } else {
      shared_->proofs.clear();
      shared_->cache.forget_verdicts();
    }
  }
  shared_->cache.keep_expired(settings_->stale);
}

/// Questions that nobody on the Internet is to be asked.
SharedOutcome Desk::special(const dns::Query& query) const {
  const dns::Question& question = query.question;
  if (question.rr_class == dns::rr_class::ch) return about_ourselves(question, settings_->identity, clock_->now());
  if (question.rr_class != dns::rr_class::in) return refused(dns::EdeCode::not_supported, "only class IN is resolved");
  if (!query.header.recursion_desired && settings_->guards.recursion_asked)
    return refused(dns::EdeCode::not_authoritative, "without recursion there is nothing to tell");
  if (question.type == dns::type::any && settings_->guards.minimal_any) {
    auto outcome = std::make_shared<Outcome>();
    outcome->rcode = dns::Rcode::noerror;
    outcome->answer.push_back(minimal_any(question.name, clock_->now()));
    return outcome;
  }
  if (question.type == dns::type::axfr || question.type == dns::type::ixfr)
    return refused(dns::EdeCode::not_supported, "no zone transfers here");
  const bool is_meta = dns::is_meta(question.type) && question.type != dns::type::any;
  if (is_meta || question.type.value == 0) return about_a_meta_type(question.type);
  return nullptr;
}

SharedOutcome Desk::known(const dns::Query& query) {
  if (auto outcome = special(query)) return outcome;
  const dns::Question& question = query.question;
  const Instant now = clock_->now();
  std::optional<dns::Question> renewal;
  const bool checked = checks(query);
  auto outcome =
      gate(iterator_.known(question, *settings_, now, settings_->prefetch && checked ? &renewal : nullptr, checked),
           checked);
  if (renewal) renew(*renewal);
  if (outcome && is_withheld(*outcome, question, checked)) return withheld();
  if (outcome && outcome->failed()) {
    if (auto stale = iterator_.stale(question, *settings_, now, outcome->error ? outcome->error->text : "", checked))
      return stale;
  } else if (!outcome && shared_->rechecks.is_too_early(question, now)) {
    return iterator_.stale(question, *settings_, now, "its servers failed less than 30 s ago", checked);
  }
  return outcome;
}

SharedOutcome Desk::stale(const dns::Question& question, std::string_view why) {
  return iterator_.stale(question, *settings_, clock_->now(), why);
}

/// Our own question has come back: to wait for its answer would be to wait for ourselves. Where it may be the question
/// of somebody else on an upstream's machine, its answer may still come by another way.
Task<SharedOutcome> Desk::wait_out_the_loop(dns::Query query, Abroad::Return found) {
  for (auto pause = std::chrono::milliseconds{25}; found == Abroad::Return::perhaps && pause.count() <= 400;
       pause *= 2) {
    co_await clock_->sleep_until(clock_->now() + pause);
    if (auto outcome = known(query)) co_return outcome;
  }
  co_return failure(dns::EdeCode::other, "forwarding loop: this question is out at a forwarder and has come back");
}

WaitingRoom::Entry Desk::enter(const dns::IpAddress& client, AddressProof proof) {
  const Limits& limits = settings_->limits;
  return shared_->waiting.enter(client, proof, {limits[Limit::waiting_queries], limits[Limit::waiting_of_one_client]},
                                clock_->now());
}

SharedOutcome Desk::turn_away(const dns::Question& question, WaitingRoom::Turned turned) {
  return beyond(question, turned == WaitingRoom::Turned::away ? Limit::waiting_queries : Limit::waiting_of_one_client);
}

/// The one way out: whatever its way was, nothing that nobody has looked at reaches who wants it validated (attacks:
/// bogus by another path).
SharedOutcome Desk::gate(SharedOutcome outcome, bool checks) const {
  if (!outcome || !checks || !settings_->validation.enabled) return outcome;
  if (outcome->failed() || is_checked(outcome->security)) return outcome;
  return failure(dns::EdeCode::dnssec_indeterminate, "not validated");
}

bool Desk::is_withheld(const Outcome& outcome, const dns::Question& question, bool checks) const {
  return checks && outcome.is_secure() && sentinel_withholds(question, settings_->validation);
}

/// What there is where a limit forbids to look further.
SharedOutcome Desk::beyond(const dns::Question& question, Limit limit, bool checks) {
  std::string why = fmt::format("limit {} reached: too many at once", name_of(limit));
  if (auto outcome = iterator_.stale(question, *settings_, clock_->now(), why, checks)) return outcome;
  return failure(dns::EdeCode::other, std::move(why), limit);
}

Task<SharedOutcome> Desk::answer(const dns::Query& query, Client asker) {
  if (auto outcome = known(query)) co_return outcome;
  co_return co_await answer_unknown(query, asker);
}

/// A call of join() where nothing else may be the case: one frame less for each query.
Task<SharedOutcome> Desk::answer_unknown(const dns::Query& query, Client asker) {
  if (!settings_->routes.empty() || !settings_->guards.shared_flights) return answer_apart(query, asker);
  return join(query.question, asker.network, checks(query));
}

/// Where it may be our own question that has come back, or nobody shares a resolution.
Task<SharedOutcome> Desk::answer_apart(const dns::Query& query, Client asker) {
  try {
    if (!settings_->routes.empty()) {
      const Abroad::Return found = shared_->abroad.is_returning(query.question, asker.address);
      if (found != Abroad::Return::no) co_return co_await wait_out_the_loop(query, found);
    }
    if (!settings_->guards.shared_flights) co_return co_await alone(query.question, checks(query));
    co_return co_await join(query.question, asker.network, checks(query));
  } catch (const std::exception&) {
    co_return out_of_means_;
  }
}

Task<SharedOutcome> Desk::answer_traced(dns::Query query, Budget& budget, bool fresh) {
  if (auto outcome = special(query)) co_return outcome;
  const std::shared_ptr<const Settings> settings = settings_;  // stays in this frame through a reload
  try {
    const Iterator::Manner manner{.renews = fresh, .checks = checks(query)};
    co_return co_await iterator_.resolve(query.question, *settings, budget, manner);
  } catch (const std::exception&) {
    co_return out_of_means_;
  }
}

Task<SharedOutcome> Desk::alone(dns::Question question, bool checks) {
  const std::shared_ptr<const Settings> settings = settings_;  // stays in this frame through a reload
  Budget budget{settings->limits, clock_->now()};
  const Iterator::Manner manner{.checks = checks};
  SharedOutcome outcome = gate(co_await iterator_.resolve(question, *settings, budget, manner), checks);
  if (is_withheld(*outcome, question, checks)) co_return withheld();
  co_return outcome;
}

Flights::Bounds Desk::bounds() const {
  const Limits& limits = settings_->limits;
  return {limits[Limit::flights], limits[Limit::waiting_queries], limits[Limit::flights_of_one_client]};
}

/// Only when there is means to spare: nobody waits for it yet.
void Desk::renew(const dns::Question& question) {
  if (shared_->flights.lead_unasked(question, bounds(), settings_->limits[Limit::renewals]))
    lead(question, Holder::nobody, true, true);
}

/// The flight goes on by itself: whoever asked may be answered before it ends.
void Desk::lead(const dns::Question& question, Holder client, bool renews, bool checks) noexcept {
  try {
    start_now(fly(question, client, renews, checks), Detached{});
  } catch (const std::exception&) {  // nobody else would ever land it, and nothing new can be said without memory
    flights(checks).land(question, out_of_means_);
  }
}

Task<void> Desk::fly(dns::Question question, Holder client, bool renews, bool checks) {
  // Whatever happens, the flight lands: others wait for it.
  struct Landing {
    Flights& flights;
    dns::Question question;
    SharedOutcome outcome;
    ~Landing() { flights.land(question, outcome); }
  } landing{flights(checks), question, broken_off_};
  const std::shared_ptr<const Settings> settings = settings_;  // stays in this frame through a reload
  const Instant begun = clock_->now();
  Budget budget{settings->limits, begun, client};
  std::optional<LateFlights::Place> timer;
  // One look spares three: nothing stale, nothing fresh and no cut.
  const Iterator::Manner manner{
      .renews = renews, .checks = checks, .is_new = !renews && !shared_->cache.knows(question.name)};
  if (checks && !manner.is_new && iterator_.stale(question, *settings, begun, "")) {
    timer.emplace(late_, begun + settings->stale_answer_after, question);
    if (!late_->watched) spawn(executor_, watch_late_flights(), Detached{});
  }
  if (settings->prime && !settings->local_root && settings->routes.above(dns::Name{}) == nullptr &&
      shared_->priming.is_due(begun))
    spawn(executor_, prime(), Detached{});
  landing.outcome = gate(co_await iterator_.resolve(question, *settings, budget, manner), checks);
  ask_beside(*settings);
  if (is_withheld(*landing.outcome, question, checks)) {
    landing.outcome = withheld();
    co_return;
  }
  if (!landing.outcome->failed()) co_return;
  const std::string why = landing.outcome->error ? landing.outcome->error->text : "";
  if (auto stale = iterator_.stale(question, *settings, clock_->now(), why, checks)) {
    if (stale->stale && !landing.outcome->house_trouble) shared_->rechecks.note(question, clock_->now());
    landing.outcome = std::move(stale);
  }
}

void Desk::ask_beside(const Settings& settings) {
  constexpr std::size_t most_signals = 10;  // zones with anchors
  constexpr dns::RrType null_type{10};      // RFC 1035 §3.3.10
  const ValidationSettings& validation = settings.validation;
  while (auto attempt = settings.opportunistic_tls ? shared_->encryption.take() : std::nullopt) {
    const dns::IpAddress server = attempt->server;
    try {
      spawn(executor_, probe(*std::move(attempt)), Detached{});
    } catch (...) {  // no memory to begin with: otherwise it gives its place back by itself
      shared_->encryption.ended(server);
      throw;
    }
  }
  if (!validation.enabled) return;
  if (validation.signal && shared_->signals.is_due(clock_->now())) {
    for (std::size_t i = 0; i < std::min(validation.anchors.size(), most_signals); ++i) {
      if (const auto name = key_tag_query(validation.anchors[i]))
        spawn(executor_, ask_for_its_own_sake({*name, null_type}), Detached{});
    }
  }
  while (const auto report = validation.report ? shared_->reports.take() : std::nullopt)
    spawn(executor_, ask_for_its_own_sake({*report, dns::type::txt}), Detached{});
}

/// Not from the cache, nor by proofs that such a name does not exist: it has to arrive.
Task<void> Desk::ask_for_its_own_sake(dns::Question question) {
  const std::shared_ptr<const Settings> settings = settings_;  // stays in this frame through a reload
  Budget budget{settings->limits, clock_->now()};
  budget.be_report();
  try {
    const Iterator::Manner manner{.renews = true, .checks = false};
    co_await iterator_.resolve(std::move(question), *settings, budget, manner);
  } catch (const std::exception&) {  // no memory, most likely: it is not told this time
    co_return;
  }
}

Task<void> Desk::probe(Encryption::Probe probe) {
  const std::shared_ptr<const Settings> settings = settings_;
  co_await iterator_.probe(std::move(probe), *settings);
}

/// Beside the question that noticed that it is due, which goes on by the hints.
Task<void> Desk::prime() {
  const std::shared_ptr<const Settings> settings = settings_;
  Budget budget{settings->limits, clock_->now()};
  co_await iterator_.prime(*settings, budget);
}

/// One sleeper for all flights of this desk, for as long as there are any with a timer.
Task<void> Desk::watch_late_flights() {
  struct Watch {
    std::shared_ptr<LateFlights> late;
    explicit Watch(std::shared_ptr<LateFlights> flights) : late{std::move(flights)} { late->watched = true; }
    ~Watch() { late->watched = false; }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
  };
  if (late_->watched) co_return;
  const Watch watch{late_};
  while (!late_->is_empty()) {
    if (clock_->now() < late_->next_due()) co_await clock_->sleep_until(late_->next_due());
    while (!late_->is_empty() && late_->next_due() <= clock_->now()) {
      const LateFlights::Row row = late_->take_first();
      if (auto stale = this->stale(row.question, "its servers have not answered in time"))
        shared_->flights.give_meanwhile(row.question, stale);
    }
  }
}

Task<SharedOutcome> Desk::join(const dns::Question& question, Holder client, bool checks) {
  // A null outcome says that there is no room.
  Limit bound = Limit::flights;
  SharedOutcome shared;
  try {
    co_await Suspension{[&](Suspended suspended) {
      auto arrival = std::make_unique<OutcomeLetter>(shared, arrivals_, std::move(suspended));
      Flights::Waiter waiter = [arrival = std::move(arrival)](SharedOutcome outcome) mutable noexcept {
        OutcomeLetter::send(std::move(arrival), std::move(outcome));
      };
      const Flights::Joined joined = flights(checks).join(question, bounds(), this, waiter, client);
      switch (joined.as) {
        case Flights::Joined::As::waits:
          return;
        case Flights::Joined::As::leads:
          return lead(question, client, false, checks);
        case Flights::Joined::As::late:
          return waiter(joined.outcome);
        case Flights::Joined::As::full:
          bound = joined.bound;
          return waiter(nullptr);
      }
    }};
    if (!shared) shared = beyond(question, bound, checks);
  } catch (const std::exception&) {
    co_return out_of_means_;
  }
  co_return shared;
}

}  // namespace redoubt::resolver
