#pragma once
// The state of one zone's keys in SQLite: what the machine goes on from (facts), and what changed when and why
// (transitions). Each change is one transaction, on the disk when it is done.
#include <cstdint>
#include <expected>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "dns/name.hpp"
#include "dnssec/database/database.hpp"
#include "dnssec/roll/history.hpp"
#include "dnssec/roll/zone_rolls.hpp"

namespace redoubt::dnssec {

inline constexpr std::uint32_t state_application = 0x52444b53;  // "RDKS"
inline constexpr std::int64_t state_layout = 1;
/// The facts of before and after, both within max_state_text, and the transitions.
inline constexpr std::int64_t max_state_file = std::int64_t{4} * 1024 * 1024;
database::Bounds state_bounds();

/// All errors are one line: the file, what is wrong with it, and what to do where something can be done.
class StateDatabase {
 public:
  /// One that is there.
  static std::expected<StateDatabase, std::string> open(const std::string& path, const dns::Name& zone);
  /// A new one with this state in it, where no file may be. On the disk when it returns, but for the name.
  /// taken_over  the digest of the text that the state comes from; empty: none
  static database::Done create(const std::string& path, const dns::Name& zone, const ZoneRolls& state,
                               std::span<const Transition> changes, const std::string& taken_over);

  std::expected<ZoneRolls, std::string> read() const;
  database::Done write(const ZoneRolls& state, std::span<const Transition> changes) const;
  /// Newest first. Whatever a prepared file has in it: printable ASCII alone, and times that can be printed.
  std::expected<std::vector<Transition>, std::string> history(std::size_t most) const;
  std::expected<std::string, std::string> taken_over() const;

 private:
  explicit StateDatabase(database::Connection connection) : connection_{std::move(connection)} {}
  database::Connection connection_;
};

}  // namespace redoubt::dnssec
