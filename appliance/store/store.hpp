#pragma once
// What outlives a restart: which configurations came into force, the copy of the root zone, the states of trust anchors
// and the negative ones. One SQLite file in the
// state folder, owned by one process. After a kill -9 at any moment it holds everything that was said to be done; after
// a loss of power, perhaps not the last of it.
#include <cstdint>
#include <expected>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "dnssec/database/database.hpp"

namespace redoubt::store {

/// Generations that are remembered; older ones are forgotten, but their numbers are not used again, but for those of
/// starts that failed.
inline constexpr std::uint64_t max_generations_kept = 1000;

enum class Outcome : std::uint8_t {
  begun,
  in_force,
  failed,
  starting,  ///< begun, by the start of the whole appliance
};
std::string_view to_text(Outcome outcome);

struct Generation {
  std::uint64_t number = 0;
  std::int64_t at = 0;  ///< seconds since 1970
  std::string digest;   ///< of the configuration's text: SHA-256, hexadecimal
  Outcome outcome = Outcome::begun;
  std::string trouble;
  bool operator==(const Generation&) const = default;
};

/// SHA-256 in hexadecimal.
std::string digest_of(std::string_view text);

/// All errors are one line.
class Store {
 public:
  using Done = std::expected<void, std::string>;

  /// Opens or makes redoubt.sqlite in that folder and brings it to this version's layout. The descriptor must stay open
  /// as long as the store lives. Refuses a file of a younger version, and one that another process holds.
  static std::expected<Store, std::string> open(int folder);

  /// Remembers that a configuration is about to come into force.
  /// returns  its number: larger than every number before, also those of former lives, but for starts that failed
  std::expected<std::uint64_t, std::string> begin_generation(std::int64_t at, std::string_view digest);
  /// The same at the start of the whole appliance, when nobody uses any configuration yet: numbers of starts that came
  /// to nothing are given again.
  std::expected<std::uint64_t, std::string> begin_first_generation(std::int64_t at, std::string_view digest);
  /// The start that began with this number has failed, whatever had become of its configurations: they were never in
  /// use.
  Done forget_start(std::uint64_t first);
  /// What came of it. With in_force, `configuration` is what a restarted process may fall back to.
  Done finish_generation(std::uint64_t number, Outcome outcome, std::string_view trouble,
                         std::string_view configuration);
  /// The text that was last in force.
  std::expected<std::optional<std::string>, std::string> last_configuration();
  /// Which listeners stand, as a text of the caller's: a restarted process finds its sockets by it. Empty at first.
  Done set_listeners(std::string_view listeners);
  std::expected<std::string, std::string> listeners();
  /// The root zone's local copy, as octets of the caller's, and when it was the newest there is.
  struct RootCopy {
    std::int64_t at = 0;  ///< seconds since 1970
    std::string records;
  };
  Done set_root_copy(std::int64_t at, std::string_view records);
  Done renew_root_copy(std::int64_t at);
  std::expected<std::optional<RootCopy>, std::string> root_copy();
  /// The state of one zone's trust anchors, as a text of the caller's. On the disk when it returns.
  Done set_trust_point(std::string_view zone, std::string_view state);
  std::expected<std::optional<std::string>, std::string> trust_point(std::string_view zone);
  /// Names below which nothing is validated for a while; times in seconds since 1970.
  struct NegativeAnchor {
    std::string zone;
    std::int64_t begun = 0;
    std::int64_t until = 0;
    std::string why;
    bool operator==(const NegativeAnchor&) const = default;
  };
  /// In place of one of the same zone. On the disk when it returns.
  Done put_negative_anchor(const NegativeAnchor& anchor);
  Done remove_negative_anchor(std::string_view zone);
  /// By zone.
  std::expected<std::vector<NegativeAnchor>, std::string> negative_anchors();
  /// Newest first, at most `count`.
  std::expected<std::vector<Generation>, std::string> generations(std::uint32_t count);

 private:
  explicit Store(database::Connection database) : database_{std::move(database)} {}
  database::Connection database_;
};

}  // namespace redoubt::store
