#pragma once
// What is known of zones: the keys of those whose chain of trust stands, and where it ends.
#include <memory>
#include <mutex>
#include <optional>

#include "dns/name.hpp"
#include "dnssec/verify/reason.hpp"
#include "dnssec/verify/zone_keys.hpp"
#include "resolver/budget.hpp"
#include "resolver/clock.hpp"
#include "resolver/upstream/recent_table.hpp"

namespace redoubt::resolver {

/// One name as far as the chain of trust is concerned.
struct ZoneTrust {
  enum class Kind : std::uint8_t {
    secure,    ///< a zone with these keys
    insecure,  ///< a zone that nobody vouches for, or one below such a zone
    bogus,     ///< a zone whose keys or DS do not verify
    no_cut,    ///< the name exists, but no zone begins there
    no_name,   ///< proven not to exist
    unchecked  ///< a zone whose keys or DS are more work than one question may cost: neither secure nor bogus
  };
  Kind kind = Kind::bogus;
  std::shared_ptr<const dnssec::ZoneKeys> keys{};  ///< of a secure one
  dnssec::Reason reason{};  ///< of a bogus or unchecked one; of an insecure one, when it has unknown numbers
  Instant expires{};
  std::optional<Limit> limit{};  ///< of an unchecked one
};
using SharedTrust = std::shared_ptr<const ZoneTrust>;

/// Shared by workers. Bounded: the names that were needed longest ago go.
class TrustTable {
 public:
  static constexpr std::size_t max_names = 20'000;

  explicit TrustTable(const dns::HashKey& key) : key_{key}, table_{max_names, Hash{key}} {}
  /// Null when nothing that still holds is known.
  SharedTrust find(const dns::Name& name, Instant now);
  void put(const dns::Name& name, SharedTrust trust);
  /// Other anchors: nothing of what followed from the old ones holds.
  void clear();

 private:
  struct Hash {
    dns::HashKey key;
    std::size_t operator()(const dns::Name& name) const { return name.hash(key); }
  };
  std::mutex lock_;
  dns::HashKey key_;
  RecentTable<dns::Name, SharedTrust, Hash> table_;
};

}  // namespace redoubt::resolver
