#include "dnssec/zone/state_database.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "dnssec/roll/state_text.hpp"

namespace redoubt::dnssec {

namespace {

using database::Connection;
using database::Done;
using database::Statement;
using database::TableText;
using database::Transaction;

/// Layout 1. What was released is never changed: another layout has steps that lead to it.
constexpr std::array tables{
    TableText{"zone", "CREATE TABLE zone (name TEXT NOT NULL, taken_over TEXT NOT NULL) STRICT"},
    TableText{"facts",
              "CREATE TABLE facts (place INTEGER PRIMARY KEY, fact TEXT NOT NULL, words TEXT NOT NULL) STRICT"},
    TableText{
        "transitions",
        "CREATE TABLE transitions (number INTEGER PRIMARY KEY, at INTEGER NOT NULL, of TEXT NOT NULL, was TEXT NOT "
        "NULL, became TEXT NOT NULL, why TEXT NOT NULL) STRICT"},
};
constexpr std::uint64_t most_steps = 20'000'000;  // a state of the largest size takes less than a hundredth
constexpr std::int64_t latest = std::int64_t{1} << 40;

std::string with_advice(std::string error) {
  if (!error.contains("it is damaged")) return error;
  return error +
         "; put it back from a backup, or move it away, with its -journal: the next run then takes over what the zone "
         "is signed with";
}

/// In the words of the caller: whatever is wrong within the rows is damage.
std::unexpected<std::string> damage(const Connection& connection, std::string_view what) {
  return std::unexpected{with_advice(fmt::format("{}: it is damaged: {}", connection.name(), what))};
}

/// Durable beyond FULL: a commit is the removal of the journal, and that, too, has to be on the disk before anything
/// takes effect.
constexpr auto durable = "PRAGMA synchronous = EXTRA";

Done write_facts(const Connection& connection, const ZoneRolls& state) {
  if (auto done = connection.run("DELETE FROM facts"); !done) return done;
  Statement insert{connection, "INSERT INTO facts (fact, words) VALUES (?, ?)"};
  for (const Fact& fact : to_facts(state)) {
    insert.bind(fact.fact).bind(fact.words).step();
    if (auto done = insert.done(); !done) return done;
    insert.reset();
  }
  return {};
}

Done write_transitions(const Connection& connection, std::span<const Transition> changes) {
  Statement insert{connection, "INSERT INTO transitions (at, of, was, became, why) VALUES (?, ?, ?, ?, ?)"};
  for (const Transition& change : changes) {
    insert.bind(std::int64_t{change.at.time_since_epoch().count()}).bind(change.of).bind(change.before);
    insert.bind(change.after).bind(change.why).step();
    if (auto done = insert.done(); !done) return done;
    insert.reset();
  }
  Statement forget{connection, "DELETE FROM transitions WHERE number <= (SELECT max(number) FROM transitions) - ?"};
  forget.bind(static_cast<std::int64_t>(max_transitions_kept)).step();
  return forget.done();
}

Done make_tables(const Connection& connection, const dns::Name& zone, const std::string& taken_over) {
  for (const TableText& table : tables) {
    if (auto done = connection.run(std::string{table.sql}); !done) return done;
  }
  if (auto done = connection.run(
          fmt::format("PRAGMA application_id = {}; PRAGMA user_version = {}", state_application, state_layout));
      !done)
    return done;
  Statement insert{connection, "INSERT INTO zone (name, taken_over) VALUES (?, ?)"};
  insert.bind(zone.lowercased().to_text()).bind(taken_over).step();
  return insert.done();
}

/// That it is a file of this program, of a layout that is known, and of that zone.
Done check_identity(const Connection& connection, const dns::Name& zone) {
  const auto application = connection.number_of("application_id");
  if (!application) return std::unexpected{application.error()};
  if (*application != state_application) return connection.fault("it is damaged: no state of a zone's keys");
  const auto layout = connection.number_of("user_version");
  if (!layout) return std::unexpected{layout.error()};
  if (*layout > state_layout)
    return connection.fault(
        fmt::format("made by a younger version (layout {}, known up to {})", *layout, state_layout));
  if (auto done = database::expect_whole(connection, tables); !done) return done;
  Statement rows{connection, "SELECT name FROM zone"};
  const std::string name = rows.step() ? rows.text(0) : std::string{};
  const bool has_more = rows.step();
  if (auto done = rows.done(); !done) return done;
  if (has_more || name != zone.lowercased().to_text())
    return connection.fault("it is damaged: it is the state of another zone than " + zone.to_text());
  return {};
}

/// For terminals and logs.
std::string plain(std::string text) {
  for (char& octet : text) {
    const auto value = static_cast<unsigned char>(octet);
    if (value < 0x20 || value >= 0x7f) octet = '?';
  }
  return text;
}

}  // namespace

database::Bounds state_bounds() {
  return {.file_octets = max_state_file, .value_octets = max_state_text + 4096, .steps = most_steps};
}

std::expected<StateDatabase, std::string> StateDatabase::open(const std::string& path, const dns::Name& zone) {
  if (auto fit = database::check_file(path, path, state_bounds()); !fit)
    return std::unexpected{with_advice(std::move(fit.error()))};
  auto connection = Connection::open(path, path, database::Opening::existing, state_bounds());
  if (!connection) return std::unexpected{with_advice(std::move(connection.error()))};
  if (auto done = connection->run(durable); !done) return std::unexpected{done.error()};
  if (auto done = check_identity(*connection, zone); !done)
    return std::unexpected{with_advice(std::move(done.error()))};
  return StateDatabase{*std::move(connection)};
}

Done StateDatabase::create(const std::string& path, const dns::Name& zone, const ZoneRolls& state,
                           std::span<const Transition> changes, const std::string& taken_over) {
  auto connection = Connection::open(path, path, database::Opening::create, state_bounds());
  if (!connection) return std::unexpected{connection.error()};
  if (auto done = connection->run(durable); !done) return done;
  Transaction transaction{*connection};
  if (!transaction.begun()) return transaction.begun();
  if (auto done = make_tables(*connection, zone, taken_over); !done) return done;
  if (auto done = write_facts(*connection, state); !done) return done;
  if (auto done = write_transitions(*connection, changes); !done) return done;
  return transaction.commit();
}

std::expected<ZoneRolls, std::string> StateDatabase::read() const {
  Statement rows{connection_, "SELECT fact, words FROM facts ORDER BY place"};
  std::vector<Fact> facts;
  std::size_t octets = 0;
  while (octets <= max_state_text && rows.step()) {
    Fact& fact = facts.emplace_back(rows.text(0), rows.text(1));
    octets += fact.fact.size() + fact.words.size() + 2;
  }
  if (auto done = rows.done(); !done) return std::unexpected{with_advice(std::move(done.error()))};
  auto state = zone_keys_from_facts(facts);
  if (!state) return damage(connection_, "facts, " + state.error());
  return std::move(*state);
}

Done StateDatabase::write(const ZoneRolls& state, std::span<const Transition> changes) const {
  Transaction transaction{connection_};
  if (!transaction.begun()) return transaction.begun();
  if (auto done = write_facts(connection_, state); !done) return done;
  if (auto done = write_transitions(connection_, changes); !done) return done;
  return transaction.commit();
}

std::expected<std::vector<Transition>, std::string> StateDatabase::history(std::size_t most) const {
  Statement rows{connection_, "SELECT at, of, was, became, why FROM transitions ORDER BY number DESC LIMIT ?"};
  rows.bind(static_cast<std::int64_t>(std::min(most, max_transitions_kept)));
  std::vector<Transition> all;
  while (rows.step()) {
    const std::int64_t at = rows.number(0);
    if (at < -latest || at > latest) return damage(connection_, "a transition at a time that cannot be");
    all.push_back({.at = Instant{seconds{at}},
                   .of = plain(rows.text(1)),
                   .before = plain(rows.text(2)),
                   .after = plain(rows.text(3)),
                   .why = plain(rows.text(4))});
  }
  if (auto done = rows.done(); !done) return std::unexpected{with_advice(std::move(done.error()))};
  return all;
}

std::expected<std::string, std::string> StateDatabase::taken_over() const {
  Statement rows{connection_, "SELECT taken_over FROM zone"};
  std::string digest = rows.step() ? rows.text(0) : std::string{};
  if (auto done = rows.done(); !done) return std::unexpected{done.error()};
  return digest;
}

}  // namespace redoubt::dnssec
