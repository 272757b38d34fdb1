#include "resolver/cache/cache.hpp"

#include <algorithm>
#include <list>
#include <mutex>
#include <unordered_map>

namespace redoubt::resolver {

namespace {

/// What the containers and the allocator take for an entry beside itself: the queue's links, the index's node and its
/// share of buckets, and two block headers.
constexpr std::size_t administration_octets = 96;
/// Entries of one name. More would make each look at that name slower (attacks: many types of one name).
constexpr std::size_t max_entries_per_name = 100;

std::size_t octets_of(const SharedDelegation& delegation) {
  if (!delegation) return 0;
  std::size_t octets = sizeof(Delegation) + 48;
  for (const NameServer& server : delegation->servers)
    octets += sizeof(NameServer) + server.addresses.capacity() * sizeof(dns::IpAddress) + 16;
  return octets;
}

/// For what has no RDATA: denials and failures.
SharedRRset only_key(const dns::Name& name, dns::RrType type, Instant expires) {
  return HeldRRset::make({name, type, dns::rr_class::in, {}, {}}, expires);
}

}  // namespace

struct Cache::Entry {
  EntryKind kind = EntryKind::data;
  Rank rank = Rank::additional;
  bool visited = false;
  std::uint32_t octets = 0;
  std::uint64_t hash = 0;
  Instant expires = {};
  SharedRRset held = {};  // the data, or only owner and type; null for delegations
  SharedRRset soa = {};   // of a denial
  std::shared_ptr<const dns::ExtendedError> error = {};
  SharedDelegation delegation = {};

  bool is_delegation() const { return delegation != nullptr; }
  bool is_of(const dns::Name& name) const { return (is_delegation() ? delegation->zone : held->owner()) == name; }
  dns::Name name() const { return is_delegation() ? delegation->zone : held->owner(); }
  Found found() const { return {kind, rank, kind == EntryKind::data ? held : soa, error, expires}; }
  /// Whether `newer`, of the same name, takes this entry's place: the same type, or a whole name that is now denied, or
  /// no longer.
  bool superseded_by(const Entry& newer) const {
    if (is_delegation() || newer.is_delegation()) return is_delegation() && newer.is_delegation();
    return newer.kind == EntryKind::no_name || kind == EntryKind::no_name || held->type() == newer.held->type();
  }
};

/// A queue in order of arrival and an index from the name's hash. Eviction is SIEVE: a hand walks from the oldest on,
/// spares and unmarks what was visited since it last came by, and takes the first that was not. A scan of names that
/// nobody asks twice leaves the visited ones where they are.
struct Cache::Shard {
  using Queue = std::list<Entry>;

  mutable std::mutex lock;
  Queue queue;  // newest first
  std::unordered_multimap<std::uint64_t, Queue::iterator> index;
  Queue::iterator hand = queue.end();
  std::uint64_t octets = 0;
  std::uint64_t bound = 0;
  std::uint64_t evictions = 0;

  void remove(Queue::iterator entry) {
    if (hand == entry) step();
    const auto [first, last] = index.equal_range(entry->hash);
    index.erase(std::find_if(first, last, [&](const auto& place) { return place.second == entry; }));
    octets -= entry->octets;
    queue.erase(entry);
  }

  /// The hand moves towards the newest; behind it, it starts again at the oldest.
  void step() { hand = hand == queue.begin() || hand == queue.end() ? queue.end() : std::prev(hand); }

  void evict_one() {
    if (hand == queue.end()) hand = std::prev(queue.end());
    while (hand->visited) {
      hand->visited = false;
      step();
      if (hand == queue.end()) hand = std::prev(queue.end());
    }
    ++evictions;
    remove(hand);
  }

