#include "appliance/store/store.hpp"

#include <fmt/format.h>
#include <sodium.h>

#include <array>
#include <charconv>
#include <utility>

namespace redoubt::store {

namespace {

using database::Connection;
using database::Statement;
using database::Transaction;
using Done = Store::Done;

// Step k brings a file of version k (`PRAGMA user_version`) to version k + 1. Steps that were released are never
// changed.
constexpr std::array migrations{
    "CREATE TABLE meta (key TEXT PRIMARY KEY, value BLOB NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE generations (number INTEGER PRIMARY KEY AUTOINCREMENT, at INTEGER NOT NULL, digest TEXT NOT NULL,"
    " outcome INTEGER NOT NULL, trouble TEXT NOT NULL);",
    "CREATE TABLE trust_points (zone TEXT PRIMARY KEY, state TEXT NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE negative_anchors (zone TEXT PRIMARY KEY, begun INTEGER NOT NULL, until INTEGER NOT NULL,"
    " why TEXT NOT NULL) WITHOUT ROWID;",
};
constexpr const char* last_configuration_key = "last configuration";
constexpr const char* listeners_key = "listeners";
constexpr const char* root_copy_key = "root copy";
constexpr const char* root_copy_time_key = "root copy, time";
constexpr const char* file_name = "redoubt.sqlite";

/// While it lives, a commit returns when it is on the disk: what trust begins with must survive a loss of power too.
class OnDisk {
 public:
  explicit OnDisk(const Connection& database) : database_{&database}, set_{database.run("PRAGMA synchronous = FULL")} {}
  ~OnDisk() { static_cast<void>(database_->run("PRAGMA synchronous = NORMAL")); }
  OnDisk(const OnDisk&) = delete;
  OnDisk& operator=(const OnDisk&) = delete;
  const Done& set() const { return set_; }

