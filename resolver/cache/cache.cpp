#include "resolver/cache/cache.hpp"

#include <algorithm>
#include <mutex>

#include "resolver/cache/entry_index.hpp"
#include "resolver/cache/kept_image.hpp"
#include "resolver/cache/packed_entry.hpp"
#include "resolver/cache/sieve_queue.hpp"

namespace redoubt::resolver {

namespace {

/// Entries of one name. More would make each look at that name slower (attacks: many types of one name).
constexpr std::size_t max_entries_per_name = 100;

}  // namespace

Instant Found::learned() const {
  return rrset ? rrset->expires() - std::chrono::seconds{rrset->ttl().seconds()} : expires;
}

struct Cache::Entry : CacheDraft {};

/// Entries in order of arrival, an index to them, and what they take. It owns them.
struct Cache::Shard {
  mutable std::mutex lock;
  SieveQueue queue;
  EntryIndex index;
  std::uint64_t octets = 0;
  std::uint64_t bound = 0;
  std::uint64_t evictions = 0;
  std::uint64_t taken_in = 0;
  Duration kept{};  // of what has expired
  bool spares_visited = true;

  Shard() = default;
  ~Shard() {
    while (!queue.is_empty()) remove(queue.newest());
  }
  Shard(const Shard&) = delete;
  Shard& operator=(const Shard&) = delete;

  void add(PackedEntry::Owned entry, std::uint64_t hash) {
    index.insert(entry.get(), hash);
    octets += entry->octets();
    ++taken_in;
    queue.push(entry.release());
  }

  void remove(PackedEntry* entry) {
    const PackedEntry::Owned owned{entry};
    index.erase(entry);
    queue.take_out(entry);
    octets -= entry->octets();
  }

  void shrink_to_bound(Instant now) {
    while (octets > bound && !queue.is_empty()) {
      ++evictions;
      remove(queue.next_to_go(now, spares_visited));
    }
  }

  /// Makes room for what is new of this name. False when what is there is better.
  bool clear_for(const CacheDraft& draft, std::uint64_t hash, Instant now, bool bounded);
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
  std::optional<Found> found;
  shard.index.each(hash, [&](PackedEntry& entry) {
    if (entry.is_delegation() || (entry.type() != type && entry.kind() != EntryKind::no_name)) return true;
    if (entry.expires() <= now || !entry.is_of(name)) return true;
    entry.visit(now);
    found = entry.found();
    found->renewal_due = asker == Asker::client && entry.renewal_falls_due(now);
    return false;
  });
  return found;
}

std::optional<Found> Cache::find_or_alias(const dns::Name& name, dns::RrType type, Instant now, Asker asker) {
  const std::uint64_t hash = name.hash(key_);
  Shard& shard = shard_of(hash);
  const std::lock_guard guard{shard.lock};
  PackedEntry* best = nullptr;
  shard.index.each(hash, [&](PackedEntry& entry) {
    const bool is_own = entry.type() == type || entry.kind() == EntryKind::no_name;
    if (entry.is_delegation() || (!is_own && !entry.is_alias())) return true;
    if (entry.expires() <= now || !entry.is_of(name)) return true;
    best = &entry;
    return !is_own;
  });
  if (best == nullptr) return std::nullopt;
  best->visit(now);
  Found found = best->found();
  found.renewal_due = asker == Asker::client && best->renewal_falls_due(now);
  return found;
}

bool Cache::knows(const dns::Name& name) const {
  const std::uint64_t hash = name.hash(key_);
  const Shard& shard = shard_of(hash);
  const std::lock_guard guard{shard.lock};
  bool is_known = false;
  shard.index.each(hash, [&](const PackedEntry& entry) {
    is_known = entry.is_of(name);
    return !is_known;
  });
  return is_known;
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
    for (PackedEntry* entry = shards_[i].queue.newest(); entry != nullptr; entry = entry->older()) {
      if (below.is_root() || entry->name().is_at_or_below(below)) entry->forget_verdict();
    }
  }
}

