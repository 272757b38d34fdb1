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
/// Clients' hits that make an entry worth fetching again before it ends.
constexpr std::uint8_t popular = 2;

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

Instant Found::learned() const {
  return rrset ? rrset->expires() - std::chrono::seconds{rrset->ttl().seconds()} : expires;
}

struct Cache::Entry {
  EntryKind kind = EntryKind::data;
  Rank rank = Rank::additional;
  bool visited = false;          // while fresh
  bool visited_expired = false;  // later
  bool renewal_told = false;
  std::uint8_t hits = 0;  // of clients; at most `popular`
  std::uint32_t octets = 0;
  std::uint64_t hash = 0;
  Instant expires = {};
  SharedRRset held = {};    // the data, or only owner and type; null for delegations
  SharedRRset beside = {};  // of a denial its SOA; of a CNAME the DNAME that made it
  std::shared_ptr<const dns::ExtendedError> error = {};
  SharedDelegation delegation = {};
  Standing standing = {};

  bool is_delegation() const { return delegation != nullptr; }
  bool is_of(const dns::Name& name) const { return (is_delegation() ? delegation->zone : held->owner()) == name; }
  dns::Name name() const { return is_delegation() ? delegation->zone : held->owner(); }
  /// Counts a client's hit. True once, when the entry is popular and in the last tenth of its time. Of short times the
  /// last second counts, or half: a server far away, asked again once, must be done before the entry ends.
  bool renewal_falls_due(Instant now) {
    if (hits < popular) ++hits;
    if (hits < popular || renewal_told || kind == EntryKind::failure) return false;
    const HeldRRset* timed = kind == EntryKind::data ? held.get() : beside.get();
    if (timed == nullptr) return false;
    using std::chrono::milliseconds;
    const milliseconds whole = std::chrono::seconds{timed->ttl().seconds()};
    const milliseconds last = std::max(whole / 10, std::min(milliseconds{1000}, whole / 2));
    renewal_told = now >= expires - last;
    return renewal_told;
  }
  Found found() const {
    const bool is_data = kind == EntryKind::data;
    return {kind, rank, is_data ? held : beside, error, expires, false, is_data ? beside : nullptr, standing};
  }
  /// For when a name has too many: what has expired goes before denials, denials before data.
  int worth(Instant now) const { return (expires > now ? 2 : 0) + (kind == EntryKind::data ? 1 : 0); }
  /// A question with CD, or one of our own on the way, must not undo what checking has found.
  bool is_checked_and_other_is_not(const Entry& other) const {
    return standing.security != Security::indeterminate && other.standing.security == Security::indeterminate &&
           !is_delegation() && other.kind != EntryKind::failure;
  }
  bool is_alias() const { return kind == EntryKind::data && held->type() == dns::type::cname; }
  bool outlives(Instant now, Duration kept) const {
    const bool is_kept = !is_delegation() && kind != EntryKind::failure;
    return expires > now || (is_kept && now - expires < kept);
  }
  /// Whether `newer`, of the same name, takes this entry's place: the same type, or a whole name that is now denied, or
  /// no longer. A failure tells nothing new. An alias has no other types beside it, so one of the two is outdated.
  bool superseded_by(const Entry& newer, Instant now) const {
    if (is_delegation() || newer.is_delegation()) return is_delegation() && newer.is_delegation();
    const bool same_type = held->type() == newer.held->type();
    if (expires <= now) {
      if (newer.kind == EntryKind::failure) return false;
      if (is_alias() || newer.is_alias()) return true;
    }
    return newer.kind == EntryKind::no_name || kind == EntryKind::no_name || same_type;
  }
};

/// A queue in order of arrival and an index from the name's hash. Eviction is SIEVE: a hand walks from the oldest on,
/// spares and unmarks what was visited since it last came by, and takes the first that was not. A scan of names that
/// nobody asks twice leaves the visited ones where they are. Of what has expired, only what was needed since is spared.
struct Cache::Shard {
  using Queue = std::list<Entry>;

  mutable std::mutex lock;
  Queue queue;  // newest first
  std::unordered_multimap<std::uint64_t, Queue::iterator> index;
  Queue::iterator hand = queue.end();
  std::uint64_t octets = 0;
  std::uint64_t bound = 0;
  std::uint64_t evictions = 0;
  Duration kept{};  // of what has expired
  bool spares_visited = true;

