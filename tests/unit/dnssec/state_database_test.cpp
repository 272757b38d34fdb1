#include "dnssec/zone/state_database.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sqlite3.h>

#include <random>

#include "dnssec/keys/backup.hpp"
#include "dnssec/roll/machine.hpp"
#include "dnssec/roll/state_text.hpp"
#include "dnssec/zone/state_file.hpp"
#include "tests/unit/dnssec/file_calls.hpp"
#include "tests/unit/dnssec/temporary_folder.hpp"

namespace redoubt::dnssec {
namespace {

using testing::HasSubstr;
using tests::FileCalls;
using tests::TemporaryFolder;

const dns::Name apex = dns::Name::literal("example.");
constexpr Instant start{seconds{1'800'000'000}};

ZoneRolls some_state() {
  ZoneRolls zone = fresh_zone(built_in_policy("standard").value(), {.now = start, .last = std::nullopt});
  for (std::uint16_t tag = 1; tag <= 4; ++tag) {
    RollingKey key;
    key.stem = "Kexample.+013+0000" + std::to_string(tag);
    key.tag = tag;
    add_key(zone, key);
  }
  zone.held = "a reason";
  return zone;
}

/// A folder with a state of the zone.
class StateDatabaseTest : public testing::Test {
 protected:
  StateDatabaseTest() { store(some_state()); }

  void store(const ZoneRolls& zone, std::string_view cause = "a test") {
    const auto done = store_state(keys_, apex, zone, cause);
    ASSERT_TRUE(done) << done.error();
  }
  ZoneRolls stored() {
    const auto zone = read_state(keys_, apex);
    EXPECT_TRUE(zone) << zone.error();
    return zone && *zone ? **zone : ZoneRolls{};
  }
  std::string error() {
    const auto zone = read_state(keys_, apex);
    return zone ? "none" : zone.error();
  }
  /// As whoever prepares a file would, without our ways of opening it.
  void prepare(const std::string& sql) {
    sqlite3* database = nullptr;
    ASSERT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
    char* what = nullptr;
    EXPECT_EQ(sqlite3_exec(database, sql.c_str(), nullptr, nullptr, &what), SQLITE_OK) << (what ? what : "");
    sqlite3_free(what);
    sqlite3_close(database);
  }
  std::int64_t number(const std::string& sql) {
    sqlite3* database = nullptr;
    EXPECT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
    sqlite3_stmt* asked = nullptr;
    EXPECT_EQ(sqlite3_prepare_v2(database, sql.c_str(), -1, &asked, nullptr), SQLITE_OK);
    EXPECT_EQ(sqlite3_step(asked), SQLITE_ROW);
    const std::int64_t value = sqlite3_column_int64(asked, 0);
    sqlite3_finalize(asked);
    sqlite3_close(database);
    return value;
  }

  TemporaryFolder folder_;
  KeyFolder keys_{folder_.path(), std::nullopt};
  const std::string path_ = folder_.file("example.sqlite");
};

TEST_F(StateDatabaseTest, what_is_stored_is_read_and_the_file_says_whose_it_is) {
  EXPECT_EQ(stored(), some_state());
  EXPECT_EQ(number("PRAGMA application_id"), state_application);
  EXPECT_EQ(number("PRAGMA user_version"), state_layout);
  EXPECT_EQ(number("SELECT count(*) FROM facts WHERE fact = 'key'"), 4);
  EXPECT_EQ(read_state(keys_, dns::Name::literal("other.")).value(), std::nullopt);
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator{folder_.path()})
    names.push_back(entry.path().filename());
  EXPECT_EQ(names, std::vector<std::string>{"example.sqlite"}) << "one file, and none beside it";
}

TEST_F(StateDatabaseTest, the_history_says_what_changed_when_and_why) {
  ZoneRolls zone = some_state();
  zone.clock.now += seconds{60};
  zone.held.reset();
  zone.keys[0].state = KeyState::published;
  zone.key_sets.pending = KeySet{0b11, 0b01};
  store(zone, "an operator");
  const auto history = read_history(keys_, apex, 3).value();
  ASSERT_EQ(history.size(), 3U);
  EXPECT_EQ(history[0], (Transition{zone.clock.now, "dnskey", "none", "1 2", "an operator"}));
  EXPECT_EQ(history[1].of, "Kexample.+013+00001");
  EXPECT_EQ(history[1].before, "generated");
  EXPECT_EQ(history[1].after, "published");
  EXPECT_THAT(history[1].why, HasSubstr("caches may have one without it; an operator"));
  EXPECT_EQ(history[2], (Transition{zone.clock.now, "rolls", "held", "going on", "an operator"}));
  EXPECT_EQ(read_history(keys_, apex, max_transitions_kept)->size(), 8U) << "with four keys that came, and a hold";
  store(zone);
  EXPECT_EQ(read_history(keys_, apex, max_transitions_kept)->size(), 8U) << "nothing changed";
}

TEST_F(StateDatabaseTest, the_history_is_bounded) {
  const std::vector<Transition> many(700, {start, "x", std::string(200, 'a'), "b", std::string(200, 'c')});
  for (int time = 0; time < 3; ++time) ASSERT_TRUE(StateDatabase::open(path_, apex)->write(some_state(), many));
  EXPECT_EQ(number("SELECT count(*) FROM transitions"), static_cast<std::int64_t>(max_transitions_kept));
  EXPECT_EQ(read_history(keys_, apex, 5000)->size(), max_transitions_kept);
  EXPECT_EQ(stored(), some_state());
}

// Kill -9 and full disks
// -----------------------------------------------------------------------------------------------

TEST_F(StateDatabaseTest, killed_before_any_step_of_a_change_it_has_the_old_state_or_the_new_one) {
  FileCalls::install();
  ZoneRolls after = some_state();
  after.held = "another";
  bool is_done = false;
  int old_ones = 0;
  int step = 1;
  for (; !is_done; ++step) {
    store(some_state());
    is_done = FileCalls::comes_to_its_end(step, [&] { return store_state(keys_, apex, after, "a test").has_value(); });
    const ZoneRolls found = stored();
    EXPECT_TRUE(found == after || (!is_done && found == some_state())) << "step " << step;
    old_ones += found == after ? 0 : 1;
  }
  EXPECT_GE(step, 5) << "a journal, pages, and the end of the journal";
  EXPECT_EQ(old_ones, step - 2) << "the last step is what makes it true";
}

TEST_F(StateDatabaseTest, killed_before_any_step_of_the_first_change_there_is_no_state_or_the_whole_one) {
  FileCalls::install();
  bool is_done = false;
  for (int step = 1; !is_done; ++step) {
    std::filesystem::remove(path_);
    is_done =
        FileCalls::comes_to_its_end(step, [&] { return store_state(keys_, apex, some_state(), "a test").has_value(); });
    const auto found = read_state(keys_, apex);
    ASSERT_TRUE(found) << found.error();
    EXPECT_EQ(found->has_value(), is_done) << step;
  }
  EXPECT_EQ(stored(), some_state()) << "what was left over is in nobody's way";
}

TEST_F(StateDatabaseTest, killed_before_any_step_of_taking_over_a_text_that_is_there_or_was_taken_over) {
  FileCalls::install();
  ZoneRolls after = some_state();
  after.held = "another";
  bool is_done = false;
  for (int step = 1; !is_done; ++step) {
    for (const char* name : {"example.sqlite", "example.state.imported"}) std::filesystem::remove(folder_.file(name));
    folder_.write("example.state", to_text(some_state()));
    is_done = FileCalls::comes_to_its_end(step, [&] { return store_state(keys_, apex, after, "a test").has_value(); });
    EXPECT_EQ(stored(), is_done ? after : some_state()) << step;
    EXPECT_NE(std::filesystem::exists(folder_.file("example.state")), is_done);
  }
}

TEST_F(StateDatabaseTest, a_full_disk_is_a_clear_error_and_leaves_the_old_state) {
  FileCalls::install();
  ZoneRolls after = some_state();
  after.held = "another";
  FileCalls::fill_disk(true);
  const auto change = store_state(keys_, apex, after, "a test");
  const auto other = store_state(keys_, dns::Name::literal("other."), after, "a test");
  FileCalls::fill_disk(false);
  ASSERT_FALSE(change);
  EXPECT_THAT(change.error(), HasSubstr(path_ + ": no space left"));
  ASSERT_FALSE(other);
  EXPECT_THAT(other.error(), HasSubstr("no space left"));
  EXPECT_EQ(stored(), some_state());
  EXPECT_EQ(read_state(keys_, dns::Name::literal("other.")).value(), std::nullopt);
  store(after);
  EXPECT_EQ(stored(), after);
}

TEST_F(StateDatabaseTest, another_process_that_holds_it_is_named) {
  sqlite3* database = nullptr;
  ASSERT_EQ(sqlite3_open(path_.c_str(), &database), SQLITE_OK);
  ASSERT_EQ(sqlite3_exec(database, "BEGIN EXCLUSIVE", nullptr, nullptr, nullptr), SQLITE_OK);
  EXPECT_THAT(store_state(keys_, apex, some_state(), "a test").error(), HasSubstr("another process holds it"));
  sqlite3_close(database);
  EXPECT_EQ(stored(), some_state());
}

// Texts of earlier versions
// --------------------------------------------------------------------------------------------

TEST_F(StateDatabaseTest, a_text_of_an_earlier_version_is_taken_over_once) {
  std::filesystem::remove(path_);
  const std::string text = to_text(some_state());
  folder_.write("example.state", text);
  EXPECT_EQ(stored(), some_state()) << "reading changes nothing";
  EXPECT_TRUE(std::filesystem::exists(folder_.file("example.state")));
  ZoneRolls after = some_state();
  after.held = "another";
  store(after);
  EXPECT_EQ(stored(), after);
  EXPECT_FALSE(std::filesystem::exists(folder_.file("example.state")));
  EXPECT_EQ(folder_.read("example.state.imported"), text);
  const auto history = read_history(keys_, apex, 10).value();
  ASSERT_EQ(history.size(), 2U);
  EXPECT_EQ(history[1], (Transition{start, "state", "text", "database", "taken over from example.state"}));

  folder_.write("example.state", text);  // as when a kill came before it was renamed
  EXPECT_EQ(stored(), after);
  store(after);
  EXPECT_FALSE(std::filesystem::exists(folder_.file("example.state")));

  folder_.write("example.state", to_text(after));  // and this one nobody has seen
  EXPECT_THAT(error(), HasSubstr("it is another state than that in " + path_));
  EXPECT_FALSE(store_state(keys_, apex, some_state(), "a test"));
  std::filesystem::remove(folder_.file("example.state"));
  EXPECT_EQ(stored(), after);
}

TEST_F(StateDatabaseTest, a_text_that_is_damaged_stops_everything_as_before) {
  std::filesystem::remove(path_);
  const std::string text = to_text(some_state());
  folder_.write("example.state", text.substr(0, text.size() - 3));
  EXPECT_THAT(error(), HasSubstr("example.state: line "));
  EXPECT_FALSE(store_state(keys_, apex, some_state(), "a test"));
  EXPECT_FALSE(std::filesystem::exists(path_));
}

// Files that somebody prepared
// -----------------------------------------------------------------------------------------

TEST_F(StateDatabaseTest, a_prepared_file_is_refused_by_name_and_told_what_to_do) {
  const std::string whole = folder_.read("example.sqlite");
  const std::pair<const char*, const char*> prepared[] = {
      {"CREATE TRIGGER t AFTER INSERT ON facts BEGIN DELETE FROM facts; END", "it has what was never made in it"},
      {"DROP TABLE facts; CREATE VIEW facts AS SELECT 1 AS place, 'clock' AS fact, '1' AS words", "never made in it"},
      {"CREATE INDEX i ON facts (abs(place))", "it has what was never made in it"},
      {"ALTER TABLE facts ADD COLUMN more TEXT GENERATED ALWAYS AS (length(words))", "never made in it"},
      {"DROP TABLE transitions", "a table is missing"},
      {"PRAGMA application_id = 7", "no state of a zone's keys"},
      {"UPDATE zone SET name = 'other.'", "it is the state of another zone than example."},
      {"INSERT INTO zone VALUES ('example.', '')", "it is the state of another zone"},
      {"DELETE FROM facts", "facts, row 1: no line clock"},
      {"UPDATE facts SET words = words || ' more' WHERE fact = 'written'", "facts, row"},
      {"INSERT INTO facts (fact, words) SELECT 'clock', '5'", "it is there twice"},
      {"INSERT INTO facts (fact, words) VALUES ('unknown', '')", "it cannot be understood"},
      {"INSERT INTO facts (fact, words) VALUES ('waits', 'two' || char(10) || 'lines')", "it cannot be understood"},
      {"UPDATE facts SET words = '../../etc/passwd 1 13 zsk generated 0 - yes no' WHERE place = 2", "facts, row 2"},
      {"INSERT INTO facts (fact, words) VALUES ('held', hex(zeroblob(600000)))", "it is damaged"},
      {"PRAGMA journal_mode = WAL", "no database of this program"},
  };
  for (const auto& [sql, what] : prepared) {
    prepare(sql);
    EXPECT_THAT(error(), HasSubstr(path_ + ": it is damaged")) << sql;
    EXPECT_THAT(error(), HasSubstr(what)) << sql;
    EXPECT_THAT(error(), HasSubstr("put it back from a backup, or move it away, with its -journal")) << sql;
    EXPECT_FALSE(store_state(keys_, apex, some_state(), "a test")) << sql;
    folder_.write("example.sqlite", whole);
    EXPECT_EQ(error(), "none");
  }
  prepare("PRAGMA user_version = 2");
  EXPECT_EQ(error(), path_ + ": made by a younger version (layout 2, known up to 1)");
}

TEST_F(StateDatabaseTest, a_history_that_somebody_prepared_has_no_control_characters_and_no_impossible_times) {
  prepare("INSERT INTO transitions (at, of, was, became, why) VALUES (5, 'a' || char(27) || '[2J', '', 'b', char(10))");
  const auto history = read_history(keys_, apex, 1).value();
  EXPECT_EQ(history.front().of, "a?[2J");
  EXPECT_EQ(history.front().why, "?");
  prepare("INSERT INTO transitions (at, of, was, became, why) VALUES (9223372036854775807, 'a', '', 'b', '')");
  EXPECT_THAT(read_history(keys_, apex, 1).error(), HasSubstr("a time that cannot be"));
}

TEST_F(StateDatabaseTest, a_file_that_others_put_there_is_not_opened) {
  const std::string whole = folder_.read("example.sqlite");
  std::filesystem::permissions(path_, std::filesystem::perms{0664});
  EXPECT_THAT(error(), HasSubstr("others than its owner may change it; look at it, and chmod go-w"));
  std::filesystem::permissions(path_, std::filesystem::perms{0644});

  folder_.write("example.sqlite-journal", "of nobody's");
  std::filesystem::permissions(path_ + "-journal", std::filesystem::perms{0666});
  EXPECT_THAT(error(), HasSubstr("example.sqlite-journal: others than its owner may change it"));
  std::filesystem::remove(path_ + "-journal");

  std::filesystem::rename(path_, folder_.file("elsewhere"));
  std::filesystem::create_symlink(folder_.file("elsewhere"), path_);
  EXPECT_THAT(error(), HasSubstr("it is a link"));
  std::filesystem::remove(path_);

  for (const std::string& content :
       {std::string{}, std::string{"nonsense"}, std::string(10'000, 'x'), std::string(std::size_t{5} << 20, '\0'),
        whole.substr(0, 5000), whole.substr(0, 8192), whole.substr(0, whole.size() - 1)}) {
    folder_.write("example.sqlite", content);
    EXPECT_THAT(error(), HasSubstr("it is damaged")) << content.size();
  }
  std::filesystem::remove(path_);
  std::filesystem::create_directory(path_);
  EXPECT_THAT(error(), HasSubstr("it is no file"));
}

TEST_F(StateDatabaseTest, a_log_beside_it_is_refused_for_sqlite_would_read_it) {
  for (const std::string ending : {"-wal", "-shm"}) {
    folder_.write("example.sqlite" + ending, "");
    EXPECT_THAT(error(), HasSubstr("example.sqlite" + ending + ": it is damaged: a log"));
    EXPECT_FALSE(store_state(keys_, apex, some_state(), "a test"));
    std::filesystem::remove(path_ + ending);
  }
  EXPECT_EQ(error(), "none");
}

TEST_F(StateDatabaseTest, the_journal_of_one_that_was_moved_away_does_not_come_into_the_next) {
  ZoneRolls next = some_state();
  next.held = "another reason";
  for (const std::string ending : {"-journal", "-wal"}) {
    std::filesystem::remove(path_);
    folder_.write("example.sqlite" + ending, "of the one before");
    store(next);
    EXPECT_FALSE(std::filesystem::exists(path_ + ending));
    EXPECT_EQ(stored().held, "another reason");
  }
}

/// Whatever octets it has: a fault, or a state that a text could have said as well.
TEST_F(StateDatabaseTest, octets_that_were_changed_are_a_fault_or_another_state) {
  const std::string whole = folder_.read("example.sqlite");
  std::mt19937 dice{94};
  int faults = 0;
  for (int round = 0; round < 600; ++round) {
    std::string changed = whole;
    for (unsigned count = 1 + dice() % 4; count != 0; --count)
      // Most of a page is empty: what counts stands at its two ends.
      changed[(dice() % (changed.size() / 4096)) * 4096 + (dice() % 2 == 0 ? dice() % 120 : 4095 - dice() % 900)] =
          static_cast<char>(dice());
    folder_.write("example.sqlite", changed);
    const auto state = read_state(keys_, apex);
    if (!state) {
      EXPECT_THAT(state.error(), HasSubstr("example.sqlite")) << round;
    } else if (*state) {
      EXPECT_EQ(zone_keys_from_text(to_text(**state)), **state) << round;
    }
    faults += state ? 0 : 1;
    static_cast<void>(read_history(keys_, apex, 100));
    std::filesystem::remove(path_ + "-journal");
  }
  EXPECT_GE(faults, 100);
  EXPECT_LE(faults, 599);
}

// Backups
// --------------------------------------------------------------------------------------------------------------

/// A journal that a kill left, and changes that were not committed: the backup has what is true.
TEST_F(StateDatabaseTest, a_backup_has_what_is_committed_and_its_history) {
  FileCalls::install();
  ZoneRolls after = some_state();
  after.held = "another";
  const Secret passphrase{'p'};
  int hot = 0;
  bool is_done = false;
  for (int step = 1; !is_done; ++step) {
    store(some_state());
    is_done = FileCalls::comes_to_its_end(step, [&] { return store_state(keys_, apex, after, "a test").has_value(); });
    const bool is_hot = std::filesystem::exists(path_ + "-journal") && !is_done;
    if (!is_done && (!is_hot || hot++ != 3)) continue;  // one within the change, and the last
    const TemporaryFolder elsewhere;
    const std::string backup = elsewhere.file("backup");
    const auto backed_up = back_up_keys(folder_.path(), backup, passphrase, SealCost::interactive);
    ASSERT_TRUE(backed_up) << backed_up.error();
    ASSERT_EQ(restore_keys(backup, elsewhere.path(), passphrase).value(), 1U);
    const KeyFolder restored{elsewhere.path(), std::nullopt};
    EXPECT_EQ(read_state(restored, apex).value(), is_done ? after : some_state()) << step;
    EXPECT_EQ(read_history(restored, apex, 100).value(), read_history(keys_, apex, 100).value());
    EXPECT_FALSE(restore_keys(backup, elsewhere.path(), passphrase)) << "nothing is overwritten";
    std::filesystem::remove(elsewhere.file("example.sqlite"));
    elsewhere.write("example.sqlite-journal", "");
    EXPECT_THAT(restore_keys(backup, elsewhere.path(), passphrase).error(), HasSubstr("-journal: it is there already"));
  }
  EXPECT_GE(hot, 4);
}

}  // namespace
}  // namespace redoubt::dnssec
