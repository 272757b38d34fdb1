#include "dns/rrset.hpp"

#include <algorithm>
#include <unordered_map>

namespace redoubt::dns {

void RdataList::add(std::span<const std::uint8_t> rdata) {
  block_.reserve(block_.size() + 2 + rdata.size());
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
  const auto has_all = [](const RdataList& of, const RdataList& in) {
    return std::all_of(of.begin(), of.end(), [&](std::span<const std::uint8_t> rdata) { return in.contains(rdata); });
  };
  return count_ == other.count_ && has_all(*this, other) && has_all(other, *this);
}

std::vector<RRset> gather(std::span<const Record> records, const HashKey& key) {
  std::vector<RRset> sets;
  std::unordered_multimap<std::uint64_t, std::size_t>
      places;  // from the keyed hash of owner and type to the index in sets
  places.reserve(records.size());
  for (const Record& record : records) {
    const std::uint64_t hash = record.owner.hash(key) + record.type.value * 0x9e3779b97f4a7c15ULL;
    const auto [first, last] = places.equal_range(hash);
    const auto place = std::find_if(first, last, [&](const auto& entry) {
      const RRset& set = sets[entry.second];
      return set.type == record.type && set.rr_class == record.rr_class && set.owner == record.owner;
    });
    if (place == last) {
      places.emplace(hash, sets.size());
      sets.push_back({record.owner, record.type, record.rr_class, record.ttl, {}});
      sets.back().rdata.add(record.rdata);
    } else {
      RRset& set = sets[place->second];
      set.ttl = std::min(set.ttl, record.ttl);
      set.rdata.add_unique(record.rdata);
    }
  }
  return sets;
}

}  // namespace redoubt::dns