  void shrink_to_bound() {
    while (octets > bound && !queue.empty()) evict_one();
  }
};

Cache::Cache(std::uint64_t octets, const dns::HashKey& key)
    : key_{key}, shards_{std::make_unique<Shard[]>(shard_count)} {
  resize(octets);
}

Cache::~Cache() = default;

Cache::Shard& Cache::shard_of(std::uint64_t hash) const { return shards_[hash >> 58]; }
static_assert(std::uint64_t{1} << (64 - 58) == 64);

std::optional<Found> Cache::find(const dns::Name& name, dns::RrType type, Instant now) {
  const std::uint64_t hash = name.hash(key_);
  Shard& shard = shard_of(hash);
  const std::lock_guard guard{shard.lock};
  const auto [first, last] = shard.index.equal_range(hash);
  for (auto place = first; place != last; ++place) {
    Entry& entry = *place->second;
    if (entry.is_delegation() || (entry.held->type() != type && entry.kind != EntryKind::no_name)) continue;
    if (entry.expires <= now || !entry.is_of(name)) continue;
    entry.visited = true;
    return entry.found();
  }
  return std::nullopt;
}

void Cache::store(Entry entry, const dns::Name& name, Instant now) {
  if (entry.expires <= now) return;
  entry.hash = name.hash(key_);
  const std::size_t octets = sizeof(Entry) + administration_octets + (entry.held ? entry.held->octets() : 0) +
                             (entry.soa ? entry.soa->octets() : 0) +
                             (entry.error ? sizeof(dns::ExtendedError) + entry.error->text.size() + 32 : 0) +
                             octets_of(entry.delegation);
  Shard& shard = shard_of(entry.hash);
  const std::lock_guard guard{shard.lock};
  if (octets > std::min<std::uint64_t>(shard.bound, max_entry_octets)) return;
  entry.octets = static_cast<std::uint32_t>(octets);
  std::size_t of_this_name = 0;
  Shard::Queue::iterator spare = shard.queue.end();  // what goes when the name has too many; a denial rather than data
  std::vector<Shard::Queue::iterator> superseded;
  const auto [first, last] = shard.index.equal_range(entry.hash);
  for (auto place = first; place != last; ++place) {
    const auto old = place->second;
    if (!old->is_of(name)) continue;
    if (old->expires <= now) {
      superseded.push_back(old);
      continue;
    }
    if (!old->superseded_by(entry)) {
      if (old->is_delegation()) continue;
      ++of_this_name;
      if (spare == shard.queue.end() || (spare->kind == EntryKind::data && old->kind != EntryKind::data)) spare = old;
      continue;
    }
    const bool old_is_better = old->rank > entry.rank && entry.kind != EntryKind::failure;
    const bool hides_data = entry.kind == EntryKind::failure && old->kind != EntryKind::failure;
    if (old_is_better || hides_data) return;
    superseded.push_back(old);
  }
  for (const auto old : superseded) shard.remove(old);
  if (of_this_name >= max_entries_per_name && !entry.is_delegation()) shard.remove(spare);
  shard.octets += entry.octets;
  shard.queue.push_front(std::move(entry));
  shard.index.emplace(shard.queue.front().hash, shard.queue.begin());
  shard.shrink_to_bound();
}

void Cache::store_data(SharedRRset rrset, Rank rank, Instant now) {
  Entry entry{.kind = EntryKind::data, .rank = rank, .expires = rrset->expires(), .held = std::move(rrset)};
  const dns::Name name = entry.held->owner();
  store(std::move(entry), name, now);
}

void Cache::store_denial(const dns::Name& name, std::optional<dns::RrType> type, SharedRRset soa, Rank rank,
                         Instant expires, Instant now) {
  store({.kind = type ? EntryKind::no_data : EntryKind::no_name,
         .rank = rank,
         .expires = expires,
         .held = only_key(name, type.value_or(dns::RrType{}), expires),
         .soa = std::move(soa)},
        name, now);
}

void Cache::store_failure(const dns::Name& name, dns::RrType type, dns::ExtendedError error, Instant expires,
                          Instant now) {
  store({.kind = EntryKind::failure,
         .expires = expires,
         .held = only_key(name, type, expires),
         .error = std::make_shared<const dns::ExtendedError>(std::move(error))},
        name, now);
}

SharedDelegation Cache::deepest_delegation(const dns::Name& name, Instant now) {
  for (dns::Name zone = name;; zone = zone.parent()) {
    const std::uint64_t hash = zone.hash(key_);
    Shard& shard = shard_of(hash);
    const std::lock_guard guard{shard.lock};
    const auto [first, last] = shard.index.equal_range(hash);
    for (auto place = first; place != last; ++place) {
      Entry& entry = *place->second;
      if (!entry.is_delegation() || entry.expires <= now || !entry.is_of(zone)) continue;
      entry.visited = true;
      return entry.delegation;
    }
    if (zone.is_root()) return nullptr;
  }
}

void Cache::store_delegation(SharedDelegation delegation, Instant now) {
  const dns::Name zone = delegation->zone;
  store({.rank = Rank::authority, .expires = delegation->expires, .delegation = std::move(delegation)}, zone, now);
}

void Cache::resize(std::uint64_t octets) {
  for (std::size_t i = 0; i < shard_count; ++i) {
    const std::lock_guard guard{shards_[i].lock};
    shards_[i].bound = octets / shard_count;
    shards_[i].shrink_to_bound();
  }
}

std::uint64_t Cache::flush(const dns::Name& name, bool below) {
  std::uint64_t flushed = 0;
  const auto flush_shard = [&](Shard& shard) {
    const std::lock_guard guard{shard.lock};
    for (auto entry = shard.queue.begin(); entry != shard.queue.end();) {
      const auto next = std::next(entry);
      if (below ? entry->name().is_at_or_below(name) : entry->is_of(name)) {
        shard.remove(entry);
        ++flushed;
      }
      entry = next;
    }
  };
  if (!below) {
    flush_shard(shard_of(name.hash(key_)));
  } else {
    for (std::size_t i = 0; i < shard_count; ++i) flush_shard(shards_[i]);
  }
  return flushed;
}

std::vector<ShownEntry> Cache::show(const dns::Name& name, bool below, std::size_t limit, Instant now,
                                    bool& more) const {
  std::vector<ShownEntry> shown;
  more = false;
  for (std::size_t i = 0; i < shard_count && !more; ++i) {
    const std::lock_guard guard{shards_[i].lock};
    for (const Entry& entry : shards_[i].queue) {
      if (entry.is_delegation() || entry.expires <= now) continue;
      const dns::Name owner = entry.held->owner();
      if (below ? !owner.is_at_or_below(name) : !(owner == name)) continue;
      more = shown.size() == limit;
      if (more) break;
      shown.push_back({owner, entry.held->type(), entry.found()});
    }
  }
  return shown;
}

CacheCounters Cache::counters() const {
  CacheCounters counters;
  for (std::size_t i = 0; i < shard_count; ++i) {
    const std::lock_guard guard{shards_[i].lock};
    counters.entries += shards_[i].queue.size();
    counters.octets += shards_[i].octets;
    counters.evictions += shards_[i].evictions;
  }
  return counters;
}

}  // namespace redoubt::resolver
