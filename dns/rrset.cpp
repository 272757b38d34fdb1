#include "dns/rrset.hpp"

#include <sodium.h>

#include <algorithm>
#include <bit>

namespace redoubt::dns {

namespace {

std::uint64_t keyed_hash(std::span<const std::uint8_t> octets, const HashKey& key) {
  std::array<std::uint8_t, crypto_shorthash_BYTES> digest;
  crypto_shorthash(digest.data(), octets.data(), octets.size(), key.data());
  return std::bit_cast<std::uint64_t>(digest);
}

/// Everything that an attacker chooses goes through the key, so nobody can aim for one slot.
std::uint64_t hash_of_set(const Record& record, const HashKey& key) {
  const std::array<std::uint64_t, 2> parts{record.owner.hash(key),
                                           std::uint64_t{record.type.value} << 16 | record.rr_class.value};
  return keyed_hash(std::bit_cast<std::array<std::uint8_t, sizeof parts>>(parts), key);
}

std::uint64_t hash_of_rdata(std::size_t set, const Record& record, const HashKey& key) {
  const std::array<std::uint64_t, 2> parts{keyed_hash(record.rdata, key), set};
  return keyed_hash(std::bit_cast<std::array<std::uint8_t, sizeof parts>>(parts), key);
}

/// Numbers by hash: open addressing with room to spare, one allocation.
class Places {
 public:
  static constexpr std::uint32_t nothing = 0xffffffff;

  explicit Places(std::size_t most) : slots_(std::bit_ceil(most * 2), nothing) {}

  /// The number among those with this hash for which `is_it` says yes; else `fresh`, which is stored.
  template <class Predicate>
  std::uint32_t find_or_put(std::uint64_t hash, std::uint32_t fresh, Predicate is_it) {
    for (std::size_t at = hash & (slots_.size() - 1);; at = (at + 1) & (slots_.size() - 1)) {
      if (slots_[at] == nothing) return slots_[at] = fresh;
      if (is_it(slots_[at])) return slots_[at];
    }
  }

 private:
  std::vector<std::uint32_t> slots_;
};

bool belongs_to(const Record& record, const RRset& set) {
  return set.type == record.type && set.rr_class == record.rr_class && set.owner == record.owner;
}

/// For the handful of records that most messages have: comparing is cheaper than hashing.
std::vector<RRset> gather_few(std::span<const Record> records) {
  std::vector<RRset> sets;
  for (const Record& record : records) {
    auto set = std::ranges::find_if(sets, [&](const RRset& candidate) { return belongs_to(record, candidate); });
    if (set == sets.end()) {
      sets.push_back({record.owner, record.type, record.rr_class, record.ttl, {}});
      set = std::prev(sets.end());
    }
    set->ttl = std::min(set->ttl, record.ttl);
    set->rdata.add_unique(record.rdata);
  }
  return sets;
}

}  // namespace

void RdataList::add(std::span<const std::uint8_t> rdata) {
  const std::size_t needed = block_.size() + 2 + rdata.size();
  if (block_.empty()) block_.reserve(needed);  // most sets have one record; more of them grow by doubling
  block_.push_back(static_cast<std::uint8_t>(rdata.size() >> 8));
  block_.push_back(static_cast<std::uint8_t>(rdata.size() & 0xff));
  block_.insert(block_.end(), rdata.begin(), rdata.end());
  ++count_;
}

bool RdataList::contains(std::span<const std::uint8_t> rdata) const {
  return std::any_of(begin(), end(),
                     [&](std::span<const std::uint8_t> mine) { return std::ranges::equal(mine, rdata); });
}

bool RdataList::add_unique(std::span<const std::uint8_t> rdata) {
  if (contains(rdata)) return false;
  add(rdata);
  return true;
}

std::span<const std::uint8_t> RdataList::at(std::size_t k) const {
  Iterator here = begin();
  for (; k > 0; --k) ++here;
  return *here;
}

bool RdataList::same_set(const RdataList& other) const {
  if (block_ == other.block_) return true;
  const auto sorted = [](const RdataList& list) {
    std::vector<std::span<const std::uint8_t>> out{list.begin(), list.end()};
    std::ranges::sort(out, std::ranges::lexicographical_compare);
    const auto repeated = std::ranges::unique(out, std::ranges::equal);
    out.erase(repeated.begin(), repeated.end());
    return out;
  };
  return std::ranges::equal(sorted(*this), sorted(other), std::ranges::equal);
}

std::vector<RRset> gather(std::span<const Record> records, const HashKey& key) {
  constexpr std::size_t few = 16;
  if (records.size() <= few) return gather_few(records);
  std::vector<RRset> sets;
  std::vector<std::uint32_t> set_of(records.size());
  Places set_places{records.size()};
  Places rdata_places{records.size()};
  for (std::uint32_t i = 0; i < records.size(); ++i) {
    const Record& record = records[i];
    set_of[i] = set_places.find_or_put(hash_of_set(record, key), static_cast<std::uint32_t>(sets.size()),
                                       [&](std::uint32_t set) { return belongs_to(record, sets[set]); });
    if (set_of[i] == sets.size()) sets.push_back({record.owner, record.type, record.rr_class, record.ttl, {}});
    RRset& set = sets[set_of[i]];
    set.ttl = std::min(set.ttl, record.ttl);
    const std::uint32_t first = rdata_places.find_or_put(
        hash_of_rdata(set_of[i], record, key), i,
        [&](std::uint32_t j) { return set_of[j] == set_of[i] && records[j].rdata == record.rdata; });
    if (first == i) set.rdata.add(record.rdata);
  }
  return sets;
}

}  // namespace redoubt::dns
