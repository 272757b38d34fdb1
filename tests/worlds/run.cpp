#include "tests/worlds/run.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>

#include "resolver/render/render.hpp"
#include "resolver/spawn.hpp"
#include "tests/sim/world.hpp"
#include "tests/sim/zone_text.hpp"
#include "tests/worlds/build.hpp"
#include "tests/worlds/judge.hpp"

namespace redoubt::worlds {

namespace {

namespace asio = boost::asio;
using resolver::Instant;
using sim::VirtualClock;
using std::chrono::milliseconds;

constexpr dns::HashKey test_key{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
/// What renewals and late flights may take after the last answer.
constexpr std::chrono::seconds afterlife{10};

class Life {
 public:
  Life(const Plan& plan, bool trace)
      : plan_{&plan},
        trace_{trace},
        random_{plan.seed + 1},
        weather_{plan.seed + 2},
        internet_{clock_},
        shared_{plan.cache_octets, test_key},
        judge_{plan},
        desk_{shared_,
              internet_,
              clock_,
              random_,
              std::make_shared<const resolver::Settings>(plan.settings),
              context_.get_executor()} {}

  Lived run() {
    build(internet_, *plan_, 0, weather_);
    judge_.begin(clock_.now());
    for (std::size_t i = 0; i < plan_->asked.size() && !lived_.breach; ++i) {
      for (std::size_t k = 0; k < plan_->changes.size(); ++k) {
        if (plan_->changes[k].before_question == i) change(k + 1);
      }
      clock_.pass(plan_->asked[i].pause);
      ask(plan_->asked[i].questions);
      if (!lived_.breach) drain(plan_->asked[i].questions.size());
      if (!lived_.breach) sweep();
    }
    return std::move(lived_);
  }

 private:
  struct Given {
    std::vector<std::uint8_t> octets;
    Instant when;
    bool here = false;
  };

  milliseconds age() const { return std::chrono::duration_cast<milliseconds>(clock_.now() - VirtualClock::beginning); }

  void note(const std::string& line) {
    for (const char c : line) lived_.tally.trace = (lived_.tally.trace ^ static_cast<std::uint8_t>(c)) * 1099511628211U;
    if (trace_) lived_.trace += fmt::format("{:>9} ms  {}\n", age().count(), line);
  }

  void check(Property property, bool holds, const std::string& what) {
    ++lived_.tally.checked[static_cast<std::size_t>(property)];
    if (holds || lived_.breach) return;
    lived_.breach = Breach{property, what};
    note(fmt::format("BROKEN {}: {}", to_text(property), what));
  }
  /// The same without making words for what holds.
  void check(Property property, const std::optional<std::string>& complaint) {
    check(property, !complaint, complaint.value_or(""));
  }

  void change(std::size_t state) {
    note(fmt::format("the world changes to state {}", state));
    build(internet_, *plan_, state, weather_);
    judge_.changed(clock_.now());
  }

  void note_packets() {
    for (const sim::Heard& heard : internet_.heard()) {
      note(fmt::format(
          "  at {} {} {} {} {}", std::chrono::duration_cast<milliseconds>(heard.when - VirtualClock::beginning).count(),
          heard.server.address.to_text(), heard.transport == resolver::UpstreamTransport::udp ? "udp" : "tcp",
          heard.query.question->name.lowercased().to_text(), dns::to_text(heard.query.question->type)));
    }
    lived_.tally.packets += internet_.packets();
    internet_.forget_trace();
  }

  /// One step of the world; false when nobody has anything left to do.
  bool step() {
    context_.restart();
    return context_.poll() != 0 || clock_.wake_next();
  }

  void ask(const std::vector<dns::Question>& questions) {
    const Instant begun = clock_.now();
    const milliseconds patience{plan_->settings.limits[resolver::Limit::question_time_ms]};
    std::vector<Given> given(questions.size());
    std::vector<dns::Query> queries(questions.size());
    for (std::size_t i = 0; i < questions.size(); ++i) {
      note(fmt::format("client asks {} {}", questions[i].name.to_text(), dns::to_text(questions[i].type)));
      queries[i].header.id = 4711;
      queries[i].header.recursion_desired = true;
      queries[i].question = questions[i];
      queries[i].edns = dns::Edns{};
      resolver::spawn(context_, desk_.answer(queries[i]),
                      [&, i](const std::exception_ptr& trouble, const resolver::SharedOutcome& outcome) {
                        if (trouble || !outcome) return;
                        given[i].octets.resize(dns::max_message_octets);
                        const auto rendered = resolver::render(queries[i], *outcome, clock_.now(), given[i].octets);
                        given[i].octets.resize(rendered.octets);
                        given[i].when = clock_.now();
                        given[i].here = true;
                      });
    }
    while (!std::ranges::all_of(given, &Given::here) && clock_.now() - begun <= patience + afterlife && step()) {
    }
    for (std::size_t i = 0; i < questions.size(); ++i) {
      check(Property::ends_in_time, given[i].here && given[i].when - begun <= patience,
            fmt::format("{} took {} ms", questions[i].name.to_text(),
                        std::chrono::duration_cast<milliseconds>((given[i].here ? given[i].when : clock_.now()) - begun)
                            .count()));
    }
    for (std::size_t i = 0; i < questions.size() && !lived_.breach; ++i) judge(questions[i], given[i]);
  }

  void judge(const dns::Question& question, const Given& given) {
    const auto message = dns::Message::parse(given.octets);
    if (!message) return check(Property::answer_is_honest, false, "no well-formed message");
    note(fmt::format("answer {} {}: {} {} | {} | {}", question.name.to_text(), dns::to_text(question.type),
                     dns::to_text(message->rcode()), fmt::join(sim::texts_of(message->answer), ", "),
                     fmt::join(sim::texts_of(message->authority), ", "),
                     message->edns && !message->edns->extended_errors.empty()
                         ? message->edns->extended_errors.front().text
                         : std::string{}));
    const Verdict verdict = judge_.of_answer(question, *message, given.when);
    ++lived_.tally.questions;
    lived_.tally.failures += verdict.failed ? 1 : 0;
    lived_.tally.stale += verdict.stale ? 1 : 0;
    lived_.tally.tainted += verdict.tainted ? 1 : 0;
    check(Property::answer_is_honest, verdict.complaint);
  }

  /// Lets all that is under way come to its end, which it must soon.
  void drain(std::size_t questions) {
    const Instant begun = clock_.now();
    while (clock_.now() - begun <= afterlife && step()) {
    }
    check(Property::leaves_nothing_behind,
          !clock_.next() && shared_.flights.in_flight() == 0 && shared_.flights.waiting() == 0,
          fmt::format("{} flights, {} waiting", shared_.flights.in_flight(), shared_.flights.waiting()));
    const std::size_t packets = internet_.packets();
    // A question may set off the renewal of what its answer is made of, and any may set off priming.
    const std::size_t flights = questions * (plan_->settings.prefetch ? 2U : 1U) + (plan_->settings.prime ? 1U : 0U);
    note_packets();
    check(Property::ends_in_budget, packets <= flights * plan_->settings.limits[resolver::Limit::upstream_queries],
          fmt::format("{} packets", packets));
  }

  void sweep() {
    const Instant now = clock_.now();
    const std::uint64_t octets = shared_.cache.counters().octets;
    check(Property::cache_is_bounded, octets <= plan_->cache_octets, fmt::format("{} octets", octets));
    bool more = false;
    for (const resolver::ShownEntry& entry : shared_.cache.show({}, true, 100'000, now, more)) {
      ++lived_.tally.entries;
      check(Property::cache_is_honest, judge_.of_entry(entry, now));
    }
    for (const ZonePlan& zone : plan_->states.front().zones) {
      const auto cut = shared_.cache.deepest_delegation(zone.apex, now);
      if (cut) check(Property::cache_is_honest, judge_.of_delegation(*cut, now));
    }
  }

  const Plan* plan_;
  bool trace_;
  boost::asio::io_context context_{1};
  VirtualClock clock_;
  sim::SeededRandom random_;
  sim::SeededRandom weather_;
  sim::Internet internet_;
  resolver::Shared shared_;
  Judge judge_;
  resolver::Desk desk_;
  Lived lived_;
};

}  // namespace

std::string_view to_text(Property property) {
  switch (property) {
    case Property::ends_in_time:
      return "ends_in_time";
    case Property::ends_in_budget:
      return "ends_in_budget";
    case Property::leaves_nothing_behind:
      return "leaves_nothing_behind";
    case Property::cache_is_bounded:
      return "cache_is_bounded";
    case Property::cache_is_honest:
      return "cache_is_honest";
    case Property::answer_is_honest:
      return "answer_is_honest";
    case Property::count:
      break;
  }
  return "?";
}

void Tally::add(const Tally& other) {
  questions += other.questions;
  packets += other.packets;
  failures += other.failures;
  stale += other.stale;
  tainted += other.tainted;
  entries += other.entries;
  for (std::size_t i = 0; i < checked.size(); ++i) checked[i] += other.checked[i];
  trace = (trace ^ other.trace) * 1099511628211U;
}

Lived live(const Plan& plan, bool trace) { return Life{plan, trace}.run(); }

Plan shrink(Plan plan, Property property) {
  const auto still_breaks = [&](const Plan& smaller) {
    const Lived lived = live(smaller);
    return lived.breach && lived.breach->property == property;
  };
  for (std::size_t i = plan.asked.size(); i-- > 0;) {  // questions; the time before them stays
    Plan smaller = plan;
    const milliseconds pause = smaller.asked[i].pause;
    smaller.asked.erase(smaller.asked.begin() + static_cast<std::ptrdiff_t>(i));
    if (i < smaller.asked.size()) smaller.asked[i].pause += pause;
    for (Change& change : smaller.changes) {
      if (change.before_question > i) --change.before_question;
    }
    if (still_breaks(smaller)) plan = std::move(smaller);
  }
  for (Host& host : plan.hosts) {  // what is wrong with servers
    const Fault fault = host.fault;
    host.fault = Fault::none;
    if (!still_breaks(plan)) host.fault = fault;
  }
  for (std::size_t zone = 0; zone < plan.states.front().zones.size(); ++zone) {  // records that do not matter
    for (std::size_t i = plan.states.front().zones[zone].records.size(); i-- > 0;) {
      const dns::RrType type = plan.states.front().zones[zone].records[i].type;
      if (plan.states.size() > 1 || type == dns::type::soa || type == dns::type::ns) continue;
      Plan smaller = plan;
      auto& records = smaller.states.front().zones[zone].records;
      records.erase(records.begin() + static_cast<std::ptrdiff_t>(i));
      if (still_breaks(smaller)) plan = std::move(smaller);
    }
  }
  return plan;
}

}  // namespace redoubt::worlds