  void remove(Queue::iterator entry) {
    if (hand == entry) step();
    const auto [first, last] = index.equal_range(entry->hash);
    index.erase(std::find_if(first, last, [&](const auto& place) { return place.second == entry; }));
    octets -= entry->octets;
    queue.erase(entry);
  }

  /// The hand moves towards the newest; behind it, it starts again at the oldest.
  void step() { hand = hand == queue.begin() || hand == queue.end() ? queue.end() : std::prev(hand); }

  void evict_one(Instant now) {
    if (hand == queue.end()) hand = std::prev(queue.end());
    for (;;) {
      const bool visited = hand->expires > now ? hand->visited : hand->visited_expired;
      if (!visited || !spares_visited) break;
      hand->visited = false;
      hand->visited_expired = false;
      step();
      if (hand == queue.end()) hand = std::prev(queue.end());
    }
    ++evictions;
    remove(hand);
  }

  void shrink_to_bound(Instant now) {
    while (octets > bound && !queue.empty()) evict_one(now);
  }

  /// Makes room for what is new of this name. False when what is there is better.
  bool clear_for(const Entry& entry, const dns::Name& name, Instant now, bool bounded);
};

Cache::Cache(std::uint64_t octets, const dns::HashKey& key, const Guards& guards)
    : key_{key}, guards_{guards}, shards_{std::make_unique<Shard[]>(shard_count)} {
  for (std::size_t i = 0; i < shard_count; ++i) shards_[i].spares_visited = guards.spares_visited;
  resize(octets);
}

Cache::~Cache() = default;

Cache::Shard& Cache::shard_of(std::uint64_t hash) const { return shards_[hash >> 58]; }
static_assert(std::uint64_t{1} << (64 - 58) == 64);

std::optional<Found> Cache::find(const dns::Name& name, dns::RrType type, Instant now, Asker asker) {
  const std::uint64_t hash = name.hash(key_);
  Shard& shard = shard_of(hash);
  const std::lock_guard guard{shard.lock};
  const auto [first, last] = shard.index.equal_range(hash);
  for (auto place = first; place != last; ++place) {
    Entry& entry = *place->second;
    if (entry.is_delegation() || (entry.held->type() != type && entry.kind != EntryKind::no_name)) continue;
    if (entry.expires <= now || !entry.is_of(name)) continue;
    entry.visited = true;
    std::optional<Found> found = entry.found();
    found->renewal_due = asker == Asker::client && entry.renewal_falls_due(now);
    return found;
  }
  return std::nullopt;
}

void Cache::keep_expired(Duration time) {
  for (std::size_t i = 0; i < shard_count; ++i) {
    const std::lock_guard guard{shards_[i].lock};
    shards_[i].kept = time;
  }
}

void Cache::forget_verdicts(const dns::Name& below) {
  for (std::size_t i = 0; i < shard_count; ++i) {
    const std::lock_guard guard{shards_[i].lock};
    for (Entry& entry : shards_[i].queue) {
      if (!below.is_root() && !entry.name().is_at_or_below(below)) continue;
      if (entry.standing.security == Security::bogus) entry.expires = Instant::min();
      entry.standing.security = Security::indeterminate;
    }
  }
}

std::optional<Found> Cache::find_kept(const dns::Name& name, dns::RrType type, Instant now) {
  std::optional<Found> found;
  {
    const std::uint64_t hash = name.hash(key_);
    Shard& shard = shard_of(hash);
    const std::lock_guard guard{shard.lock};
    const auto [first, last] = shard.index.equal_range(hash);
    for (auto place = first; place != last && !found; ++place) {
      Entry& entry = *place->second;
      if (entry.is_delegation() || entry.kind == EntryKind::failure || !entry.is_of(name)) continue;
      if (entry.held->type() != type && entry.kind != EntryKind::no_name) continue;
      if (!entry.outlives(now, shard.kept)) continue;
      (entry.expires > now ? entry.visited : entry.visited_expired) = true;
      found = entry.found();
    }
  }
  if (!found || found->expires > now || !guards_.withdrawn_is_gone) return found;
  const auto denied = denied_above(name, now);
  return denied && *denied > found->learned() ? std::nullopt : found;
}

/// When a name above was last denied, as far as that is still known.
std::optional<Instant> Cache::denied_above(const dns::Name& name, Instant now) {
  std::optional<Instant> latest;
  for (dns::Name above = name; !above.is_root();) {
    above = above.parent();
    const std::uint64_t hash = above.hash(key_);
    const Shard& shard = shard_of(hash);
    const std::lock_guard guard{shard.lock};
    const auto [first, last] = shard.index.equal_range(hash);
    for (auto place = first; place != last; ++place) {
      const Entry& entry = *place->second;
      if (entry.is_delegation() || entry.kind != EntryKind::no_name) continue;
      if (!entry.outlives(now, shard.kept) || !entry.is_of(above)) continue;
      const Instant learned = entry.found().learned();
      latest = std::max(latest.value_or(learned), learned);
    }
  }
  return latest;
}

