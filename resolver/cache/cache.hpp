#pragma once
// The record cache: RRsets, denials, recent failures and delegations, bounded in octets, shared by all workers.
// Delegations are kept apart from data: what a child zone says of itself never prolongs or changes what its parent said
// (attacks: ghost domains), and glue is never an answer.
#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "dns/address.hpp"
#include "resolver/guards.hpp"
#include "resolver/outcome.hpp"
#include "resolver/validate/standing.hpp"

namespace redoubt::resolver {

struct Route;

/// How far data is trusted (RFC 2181 §5.4.1), lowest first. Lower never replaces higher while that is fresh.
enum class Rank : std::uint8_t { additional, authority, answer, authoritative_answer };

struct NameServer {
  dns::Name name;
  std::vector<dns::IpAddress> addresses;  ///< glue; empty: to be looked up
};

/// A zone cut as the parent told it; the root's as the root itself did.
struct Delegation {
  dns::Name zone;
  std::vector<NameServer> servers;
  Instant expires;
  Instant learned{Instant::min()};
  /// The servers are the configuration's (a stub zone); such a one is never cached. Lives as long as the settings.
  const Route* route = nullptr;
};
using SharedDelegation = std::shared_ptr<const Delegation>;

enum class EntryKind : std::uint8_t { data, no_data, no_name, failure };

struct Found {
  EntryKind kind;
  Rank rank;
  SharedRRset rrset;                                ///< the data; of a denial its SOA, if it had one
  std::shared_ptr<const dns::ExtendedError> error;  ///< of a failure
  Instant expires;
  /// Clients ask for it and it ends soon: whoever found it sees to it that it is fetched again. Told once.
  bool renewal_due = false;
  /// Of a CNAME that a DNAME made: that DNAME, which is answered before it (RFC 6672 §3.1).
  SharedRRset made_by = {};
  /// Of a failure: bogus when that was the reason, insecure when a limit kept its answer from being checked. Of a CNAME
  /// that a DNAME made, the evidence is the DNAME's.
  Standing standing = {};
  /// When it was taken in.
  Instant learned() const;
};

/// Whether a failure came of checking: it says nothing to who wants unchecked data.
inline bool is_of_checking(const Found& failure) { return failure.standing.security != Security::indeterminate; }

/// What show() tells of one entry.
struct ShownEntry {
  dns::Name name;
  dns::RrType type;
  Found found;
};

struct CacheCounters {
  std::uint64_t entries = 0;
  std::uint64_t octets = 0;
  std::uint64_t evictions = 0;
  std::uint64_t taken_in = 0;  ///< entries, since the cache was made
};

/// An entry on its way to the next life of the process, or from the former one (kept_image.hpp).
struct KeptEntry;

/// Whose question is looked up: only those of clients make an entry popular.
enum class Asker : std::uint8_t { ourselves, client };

/// Larger ones serve their asker and are not kept (attacks: large entries).
inline constexpr std::size_t max_entry_octets = 8'192;

class Cache {
 public:
  /// octets bounds everything that entries hold, their own administration included.
  Cache(std::uint64_t octets, const dns::HashKey& key, const Guards& guards = {});
  ~Cache();
  Cache(const Cache&) = delete;
  Cache& operator=(const Cache&) = delete;

  /// A denial of the whole name answers for each of its types. Expired entries are never found.
  std::optional<Found> find(const dns::Name& name, dns::RrType type, Instant now, Asker asker = Asker::ourselves);
  /// The same, or else the name's CNAME.
  std::optional<Found> find_or_alias(const dns::Name& name, dns::RrType type, Instant now, Asker asker);
  /// Whether there is anything of that name, expired or not, a delegation or not.
  bool knows(const dns::Name& name) const;

  /// How long expired data and denials are kept beside what is fresh, for find_kept(). Zero, as at first: not at all.
  void keep_expired(Duration time);
  /// As find(), but expired data and denials are found too, and failures never are (RFC 8767). Nothing when a name
  /// above was denied after this was learned: it has been withdrawn.
  std::optional<Found> find_kept(const dns::Name& name, dns::RrType type, Instant now);

  /// What has no time left is not kept, nor what is larger than max_entry_octets; what it supersedes goes all the same.
  /// made_by: of a CNAME, the DNAME that made it; they end together. What nobody has checked never takes the place of
  /// what was checked, or found bogus, while that is fresh.
  void store_data(SharedRRset rrset, Rank rank, Instant now, SharedRRset made_by = nullptr, Standing standing = {});
  /// type is nothing for a name that does not exist.
  void store_denial(const dns::Name& name, std::optional<dns::RrType> type, SharedRRset soa, Rank rank, Instant expires,
                    Instant now, Standing standing = {});
  /// security: bogus when that was the reason; then data that nobody has checked gives way.
  void store_failure(const dns::Name& name, dns::RrType type, dns::ExtendedError error, Instant expires, Instant now,
                     Security security = Security::indeterminate);

  /// Nobody has checked anything at or below that name any more, for other anchors hold. Looks at every entry.
  void forget_verdicts(const dns::Name& below = dns::Name{});

  /// The deepest known cut at or above the name, which may be the primed root; null when only the hints are left.
  SharedDelegation deepest_delegation(const dns::Name& name, Instant now);
  void store_delegation(SharedDelegation delegation, Instant now);

  void resize(std::uint64_t octets);
  /// How many entries went.
  std::uint64_t flush(const dns::Name& name, bool below);
  /// How often that was done: copies of answers made before are not to be given out any more.
  std::uint64_t flushes() const { return flushes_.load(std::memory_order_acquire); }
  /// At most `limit`. more: there are others.
  std::vector<ShownEntry> show(const dns::Name& name, bool below, std::size_t limit, Instant now, bool& more) const;
  CacheCounters counters() const;
  const dns::HashKey& key() const { return key_; }

  /// How far a walk through all entries is.
  struct Walk {
    std::size_t shard = 0;
    std::size_t cell = 0;
  };
  /// Appends copies of what is fresh in the next so many cells of the index, and of these only the visited entries or
  /// only the others; failures are left out. False at the end. Nobody waits for longer than these cells take; what
  /// comes, or moves because its index becomes smaller, may be missed.
  bool copy_some(Walk& walk, std::size_t cells, bool visited, Instant now, std::vector<KeptEntry>& into) const;
  /// Puts back what a former life knew. False, and nothing changes, where anything fresh stands already that it would
  /// take the place of, or there is no room.
  bool restore(const KeptEntry& entry, Instant now);

 private:
  struct Entry;
  struct Shard;
  static constexpr std::size_t shard_count = 64;

  Shard& shard_of(std::uint64_t hash) const;
  void store(Entry entry, const dns::Name& name, Instant now);
  std::optional<Instant> denied_above(const dns::Name& name, Instant now);

  dns::HashKey key_;
  Guards guards_;
  std::unique_ptr<Shard[]> shards_;
  std::atomic<std::uint64_t> flushes_{0};
};

}  // namespace redoubt::resolver
