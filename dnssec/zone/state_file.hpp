#pragma once
// What is stored of a zone's keys, beside them; and whose turn it is to change it.
#include <expected>
#include <functional>
#include <optional>
#include <string>
#include <utility>

#include "dnssec/keys/key_folder.hpp"
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

/// A key that leaves says so in its own file first: should the state get lost, it is not taken for a key to use.
std::expected<void, std::string> store_state(const KeyFolder& keys, const dns::Name& apex, const ZoneRolls& zone);
/// Nothing when nothing is stored of that zone.
std::expected<std::optional<ZoneRolls>, std::string> read_state(const KeyFolder& keys, const dns::Name& zone);
/// What is stored of a zone, changed by `change`, and stored again. For operators' wishes.
/// errors: no state yet, or what `change` says
std::expected<ZoneRolls, std::string> change_state(
    const KeyFolder& keys, const dns::Name& zone,
    const std::function<std::expected<void, std::string>(ZoneRolls&)>& change);

}  // namespace redoubt::dnssec
