#include "tests/sim/world.hpp"

#include <fmt/format.h>

#include <cstdlib>

#include "resolver/render/render.hpp"
#include "resolver/spawn.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

namespace {

constexpr dns::HashKey test_key{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};

/// Top-level zones and their servers. They can be edited while the world runs: the server looks the zone up at each
/// question.
constexpr std::array<std::pair<std::string_view, std::string_view>, 3> top_servers{
    {{"com.", "198.51.100.2"}, {"net.", "198.51.100.3"}, {"org.", "198.51.100.4"}}};

constexpr std::string_view root_text = R"(
.     86400 NS a.root.
a.root.     A  198.51.100.1
com.  86400 NS ns.com.
ns.com.     A  198.51.100.2
net.  86400 NS ns.net.
ns.net.     A  198.51.100.3
org.  86400 NS ns.org.
ns.org.     A  198.51.100.4
)";

}  // namespace

std::vector<std::string> Answer::answer() const { return texts_of(message.answer); }
std::vector<std::string> Answer::authority() const { return texts_of(message.authority); }

std::string Answer::error() const {
  if (!message.edns || message.edns->extended_errors.empty()) return "";
  const dns::ExtendedError& error = message.edns->extended_errors.front();
  return fmt::format("{} {}", static_cast<unsigned>(error.code), error.text);
}

World::World(WorldOptions options)
    : random_{options.seed}, internet_{clock_}, shared_{options.cache_octets, test_key, options.guards} {
  settings_.root_servers.push_back({name_from_text("a.root."), {*dns::IpAddress::from_text("198.51.100.1")}});
  settings_.prime = false;  // one packet more that most scenarios would have to count
  settings_.case_randomisation = options.case_randomisation;
  settings_.guards = options.guards;
  internet_.match_replies(options.guards.reply_match);
  settings_.do_not_query.push_back(*dns::Prefix::from_text("127.0.0.0/8"));
  serve("198.51.100.1", ".", root_text);
  for (const auto& [top, address] : top_servers) {
    tops_[std::string{top}] = fmt::format("@ 86400 NS ns\nns A {}\n", address);
    serve_top(top);
  }
}

std::shared_ptr<const Zone> World::zone(std::string_view apex, std::string_view text) {
  return std::make_shared<const Zone>(name_from_text(apex), text);
}

Server& World::serve(std::string_view address, std::string_view apex, std::string_view text) {
  return internet_.server(address).serves(zone(apex, text));
}

void World::serve_top(std::string_view top) {
  for (const auto& [name, address] : top_servers) {
    if (name == top) internet_.server(address) = Server{}.serves(zone(top, tops_.find(top)->second));
  }
}

void World::delegate(std::string_view top, std::string_view text) {
  const auto at = tops_.find(top);
  if (at == tops_.end()) std::abort();
  at->second += fmt::format("{}\n", text);
  serve_top(top);
}

Server& World::site(std::string_view name, std::string_view address, std::string_view more) {
  const std::string_view top = name.substr(name.find('.') + 1);
  const bool v6 = address.find(':') != std::string_view::npos;
  const std::string glue = fmt::format("ns.{} {} {}", name, v6 ? "AAAA" : "A", address);
  delegate(top, fmt::format("{} NS ns.{}\n{}", name, name, glue));
  return serve(address, name, fmt::format("@ NS ns.{}\n{}\nwww A 192.0.2.80\n{}", name, glue, more));
}

void World::limit(std::string_view name, std::uint64_t value) {
  if (!settings_.limits.set(name, value)) std::abort();
}

void World::use() {
  if (desk_) desk_->use(std::make_shared<const resolver::Settings>(settings_));
}

resolver::Desk& World::desk() {
  if (!desk_) {
    desk_ = std::make_unique<resolver::Desk>(shared_, internet_, clock_, random_,
                                             std::make_shared<const resolver::Settings>(settings_),
                                             context_.get_executor());
  }
  return *desk_;
}

dns::Query World::query(std::string_view name, std::string_view type) {
  dns::Query query;
  query.header.id = 4711;
  query.header.recursion_desired = true;
  query.question = {name_from_text(name), type_from_text(type)};
  query.edns = dns::Edns{};
  return query;
}

std::size_t World::make_turns() {
  if (before_turn_) before_turn_(turns_);
  const std::size_t turns = before_turn_ ? context_.poll_one() : context_.poll();
  turns_ += turns;
  return turns;
}

void World::run_until(const std::function<bool()>& done) {
  while (!done()) {
    context_.restart();
    if (make_turns() == 0 && !clock_.wake_next()) {
      fmt::print(stderr, "nobody is left to go on\n{}", trace());
      std::abort();
    }
  }
}

