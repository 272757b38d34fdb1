#include "dnssec/database/database.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstring>
#include <limits>
#include <utility>

#include "dnssec/database/folder_vfs.hpp"

namespace redoubt::database {

namespace {

constexpr int patience_milliseconds = 500;  // a former life that was just killed may still hold the file
constexpr int steps_a_look = 1000;

std::string reason(sqlite3* database, int code) {
  switch (code & 0xff) {
    case SQLITE_BUSY:
      return "another process holds it";
    case SQLITE_FULL:
      return "no space left";
    case SQLITE_READONLY:
      return "it cannot be written";
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
    case SQLITE_TOOBIG:
      return "it is damaged";
    case SQLITE_INTERRUPT:
      return "it is damaged: reading it comes to no end";
    default:
      break;
  }
  if (database == nullptr) return sqlite3_errstr(code);
  const int error = sqlite3_system_errno(database);
  if (error == 0 || (code & 0xff) == SQLITE_ERROR) return sqlite3_errmsg(database);
  return fmt::format("{}: {}", sqlite3_errmsg(database), std::strerror(error));
}

/// SQLite asks now and then whether to go on; anything but 0 ends the statement.
int count_down(void* left) {
  auto& thousands = *static_cast<std::uint64_t*>(left);
  if (thousands == 0) return 1;
  --thousands;
  return 0;
}

class Descriptor {
 public:
  explicit Descriptor(const std::string& path)
      : descriptor_{::open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK)} {}
  ~Descriptor() {
    if (descriptor_ >= 0) ::close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const { return descriptor_; }

 private:
  int descriptor_;
};

std::unexpected<std::string> fault_of(const std::string& name, std::string_view what) {
  return std::unexpected{fmt::format("{}: {}", name, what)};
}

/// errors: what is wrong with a file that was opened
std::expected<struct stat, std::string> status_of(const Descriptor& file, const std::string& name, std::int64_t most) {
  struct stat status {};
  if (file.get() < 0 && errno == ELOOP) return fault_of(name, "it is a link");
  if (file.get() < 0 || ::fstat(file.get(), &status) != 0) return fault_of(name, std::strerror(errno));
  if (!S_ISREG(status.st_mode)) return fault_of(name, "it is no file");
  if ((status.st_mode & 022U) != 0)
    return fault_of(name, "others than its owner may change it; look at it, and chmod go-w");
  if (most != 0 && status.st_size > most) return fault_of(name, "it is damaged: larger than it can be");
  return status;
}

}  // namespace

Done check_file(const std::string& path, const std::string& name, const Bounds& bounds) {
  const Descriptor file{path};
  const auto status = status_of(file, name, bounds.file_octets);
  if (!status) return std::unexpected{status.error()};
  constexpr std::size_t versions_at = 18;  // of the file format: to write, to read; 1 is a journal that undoes
  constexpr std::string_view magic{"SQLite format 3\0", 16};
  std::array<char, versions_at + 2> head{};
  const bool is_there = ::pread(file.get(), head.data(), head.size(), 0) == static_cast<ssize_t>(head.size());
  if (!is_there || !std::string_view{head.data(), head.size()}.starts_with(magic) || head[versions_at] != 1 ||
      head[versions_at + 1] != 1)
    return fault_of(name, "it is damaged: no database of this program");
  if (status->st_uid != 0 && ::geteuid() != 0 && status->st_uid != ::geteuid())
    return fault_of(name, "it belongs to another user, who may change it at any time");
  // SQLite takes pages from such a log whatever the file's own format says.
  for (const char* const ending : {"-wal", "-shm"}) {
    struct stat log {};
    if (::lstat((path + ending).c_str(), &log) == 0 || errno != ENOENT)
      return fault_of(name + ending,
                      "it is damaged: a log that this program never makes; look at it, and move it away");
  }
  const Descriptor journal{path + "-journal"};
  if (journal.get() < 0 && errno == ENOENT) return {};
  const auto beside = status_of(journal, name + "-journal", 2 * bounds.file_octets);
  if (!beside) return std::unexpected{beside.error()};
  if (beside->st_uid != status->st_uid && beside->st_uid != 0)
    return fault_of(name + "-journal", "it belongs to another user than what it is to undo");
  return {};
}

void Connection::Close::operator()(sqlite3* database) const { sqlite3_close_v2(database); }

std::expected<Connection, std::string> Connection::open(const std::string& path, std::string name, Opening opening,
                                                        const Bounds& bounds) {
  const char* vfs = folder_vfs();
  if (vfs == nullptr) return std::unexpected{name + ": SQLite has no way to files"};
  sqlite3* opened = nullptr;
  const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_PRIVATECACHE | SQLITE_OPEN_EXRESCODE |
                    (opening == Opening::create ? SQLITE_OPEN_CREATE : 0);
  const int code = sqlite3_open_v2(path.c_str(), &opened, flags, vfs);
  Connection connection{Database{opened}, std::move(name)};
  if (auto done = connection.done(code); !done) return std::unexpected{done.error()};
  if (auto done = connection.harden(bounds); !done) return std::unexpected{done.error()};
  return connection;
}

/// Before the first page is read: SQLite reads none until it is asked for something.
Done Connection::harden(const Bounds& bounds) {
  sqlite3* database = database_.get();
  sqlite3_busy_timeout(database, patience_milliseconds);
  constexpr std::pair<int, int> switches[] = {{SQLITE_DBCONFIG_DEFENSIVE, 1},      {SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0},
                                              {SQLITE_DBCONFIG_ENABLE_TRIGGER, 0}, {SQLITE_DBCONFIG_ENABLE_VIEW, 0},
                                              {SQLITE_DBCONFIG_DQS_DDL, 0},        {SQLITE_DBCONFIG_DQS_DML, 0}};
  for (const auto& [which, value] : switches) {
    int now = -1;
    if (auto done = this->done(sqlite3_db_config(database, which, value, &now)); !done) return done;
    if (now != value) return fault("SQLite cannot be told to distrust files");
  }
  constexpr std::pair<int, int> limits[] = {{SQLITE_LIMIT_ATTACHED, 0},       {SQLITE_LIMIT_COLUMN, 32},
                                            {SQLITE_LIMIT_EXPR_DEPTH, 32},    {SQLITE_LIMIT_COMPOUND_SELECT, 4},
                                            {SQLITE_LIMIT_SQL_LENGTH, 16384}, {SQLITE_LIMIT_TRIGGER_DEPTH, 1}};
  for (const auto& [which, value] : limits) sqlite3_limit(database, which, value);
  if (bounds.value_octets != 0) sqlite3_limit(database, SQLITE_LIMIT_LENGTH, bounds.value_octets);
  if (bounds.steps != 0) {
    steps_left_ = std::make_unique<std::uint64_t>(bounds.steps / steps_a_look);
    sqlite3_progress_handler(database, steps_a_look, count_down, steps_left_.get());
  }
  if (auto done = run("PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA mmap_size = 0;"
                      "PRAGMA temp_store = MEMORY");
      !done)
    return done;
  if (bounds.file_octets == 0) return {};
  const auto page = number_of("page_size");
  if (!page) return std::unexpected{page.error()};
  return run(fmt::format("PRAGMA max_page_count = {}", bounds.file_octets / std::max<std::int64_t>(*page, 512)));
}

Done Connection::run(const std::string& sql) const {
  return done(sqlite3_exec(database_.get(), sql.c_str(), nullptr, nullptr, nullptr));
}

Done Connection::done(int code) const {
  if (code == SQLITE_OK) return {};
  return fault(reason(database_.get(), code));
}

std::unexpected<std::string> Connection::fault(std::string_view what) const {
  return std::unexpected{fmt::format("{}: {}", name_, what)};
}

std::expected<std::int64_t, std::string> Connection::number_of(const std::string& pragma) const {
  Statement asked{*this, "PRAGMA " + pragma};
  if (asked.step()) return asked.number(0);
  if (auto done = asked.done(); !done) return std::unexpected{done.error()};
  return fault("it has no " + pragma);
}

std::int64_t Connection::last_row() const { return sqlite3_last_insert_rowid(database_.get()); }

std::expected<std::string, std::string> Connection::content() const {
  const Transaction reading{*this, false};
  if (!reading.begun()) return std::unexpected{reading.begun().error()};
  // The first read takes the lock, and undoes what a killed process left half done.
  if (const auto asked = number_of("schema_version"); !asked) return std::unexpected{asked.error()};
  sqlite3_int64 size = 0;
  const std::unique_ptr<unsigned char, decltype(&sqlite3_free)> octets{
      sqlite3_serialize(database_.get(), "main", &size, 0), &sqlite3_free};
  if (octets == nullptr || size <= 0) return fault("it cannot be read as a whole");
  return std::string{reinterpret_cast<const char*>(octets.get()),
                     static_cast<std::size_t>(size)};  // octets as they are
}

Statement::Statement(const Connection& connection, std::string_view sql) : connection_{&connection} {
  code_ = sqlite3_prepare_v2(connection.handle(), sql.data(), static_cast<int>(sql.size()), &statement_, nullptr);
}

Statement::~Statement() { sqlite3_finalize(statement_); }

Statement& Statement::bind(std::int64_t value) {
  if (code_ == SQLITE_OK) code_ = sqlite3_bind_int64(statement_, ++bound_, value);
  return *this;
}

Statement& Statement::bind(std::string_view value) {
  if (code_ == SQLITE_OK)
    code_ = sqlite3_bind_text(statement_, ++bound_, value.empty() ? "" : value.data(), static_cast<int>(value.size()),
                              SQLITE_TRANSIENT);
  return *this;
}

bool Statement::step() {
  if (code_ != SQLITE_OK) return false;
  const int result = sqlite3_step(statement_);
  if (result != SQLITE_ROW && result != SQLITE_DONE) code_ = result;
  return result == SQLITE_ROW;
}

void Statement::reset() {
  if (statement_ == nullptr) return;
  sqlite3_reset(statement_);  // what the last step said is known already
  bound_ = 0;
}

std::int64_t Statement::number(int column) const { return sqlite3_column_int64(statement_, column); }

std::string Statement::text(int column) const {
  const void* octets = sqlite3_column_blob(statement_, column);
  if (octets == nullptr) return {};
  return {static_cast<const char*>(octets), static_cast<std::size_t>(sqlite3_column_bytes(statement_, column))};
}

Transaction::Transaction(const Connection& connection, bool to_write)
    : connection_{&connection}, begun_{connection.run(to_write ? "BEGIN IMMEDIATE" : "BEGIN")} {}

Transaction::~Transaction() {
  if (begun_ && !committed_) static_cast<void>(connection_->run("ROLLBACK"));  // or closing the file does it
}

Done Transaction::commit() {
  auto done = connection_->run("COMMIT");
  committed_ = done.has_value();
  return done;
}

namespace {

/// SQLite takes what is missing of the last page for zeros. Within a transaction.
Done expect_whole_pages(const Connection& connection) {
  const auto page = connection.number_of("page_size");
  if (!page) return std::unexpected{page.error()};
  sqlite3_file* file = nullptr;
  sqlite3_int64 octets = 0;
  if (auto done = connection.done(sqlite3_file_control(connection.handle(), "main", SQLITE_FCNTL_FILE_POINTER, &file));
      !done)
    return done;
  if (auto done = connection.done(file->pMethods->xFileSize(file, &octets)); !done) return done;
  if (*page <= 0 || octets % *page != 0) return connection.fault("it is damaged: its end is missing");
  return {};
}

}  // namespace

Done expect_whole(const Connection& connection, std::span<const TableText> tables) {
  const Transaction reading{connection, false};
  if (!reading.begun()) return reading.begun();
  // Before the pages are checked, for that runs what a schema says.
  Statement rows{connection, "SELECT type, name, sql FROM sqlite_schema"};
  std::size_t found = 0;
  while (rows.step()) {
    const std::string name = rows.text(1);
    const auto table = std::ranges::find(tables, name, &TableText::name);
    if (rows.text(0) != "table" || table == tables.end() || rows.text(2) != table->sql)
      return connection.fault("it is damaged: it has what was never made in it");
    ++found;
  }
  if (auto done = rows.done(); !done) return done;
  if (found != tables.size()) return connection.fault("it is damaged: a table is missing");
  Statement checked{connection, "PRAGMA quick_check(1)"};
  const bool is_whole = checked.step() && checked.text(0) == "ok";
  if (auto done = checked.done(); !done) return done;
  if (!is_whole) return connection.fault("it is damaged");
  if (auto done = expect_whole_pages(connection); !done) return done;
  return {};
}

}  // namespace redoubt::database