bool Cache::Shard::clear_for(const Entry& entry, const dns::Name& name, Instant now, bool bounded) {
  std::size_t of_this_name = 0;
  Queue::iterator spare = queue.end();  // what goes when the name has too many
  std::vector<Queue::iterator> leaving;
  const auto [first, last] = index.equal_range(entry.hash);
  for (auto place = first; place != last; ++place) {
    const auto old = place->second;
    if (!old->is_of(name)) continue;
    if (!old->outlives(now, kept)) {
      leaving.push_back(old);
      continue;
    }
    if (!old->superseded_by(entry, now)) {
      if (old->is_delegation()) continue;
      ++of_this_name;
      if (spare == queue.end() || spare->worth(now) > old->worth(now)) spare = old;
      continue;
    }
    if (old->expires > now) {
      const bool old_is_better = old->rank > entry.rank && entry.kind != EntryKind::failure;
      const bool gives_way =
          entry.standing.security == Security::bogus && old->standing.security == Security::indeterminate;
      const bool hides_data = entry.kind == EntryKind::failure && old->kind != EntryKind::failure && !gives_way;
      if (old_is_better || hides_data || old->is_checked_and_other_is_not(entry)) return false;
    }
    leaving.push_back(old);
  }
  for (const auto old : leaving) remove(old);
  if (bounded && of_this_name >= max_entries_per_name && !entry.is_delegation()) remove(spare);
  return true;
}

void Cache::store(Entry entry, const dns::Name& name, Instant now) {
  if (entry.is_delegation() && entry.expires <= now) return;
  entry.hash = name.hash(key_);
  const std::size_t octets =
      sizeof(Entry) + administration_octets + (entry.held ? entry.held->octets() : 0) +
      (entry.beside ? entry.beside->octets() : 0) + (entry.standing.evidence ? entry.standing.evidence->octets() : 0) +
      (entry.error ? sizeof(dns::ExtendedError) + entry.error->text.size() + 32 : 0) + octets_of(entry.delegation);
  Shard& shard = shard_of(entry.hash);
  const std::lock_guard guard{shard.lock};
  if (!shard.clear_for(entry, name, now, guards_.entries_of_name_bound)) return;
  const std::uint64_t most = guards_.entry_bound ? std::min<std::uint64_t>(shard.bound, max_entry_octets) : shard.bound;
  if (entry.expires <= now || octets > most) return;
  entry.octets = static_cast<std::uint32_t>(octets);
  shard.octets += entry.octets;
  shard.queue.push_front(std::move(entry));
  shard.index.emplace(shard.queue.front().hash, shard.queue.begin());
  shard.shrink_to_bound(now);
}

void Cache::store_data(SharedRRset rrset, Rank rank, Instant now, SharedRRset made_by, Standing standing) {
  Entry entry{.kind = EntryKind::data,
              .rank = rank,
              .expires = rrset->expires(),
              .held = std::move(rrset),
              .beside = std::move(made_by),
              .standing = std::move(standing)};
  const dns::Name name = entry.held->owner();
  store(std::move(entry), name, now);
}

void Cache::store_denial(const dns::Name& name, std::optional<dns::RrType> type, SharedRRset soa, Rank rank,
                         Instant expires, Instant now, Standing standing) {
  store({.kind = type ? EntryKind::no_data : EntryKind::no_name,
         .rank = rank,
         .expires = expires,
         .held = only_key(name, type.value_or(dns::RrType{}), expires),
         .beside = std::move(soa),
         .standing = std::move(standing)},
        name, now);
}

void Cache::store_failure(const dns::Name& name, dns::RrType type, dns::ExtendedError error, Instant expires,
                          Instant now, Security security) {
  store({.kind = EntryKind::failure,
         .expires = expires,
         .held = only_key(name, type, expires),
         .error = std::make_shared<const dns::ExtendedError>(std::move(error)),
         .standing = {security, nullptr}},
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
    shards_[i].shrink_to_bound(Instant::min());
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
  flushes_.fetch_add(1, std::memory_order_release);  // behind the last entry: what is copied before it is noticed
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