std::optional<Found> Cache::find_kept(const dns::Name& name, dns::RrType type, Instant now) {
  std::optional<Found> found;
  {
    const std::uint64_t hash = name.hash(key_);
    Shard& shard = shard_of(hash);
    const std::lock_guard guard{shard.lock};
    shard.index.each(hash, [&](PackedEntry& entry) {
      if (entry.is_delegation() || entry.kind() == EntryKind::failure || !entry.is_of(name)) return true;
      if (entry.type() != type && entry.kind() != EntryKind::no_name) return true;
      if (!entry.outlives(now, shard.kept)) return true;
      entry.visit(now);
      found = entry.found();
      return false;
    });
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
    shard.index.each(hash, [&](const PackedEntry& entry) {
      if (entry.is_delegation() || entry.kind() != EntryKind::no_name) return true;
      if (!entry.outlives(now, shard.kept) || !entry.is_of(above)) return true;
      const Instant learned = entry.found().learned();
      latest = std::max(latest.value_or(learned), learned);
      return true;
    });
  }
  return latest;
}

bool Cache::Shard::clear_for(const CacheDraft& draft, std::uint64_t hash, Instant now, bool bounded) {
  std::size_t of_this_name = 0;
  PackedEntry* spare = nullptr;  // what goes when the name has too many
  std::vector<PackedEntry*> leaving;
  bool old_stays = false;
  index.each(hash, [&](PackedEntry& old) {
    if (!old.is_of(draft.name)) return true;
    if (!old.outlives(now, kept)) {
      leaving.push_back(&old);
      return true;
    }
    if (!old.superseded_by(draft, now)) {
      if (old.is_delegation()) return true;
      ++of_this_name;
      if (spare == nullptr || spare->worth(now) > old.worth(now)) spare = &old;
      return true;
    }
    if (old.expires() > now) {
      const bool old_is_better = old.rank() > draft.rank && draft.kind != EntryKind::failure;
      const bool gives_way =
          draft.standing.security != Security::indeterminate && old.security() == Security::indeterminate;
      const bool hides_data = draft.kind == EntryKind::failure && old.kind() != EntryKind::failure && !gives_way;
      old_stays = old_is_better || hides_data || old.is_checked_and_other_is_not(draft);
      if (old_stays) return false;
    }
    leaving.push_back(&old);
    return true;
  });
  if (old_stays) return false;
  for (PackedEntry* const old : leaving) remove(old);
  if (bounded && of_this_name >= max_entries_per_name && !draft.is_delegation()) remove(spare);
  return true;
}

void Cache::store(Entry entry, const dns::Name& name, Instant now) {
  if (entry.is_delegation() && entry.expires <= now) return;
  entry.name = name;
  const std::uint64_t hash = name.hash(key_);
  const std::size_t octets = entry.octets();
  Shard& shard = shard_of(hash);
  const std::lock_guard guard{shard.lock};
  if (!shard.clear_for(entry, hash, now, guards_.entries_of_name_bound)) return;
  const std::size_t most_octets = guards_.entry_bound ? max_entry_octets : PackedEntry::max_octets;
  const std::uint64_t most = std::min<std::uint64_t>(shard.bound, most_octets);
  if (entry.expires <= now || octets > most) return;
  shard.add(PackedEntry::make(entry, static_cast<std::uint32_t>(hash)), hash);
  shard.shrink_to_bound(now);
}

void Cache::store_data(SharedRRset rrset, Rank rank, Instant now, SharedRRset made_by, Standing standing) {
  const dns::Name name = rrset->owner();
  const dns::RrType type = rrset->type();
  const Instant expires = rrset->expires();
  store({{.kind = EntryKind::data,
          .rank = rank,
          .expires = expires,
          .type = type,
          .data = std::move(rrset),
          .beside = std::move(made_by),
          .standing = std::move(standing)}},
        name, now);
}

void Cache::store_denial(const dns::Name& name, std::optional<dns::RrType> type, SharedRRset soa, Rank rank,
                         Instant expires, Instant now, Standing standing) {
  store({{.kind = type ? EntryKind::no_data : EntryKind::no_name,
          .rank = rank,
          .expires = expires,
          .type = type.value_or(dns::RrType{}),
          .beside = std::move(soa),
          .standing = std::move(standing)}},
        name, now);
}

