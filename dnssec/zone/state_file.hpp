#pragma once
// What is stored of a zone's keys, beside them; and whose turn it is to change it.
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dnssec/keys/key_folder.hpp"
#include "dnssec/roll/history.hpp"
#include "dnssec/roll/zone_rolls.hpp"

namespace redoubt::dnssec {

/// Two runs at once would each decide without the other. Gone with the process, however that ends.
class FolderLock {
 public:
  /// errors: another run has it
  static std::expected<FolderLock, std::string> take(const std::string& folder);
  FolderLock(FolderLock&& other) noexcept : descriptor_{std::exchange(other.descriptor_, -1)} {}
  FolderLock& operator=(FolderLock&&) = delete;
  ~FolderLock();

 private:
  explicit FolderLock(int descriptor) : descriptor_{descriptor} {}
  int descriptor_;
};

/// In one transaction, with what changed since the state before; on the disk when it returns. The first time takes a
/// text of an earlier version over, in the same transaction, and renames it to NAME.state.imported. A key that leaves
/// says so in its own file first: should the state get lost, it is not taken for a key to use. The caller has the
/// FolderLock. cause    for the history: what the program was about, one line errors   the old state is still there
std::expected<void, std::string> store_state(const KeyFolder& keys, const dns::Name& apex, const ZoneRolls& zone,
                                             std::string_view cause);
/// Nothing when nothing is stored of that zone. A text of an earlier version counts as long as there is no database.
std::expected<std::optional<ZoneRolls>, std::string> read_state(const KeyFolder& keys, const dns::Name& zone);
/// The last transitions, newest first. None where nothing is stored of that zone.
std::expected<std::vector<Transition>, std::string> read_history(const KeyFolder& keys, const dns::Name& zone,
                                                                 std::size_t most);
/// What is stored of a zone, changed by `change`, and stored again. For operators' wishes.
/// cause    as for store_state()
/// errors: no state yet, or what `change` says
std::expected<ZoneRolls, std::string> change_state(
    const KeyFolder& keys, const dns::Name& zone,
    const std::function<std::expected<void, std::string>(ZoneRolls&)>& change, std::string_view cause);

}  // namespace redoubt::dnssec