 private:
  const Connection* database_;
  Done set_;
};

Done write_meta(const Connection& database, std::string_view key, std::string_view value) {
  Statement remember{database, "INSERT OR REPLACE INTO meta (key, value) VALUES (?, ?)"};
  remember.bind(key).bind(value).step();
  return remember.done();
}

std::expected<std::optional<std::string>, std::string> read_meta(const Connection& database, std::string_view key) {
  Statement find{database, "SELECT value FROM meta WHERE key = ?"};
  if (find.bind(key).step()) return find.text(0);
  if (auto done = find.done(); !done) return std::unexpected{done.error()};
  return std::nullopt;
}

/// Within a transaction.
std::expected<std::uint64_t, std::string> add_generation(const Connection& database, std::int64_t at,
                                                         std::string_view digest, Outcome outcome) {
  Statement insert{database, "INSERT INTO generations (at, digest, outcome, trouble) VALUES (?, ?, ?, '')"};
  insert.bind(at).bind(digest).bind(static_cast<std::int64_t>(outcome)).step();
  if (auto done = insert.done(); !done) return std::unexpected{done.error()};
  const auto number = static_cast<std::uint64_t>(database.last_row());
  Statement forget{database, "DELETE FROM generations WHERE number <= ?"};
  forget.bind(static_cast<std::int64_t>(number) - static_cast<std::int64_t>(max_generations_kept)).step();
  if (auto done = forget.done(); !done) return std::unexpected{done.error()};
  return number;
}

/// Within a transaction: that number and all above it are given again.
Done forget_from(const Connection& database, std::int64_t number) {
  Statement forget{database, "DELETE FROM generations WHERE number >= ?"};
  forget.bind(number).step();
  if (auto done = forget.done(); !done) return done;
  Statement count{database, "UPDATE sqlite_sequence SET seq = ? WHERE name = 'generations'"};
  count.bind(number - 1).step();
  return count.done();
}

Done migrate(const Connection& database) {
  Statement asked{database, "PRAGMA user_version"};
  if (!asked.step()) return asked.done();
  const auto version = asked.number(0);
  if (version < 0 || version > static_cast<std::int64_t>(migrations.size())) {
    return std::unexpected{fmt::format("redoubt.sqlite: made by a younger version (layout {}, known up to {})", version,
                                       migrations.size())};
  }
  for (auto step = static_cast<std::size_t>(version); step < migrations.size(); ++step) {
    Transaction transaction{database};
    if (!transaction.begun()) return transaction.begun();
    if (auto done = database.run(migrations[step]); !done) return done;
    if (auto done = database.run(fmt::format("PRAGMA user_version = {}", step + 1)); !done) return done;
    if (auto done = transaction.commit(); !done) return done;
  }
  return {};
}

}  // namespace

std::string_view to_text(Outcome outcome) {
  switch (outcome) {
    case Outcome::begun:
      return "begun";
    case Outcome::in_force:
      return "in force";
    case Outcome::failed:
      return "failed";
    case Outcome::starting:
      return "starting";
  }
  return {};
}

std::string digest_of(std::string_view text) {
  std::array<unsigned char, crypto_hash_sha256_BYTES> hash{};
  crypto_hash_sha256(hash.data(), reinterpret_cast<const unsigned char*>(text.data()),
                     text.size());  // NOLINT: the API's way
  std::string hex;
  for (const unsigned char octet : hash) hex += fmt::format("{:02x}", octet);
  return hex;
}

std::expected<Store, std::string> Store::open(int folder) {
  auto database =
      Connection::open(fmt::format("/proc/self/fd/{}/{}", folder, file_name), file_name, database::Opening::create);
  if (!database) return std::unexpected{database.error()};
  // Exclusive: this process alone uses the file, so that its index is in our memory rather than in a third file that is
  // shared. Without fsync at each commit: kill -9 loses nothing either way.
  static constexpr auto settings =
      "PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL";
  if (auto done = database->run(settings); !done) return std::unexpected{done.error()};
  if (auto done = migrate(*database); !done) return std::unexpected{done.error()};
  return Store{std::move(*database)};
}

std::expected<std::uint64_t, std::string> Store::begin_generation(std::int64_t at, std::string_view digest) {
  Transaction transaction{database_};
  if (!transaction.begun()) return std::unexpected{transaction.begun().error()};
  auto number = add_generation(database_, at, digest, Outcome::begun);
  if (!number) return number;
  if (auto done = transaction.commit(); !done) return std::unexpected{done.error()};
  return number;
}

std::expected<std::uint64_t, std::string> Store::begin_first_generation(std::int64_t at, std::string_view digest) {
  Transaction transaction{database_};
  if (!transaction.begun()) return std::unexpected{transaction.begun().error()};
  // A start that was killed could not forget its own.
  Statement left{database_,
                 "SELECT min(number) FROM generations WHERE outcome = 3 AND"
                 " number > coalesce((SELECT max(number) FROM generations WHERE outcome <> 3), 0)"};
  const std::int64_t first = left.step() ? left.number(0) : 0;  // 0: NULL, for there is none
  if (auto done = left.done(); !done) return std::unexpected{done.error()};
  if (first != 0) {
    if (auto done = forget_from(database_, first); !done) return std::unexpected{done.error()};
  }
  auto number = add_generation(database_, at, digest, Outcome::starting);
  if (!number) return number;
  if (auto done = transaction.commit(); !done) return std::unexpected{done.error()};
  return number;
}

Done Store::forget_start(std::uint64_t first) {
  Transaction transaction{database_};
  if (!transaction.begun()) return transaction.begun();
  if (auto done = forget_from(database_, static_cast<std::int64_t>(first)); !done) return done;
  return transaction.commit();
}

Done Store::finish_generation(std::uint64_t number, Outcome outcome, std::string_view what,
                              std::string_view configuration) {
  Transaction transaction{database_};
  if (!transaction.begun()) return transaction.begun();
  Statement update{database_, "UPDATE generations SET outcome = ?, trouble = ? WHERE number = ?"};
  update.bind(static_cast<std::int64_t>(outcome)).bind(what).bind(static_cast<std::int64_t>(number)).step();
  if (auto done = update.done(); !done) return done;
  if (outcome == Outcome::in_force) {
    if (auto done = write_meta(database_, last_configuration_key, configuration); !done) return done;
  }
  return transaction.commit();
}

std::expected<std::optional<std::string>, std::string> Store::last_configuration() {
  return read_meta(database_, last_configuration_key);
}

Done Store::set_listeners(std::string_view listeners) { return write_meta(database_, listeners_key, listeners); }

std::expected<std::string, std::string> Store::listeners() {
  auto found = read_meta(database_, listeners_key);
  if (!found) return std::unexpected{found.error()};
  return found->value_or("");
}

Done Store::set_root_copy(std::int64_t at, std::string_view records) {
  Transaction transaction{database_};
  if (!transaction.begun()) return transaction.begun();
  if (auto done = write_meta(database_, root_copy_key, records); !done) return done;
  if (auto done = renew_root_copy(at); !done) return done;
  return transaction.commit();
}

Done Store::renew_root_copy(std::int64_t at) {
  return write_meta(database_, root_copy_time_key, fmt::format("{}", at));
}

std::expected<std::optional<Store::RootCopy>, std::string> Store::root_copy() {
  const auto at = read_meta(database_, root_copy_time_key);
  if (!at) return std::unexpected{at.error()};
  auto records = read_meta(database_, root_copy_key);
  if (!records) return std::unexpected{records.error()};
  if (!*records || !*at) return std::nullopt;
  RootCopy copy{.at = 0, .records = **std::move(records)};
  const std::string& text = **at;
  if (std::from_chars(text.data(), text.data() + text.size(), copy.at).ec != std::errc{}) return std::nullopt;
  return copy;
}

Done Store::set_trust_point(std::string_view zone, std::string_view state) {
  const OnDisk durable{database_};
  if (!durable.set()) return durable.set();
  Statement remember{database_, "INSERT OR REPLACE INTO trust_points (zone, state) VALUES (?, ?)"};
  remember.bind(zone).bind(state).step();
  return remember.done();
}

std::expected<std::optional<std::string>, std::string> Store::trust_point(std::string_view zone) {
  Statement find{database_, "SELECT state FROM trust_points WHERE zone = ?"};
  if (find.bind(zone).step()) return find.text(0);
  if (auto done = find.done(); !done) return std::unexpected{done.error()};
  return std::nullopt;
}

Done Store::put_negative_anchor(const NegativeAnchor& anchor) {
  const OnDisk durable{database_};
  if (!durable.set()) return durable.set();
  Statement remember{database_,
                     "INSERT OR REPLACE INTO negative_anchors (zone, begun, until, why) VALUES (?, ?, ?, ?)"};
  remember.bind(anchor.zone).bind(anchor.begun).bind(anchor.until).bind(anchor.why).step();
  return remember.done();
}

Done Store::remove_negative_anchor(std::string_view zone) {
  const OnDisk durable{database_};
  if (!durable.set()) return durable.set();
  Statement forget{database_, "DELETE FROM negative_anchors WHERE zone = ?"};
  forget.bind(zone).step();
  return forget.done();
}

std::expected<std::vector<Store::NegativeAnchor>, std::string> Store::negative_anchors() {
  Statement rows{database_, "SELECT zone, begun, until, why FROM negative_anchors ORDER BY zone"};
  std::vector<NegativeAnchor> all;
  while (rows.step())
    all.push_back({.zone = rows.text(0), .begun = rows.number(1), .until = rows.number(2), .why = rows.text(3)});
  if (auto done = rows.done(); !done) return std::unexpected{done.error()};
  return all;
}

std::expected<std::vector<Generation>, std::string> Store::generations(std::uint32_t count) {
  Statement rows{database_,
                 "SELECT number, at, digest, outcome, trouble FROM generations ORDER BY number DESC LIMIT ?"};
  rows.bind(static_cast<std::int64_t>(count));
  std::vector<Generation> all;
  while (rows.step()) {
    const auto outcome = rows.number(3);
    all.push_back({.number = static_cast<std::uint64_t>(rows.number(0)),
                   .at = rows.number(1),
                   .digest = rows.text(2),
                   .outcome = outcome == 1   ? Outcome::in_force
                              : outcome == 2 ? Outcome::failed
                              : outcome == 3 ? Outcome::starting
                                             : Outcome::begun,
                   .trouble = rows.text(4)});
  }
  if (auto done = rows.done(); !done) return std::unexpected{done.error()};
  return all;
}

}  // namespace redoubt::store