void Cache::store_failure(const dns::Name& name, dns::RrType type, dns::ExtendedError error, Instant expires,
                          Instant now, Security security) {
  store({{.kind = EntryKind::failure,
          .expires = expires,
          .type = type,
          .error = std::make_shared<const dns::ExtendedError>(std::move(error)),
          .standing = {security, nullptr}}},
        name, now);
}

SharedDelegation Cache::deepest_delegation(const dns::Name& name, Instant now) {
  for (dns::Name zone = name;; zone = zone.parent()) {
    const std::uint64_t hash = zone.hash(key_);
    Shard& shard = shard_of(hash);
    const std::lock_guard guard{shard.lock};
    SharedDelegation found;
    shard.index.each(hash, [&](PackedEntry& entry) {
      if (!entry.is_delegation() || entry.expires() <= now || !entry.is_of(zone)) return true;
      entry.visit(now);
      found = entry.delegation();
      return false;
    });
    if (found) return found;
    if (zone.is_root()) return nullptr;
  }
}

void Cache::store_delegation(SharedDelegation delegation, Instant now) {
  const dns::Name zone = delegation->zone;
  const Instant expires = delegation->expires;
  store({{.rank = Rank::authority, .expires = expires, .delegation = std::move(delegation)}}, zone, now);
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
    for (PackedEntry* entry = shard.queue.newest(); entry != nullptr;) {
      PackedEntry* const next = entry->older();
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
    for (const PackedEntry* entry = shards_[i].queue.newest(); entry != nullptr; entry = entry->older()) {
      if (entry->is_delegation() || entry->expires() <= now) continue;
      const dns::Name owner = entry->name();
      if (below ? !owner.is_at_or_below(name) : !(owner == name)) continue;
      more = shown.size() == limit;
      if (more) break;
      shown.push_back({owner, entry->type(), entry->found()});
    }
  }
  return shown;
}

CacheCounters Cache::counters() const {
  CacheCounters counters;
  for (std::size_t i = 0; i < shard_count; ++i) {
    const std::lock_guard guard{shards_[i].lock};
    counters.entries += shards_[i].index.size();
    counters.octets += shards_[i].octets;
    counters.evictions += shards_[i].evictions;
    counters.taken_in += shards_[i].taken_in;
  }
  return counters;
}

bool Cache::copy_some(Walk& walk, std::size_t cells, bool visited, Instant now, std::vector<KeptEntry>& into) const {
  if (walk.shard == shard_count) return false;
  const Shard& shard = shards_[walk.shard];
  const std::lock_guard guard{shard.lock};
  const std::size_t end = std::min(shard.index.cells(), walk.cell + cells);
  for (; walk.cell < end; ++walk.cell) {
    const PackedEntry* entry = shard.index.in_cell(walk.cell);
    if (entry == nullptr || entry->is_visited() != visited || entry->expires() <= now) continue;
    if (entry->kind() != EntryKind::failure) into.push_back({entry->draft(), visited});
  }
  if (walk.cell >= shard.index.cells()) walk = {walk.shard + 1, 0};
  return walk.shard < shard_count;
}

bool Cache::restore(const KeptEntry& entry, Instant now) {
  const CacheDraft& draft = entry.draft;
  const std::uint64_t hash = draft.name.hash(key_);
  const std::size_t octets = draft.octets();
  Shard& shard = shard_of(hash);
  const std::lock_guard guard{shard.lock};
  if (draft.expires <= now || octets > max_entry_octets || shard.octets + octets > shard.bound) return false;
  bool stands = false;
  std::size_t of_this_name = 0;
  shard.index.each(hash, [&](const PackedEntry& old) {
    if (!old.is_of(draft.name)) return true;
    ++of_this_name;
    stands = old.expires() > now && old.superseded_by(draft, now);
    return !stands;
  });
  if (stands || of_this_name >= max_entries_per_name) return false;
  auto packed = PackedEntry::make(draft, static_cast<std::uint32_t>(hash));
  if (entry.visited) packed->visit(now);
  shard.add(std::move(packed), hash);
  return true;
}

}  // namespace redoubt::resolver