resolver::SharedOutcome World::trace(const dns::Query& query, resolver::Trace& listener, bool fresh) {
  resolver::Budget budget = desk().fresh_budget();
  budget.trace_to(&listener);
  resolver::SharedOutcome result;
  resolver::spawn(context_, desk().answer_traced(query, budget, fresh),
                  [&](const std::exception_ptr& trouble, resolver::SharedOutcome outcome) {
                    if (trouble) std::rethrow_exception(trouble);
                    result = std::move(outcome);
                  });
  run_until([&] { return result != nullptr; });
  for (std::size_t i = 0; i < last_spent_.size(); ++i) last_spent_[i] = budget.spent(static_cast<resolver::Limit>(i));
  return result;
}

void World::run_for(Duration time) {
  const Instant end = clock_.now() + time;
  for (;;) {
    context_.restart();
    if (context_.poll() != 0) continue;
    if (!clock_.next() || *clock_.next() > end) break;
    clock_.wake_next();
  }
  if (clock_.now() < end) clock_.pass(end - clock_.now());
}

Answer World::rendered(const dns::Query& query, const resolver::Outcome& outcome, Instant begun) {
  std::vector<std::uint8_t> room(1232);
  room.resize(resolver::render(query, outcome, clock_.now(), room).octets);
  auto message = dns::Message::parse(room);
  if (!message) std::abort();
  return {std::move(*message), room.size(), clock_.now() - begun, 0};
}

void World::send(const dns::Query& query, const dns::IpAddress& client, Done done) {
  const Instant begun = clock_.now();
  if (const auto known = desk().known(query)) return done(rendered(query, *known, begun));
  auto [place, turned] = desk().enter(client);
  if (!place) {
    if (turned == resolver::WaitingRoom::Turned::silently) return done(std::nullopt);
    return done(rendered(query, *desk().turn_away(query.question, turned), begun));
  }
  const auto wait = [](World* world, dns::Query asked, resolver::WaitingRoom::Place seat, dns::IpAddress asker,
                       Instant since, Done tell) -> Task<void> {
    const resolver::Client from{.network = seat.client(), .address = asker};
    const auto outcome = co_await world->desk().answer(asked, from);
    const Instant now = world->clock_.now();
    const auto turn = seat.leave_at(now);
    if (turn && *turn > now) co_await world->clock_.sleep_until(*turn);
    tell(turn ? std::optional{world->rendered(asked, *outcome, since)} : std::nullopt);
  };
  resolver::spawn(context_, wait(this, query, std::move(*place), client, begun, std::move(done)), resolver::Detached{});
}

std::vector<Answer> World::ask_at_once(const std::vector<dns::Query>& queries) { return ask_in_turn(queries, 0ms); }

std::vector<Answer> World::ask_in_turn(const std::vector<dns::Query>& queries, Duration gap) {
  std::vector<Answer> answers(queries.size());
  const std::size_t packets = internet_.packets();
  const Instant begun = clock_.now();
  std::size_t missing = queries.size();
  const auto ask = [this](const dns::Query& query, Instant when) -> Task<resolver::SharedOutcome> {
    co_await clock_.sleep_until(when);
    co_return co_await desk().answer(query);
  };
  for (std::size_t i = 0; i < queries.size(); ++i) {
    const Instant when = begun + gap * static_cast<int>(i);
    resolver::spawn(context_, ask(queries[i], when),
                    [&, i, when](const std::exception_ptr& trouble, const resolver::SharedOutcome& outcome) {
                      if (trouble) std::rethrow_exception(trouble);
                      answers[i] = rendered(queries[i], *outcome, when);
                      --missing;
                    });
  }
  run_until([&] { return missing == 0; });
  for (Answer& answer : answers) answer.packets = internet_.packets() - packets;
  return answers;
}

Answer World::ask(std::string_view name, std::string_view type) { return ask_at_once({query(name, type)}).front(); }

Answer World::ask(const dns::Query& query, std::size_t room) {
  Answer answer = ask_at_once({query}).front();
  if (room == 1232) return answer;
  const resolver::SharedOutcome outcome = desk().known(query);
  if (!outcome) std::abort();  // only for what the cache holds by now
  std::vector<std::uint8_t> octets(room);
  octets.resize(resolver::render(query, *outcome, clock_.now(), octets).octets);
  answer.message = *dns::Message::parse(octets);
  answer.octets = octets.size();
  return answer;
}

bool World::cached(std::string_view name, std::string_view type) {
  return shared_.cache.find(name_from_text(name), type_from_text(type), clock_.now()).has_value();
}

}  // namespace redoubt::sim
