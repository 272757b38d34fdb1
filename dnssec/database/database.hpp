#pragma once
// SQLite, opened so that a file which somebody prepared is an error and no more. The one way to it in this tree: the
// store of the control role and the states of zones' keys both come through here.
#include <cstdint>
#include <expected>
#include <memory>
#include <span>
#include <string>
#include <string_view>

struct sqlite3;
struct sqlite3_stmt;

namespace redoubt::database {

/// errors: "NAME: what is wrong", one line
using Done = std::expected<void, std::string>;

/// What a file may ask of whoever opens it. 0: as much as SQLite has room for.
struct Bounds {
  std::int64_t file_octets = 0;
  int value_octets = 0;     ///< of one text, one row
  std::uint64_t steps = 0;  ///< of SQLite's machine, over the life of the connection: pages may lead in circles
};

/// Of a file that is to be opened, before SQLite sees it: a plain file, that none but its owner may change, within
/// bounds, of SQLite's format, without a write-ahead log; and so is a journal beside it, of the same owner or root.
/// Links are not followed.
Done check_file(const std::string& path, const std::string& name, const Bounds& bounds);

enum class Opening : std::uint8_t {
  create,    ///< made if it is not there
  existing,  ///< an error if it is not there; read only where the system allows no more
};

/// One open file. No trigger, view, function of the schema or memory map of it has any effect; the last part of its
/// path may be no symbolic link.
class Connection {
 public:
  /// path   taken as it is; folders in it may be known by descriptor alone ("/proc/self/fd/7/x.sqlite")
  /// name   of the file, for errors
  static std::expected<Connection, std::string> open(const std::string& path, std::string name, Opening opening,
                                                     const Bounds& bounds = {});
  /// Statements without a result that matters, separated by semicolons.
  Done run(const std::string& sql) const;
  /// What a call of SQLite returned, as a value of ours.
  Done done(int code) const;
  /// PRAGMA NAME, a number.
  std::expected<std::int64_t, std::string> number_of(const std::string& pragma) const;
  /// The number of the row that was inserted last.
  std::int64_t last_row() const;
  std::unexpected<std::string> fault(std::string_view what) const;
  /// All octets of what is committed, as they would lie in a file that nobody has open.
  std::expected<std::string, std::string> content() const;
  sqlite3* handle() const { return database_.get(); }
  const std::string& name() const { return name_; }

 private:
  struct Close {
    void operator()(sqlite3* database) const;
  };
  using Database = std::unique_ptr<sqlite3, Close>;
  Connection(Database database, std::string name) : database_{std::move(database)}, name_{std::move(name)} {}
  Done harden(const Bounds& bounds);

  std::unique_ptr<std::uint64_t> steps_left_;  // in thousands; at a place that SQLite may know; outlives the database
  Database database_;
  std::string name_;
};

/// One prepared statement. The first fault sticks; later steps do nothing. Not longer alive than its connection.
class Statement {
 public:
  Statement(const Connection& connection, std::string_view sql);
  ~Statement();
  Statement(const Statement&) = delete;
  Statement& operator=(const Statement&) = delete;

  Statement& bind(std::int64_t value);
  Statement& bind(std::string_view value);
  /// Whether there is a (further) row.
  bool step();
  /// Ready to be bound and stepped again.
  void reset();
  std::int64_t number(int column) const;
  std::string text(int column) const;
  Done done() const { return connection_->done(code_); }

 private:
  const Connection* connection_;
  sqlite3_stmt* statement_ = nullptr;
  int code_;
  int bound_ = 0;
};

/// All or nothing: rolled back unless commit() was reached.
class Transaction {
 public:
  /// to_write: refused at once where another writes
  explicit Transaction(const Connection& connection, bool to_write = true);
  ~Transaction();
  Transaction(const Transaction&) = delete;
  Transaction& operator=(const Transaction&) = delete;
  const Done& begun() const { return begun_; }
  Done commit();

 private:
  const Connection* connection_;
  Done begun_;
  bool committed_ = false;
};

struct TableText {
  std::string_view name;
  std::string_view sql;  ///< as it was made: "CREATE TABLE ..."
};
/// That the pages hang together, and that the file has these tables, made by these very words, and nothing else: what a
/// schema could have prepared (triggers, views, generated columns, indices on expressions) is not there then.
Done expect_whole(const Connection& connection, std::span<const TableText> tables);

}  // namespace redoubt::database
