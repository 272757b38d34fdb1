#include "dnssec/zone/zone.hpp"

#include <algorithm>
#include <compare>
#include <cstring>
#include <iterator>

#include "dns/rdata.hpp"

namespace redoubt::dnssec {

std::uint8_t* Arena::take(std::size_t octets) {
  if (octets > left_) {
    const std::size_t size = std::max(octets, block_octets);
    blocks_.push_back(std::make_unique_for_overwrite<std::uint8_t[]>(size));
    at_ = blocks_.back().get();
    left_ = size;
    total_ += size;
  }
  std::uint8_t* out = at_;
  at_ += octets;
  left_ -= octets;
  return out;
}

const std::uint8_t* Arena::copy(OctetView octets) {
  std::uint8_t* out = take(octets.size());
  std::ranges::copy(octets, out);
  return out;
}

std::size_t ZoneSet::count() const {
  const RdataRange range = rdata();
  return static_cast<std::size_t>(std::distance(range.begin(), range.end()));
}

dns::Name ZoneNode::name() const { return dns::Name::from_wire(wire()).value_or(dns::Name{}); }

const ZoneSet* Zone::find(const ZoneNode& node, dns::RrType type) const {
  const auto all = sets(node);
  const auto at = std::ranges::lower_bound(all, type, {}, &ZoneSet::type);
  return at != all.end() && at->type == type ? &*at : nullptr;
}

const ZoneNode* Zone::find(const dns::Name& owner) const {
  const auto at =
      std::ranges::lower_bound(nodes_, owner, std::less<>{}, [](const ZoneNode& node) { return node.name(); });
  return at != nodes_.end() && at->name() == owner ? &*at : nullptr;
}

void Zone::replace(dns::RrType apex_type, const dns::RdataList& rdata) {
  const ZoneNode& apex = nodes_.front();
  for (ZoneSet& set : std::span{sets_}.subspan(apex.first_set, apex.set_count)) {
    if (set.type != apex_type) continue;
    Octets block;
    for (const OctetView one : rdata) {
      append_u16(block, static_cast<std::uint16_t>(one.size()));
      append_octets(block, one);
    }
    set.block = arena_.copy(block);
    set.octets = static_cast<std::uint32_t>(block.size());
  }
}

std::size_t Zone::record_count() const {
  std::size_t count = 0;
  for (const ZoneSet& set : sets_) count += set.count();
  return count;
}

std::expected<void, std::string> ZoneBuilder::add(const dns::Record& record) {
  if (record.rr_class != dns::rr_class::in)
    return std::unexpected{"a record of class " + dns::to_text(record.rr_class) +
                           "; zones of class IN are signed here"};
  Raw raw{};
  if (!raw_.empty() && record.owner.identical(last_owner_)) {
    raw = raw_.back();
  } else {
    if (!record.owner.is_at_or_below(zone_.apex_))
      return std::unexpected{record.owner.to_text() + " is not in the zone " + zone_.apex_.to_text()};
    raw.owner = zone_.arena_.copy(record.owner.wire());
    raw.owner_octets = static_cast<std::uint8_t>(record.owner.wire().size());
    raw.key = static_cast<std::uint32_t>(keys_.size());
    append_order_key(keys_, record.owner.wire());
    if (keys_.size() > 0xffffffffU) return std::unexpected{std::string{"more names than one zone may have"}};
    raw.key_octets = static_cast<std::uint16_t>(keys_.size() - raw.key);
    last_owner_ = record.owner;
  }
  raw.type = record.type;
  raw.ttl = record.ttl.seconds();
  raw.rdata_octets = static_cast<std::uint16_t>(record.rdata.size());
  std::uint8_t* block = zone_.arena_.take(record.rdata.size() + 2);
  block[0] = static_cast<std::uint8_t>(record.rdata.size() >> 8);
  block[1] = static_cast<std::uint8_t>(record.rdata.size() & 0xff);
  std::ranges::copy(record.rdata, block + 2);
  raw.rdata = block;
  raw_.push_back(raw);
  return {};
}

namespace {

/// Canonical order of RDATA (RFC 4034 §6.3): in canonical form, octet by octet.
std::strong_ordering compare_rdata(dns::RrType type, OctetView left, OctetView right) {
  const auto compare = [](OctetView a, OctetView b) {
    return std::lexicographical_compare_three_way(a.begin(), a.end(), b.begin(), b.end());
  };
  dns::RdataFields fields{type, left};
  bool has_name = false;
  while (fields.next())
    has_name = has_name || fields.field() == dns::Field::name_compressed || fields.field() == dns::Field::name_lowered;
  if (!has_name) return compare(left, right);
  Octets a{left.begin(), left.end()};
  Octets b{right.begin(), right.end()};
  dns::canonicalise(type, a);
  dns::canonicalise(type, b);
  return compare(a, b);
}

}  // namespace

void Zone::add_at_apex(std::span<const dns::Record> records) {
  sets_.resize(sets_of_file_);
  ZoneNode& apex = nodes_.front();
  std::vector<ZoneSet> all(sets_.begin(), sets_.begin() + apex_sets_of_file_);  // the apex's come first
  std::vector<const dns::Record*> sorted;
  for (const dns::Record& record : records) sorted.push_back(&record);
  std::ranges::sort(sorted, [](const dns::Record* left, const dns::Record* right) {
    return left->type == right->type ? compare_rdata(left->type, left->rdata, right->rdata) < 0
                                     : left->type < right->type;
  });
  for (auto at = sorted.begin(); at != sorted.end();) {
    const dns::Record& first = **at;
    Octets block;
    const dns::Record* before = nullptr;
    for (; at != sorted.end() && (*at)->type == first.type; before = *at++) {
      if (before != nullptr && before->rdata == (*at)->rdata) continue;
      append_u16(block, static_cast<std::uint16_t>((*at)->rdata.size()));
      append_octets(block, (*at)->rdata);
    }
    all.push_back({.type = first.type,
                   .ttl = first.ttl.seconds(),
                   .octets = static_cast<std::uint32_t>(block.size()),
                   .block = arena_.copy(block)});
  }
  std::ranges::sort(all, {}, &ZoneSet::type);  // each type once
  apex.first_set = static_cast<std::uint32_t>(sets_.size());
  apex.set_count = static_cast<std::uint16_t>(all.size());
  sets_.insert(sets_.end(), all.begin(), all.end());
}

void ZoneBuilder::assemble() {
  const auto rdata_of = [](const Raw& raw) { return OctetView{raw.rdata + 2, raw.rdata_octets}; };
  const auto order = [&](const Raw& left, const Raw& right) -> std::strong_ordering {
    if (left.key != right.key) {
      if (const auto names = key_of(left) <=> key_of(right); names != 0) return names;
    }
    if (left.type != right.type) return left.type.value <=> right.type.value;
    return compare_rdata(left.type, rdata_of(left), rdata_of(right));
  };
  const auto before = [&](const Raw& left, const Raw& right) { return order(left, right) < 0; };
  if (!std::ranges::is_sorted(raw_, before)) std::ranges::sort(raw_, before);

  const auto same_owner = [&](const Raw& left, const Raw& right) {
    return left.key == right.key || key_of(left) == key_of(right);
  };
  for (std::size_t at = 0; at < raw_.size();) {
    const Raw& first = raw_[at];
    const bool new_node = zone_.nodes_.empty() || !same_owner(raw_[at - 1], first);
    if (new_node) {
      zone_.nodes_.push_back({.owner = first.owner,
                              .first_set = static_cast<std::uint32_t>(zone_.sets_.size()),
                              .set_count = 0,
                              .owner_octets = first.owner_octets,
                              .kind = NodeKind::authoritative});
    }
    ZoneSet set{.type = first.type, .ttl = first.ttl, .octets = 0, .block = first.rdata};
    std::size_t end = at;
    std::size_t last_kept = at;
    bool even = true;
    bool in_place = true;  // one behind the other in the arena already
    std::vector<const Raw*> kept;
    for (; end < raw_.size() && raw_[end].type == first.type && same_owner(raw_[end], first); ++end) {
      if (end != at && order(raw_[last_kept], raw_[end]) == 0) continue;
      last_kept = end;
      kept.push_back(&raw_[end]);
      even = even && raw_[end].ttl == first.ttl;
      set.ttl = std::min(set.ttl, raw_[end].ttl);  // RFC 2181 §5.2
      in_place = in_place && raw_[end].rdata == set.block + set.octets;
      set.octets += 2U + raw_[end].rdata_octets;
    }
    if (!in_place) {
      std::uint8_t* block = zone_.arena_.take(set.octets);
      set.block = block;
      for (const Raw* raw : kept) block = std::copy_n(raw->rdata, raw->rdata_octets + 2, block);
    }
    // RRSIG records have the TTLs of what they cover (RFC 4034 §3).
    if (!even && set.type != dns::type::rrsig && zone_.uneven_.size() < Zone::max_uneven)
      zone_.uneven_.push_back({static_cast<std::uint32_t>(zone_.nodes_.size() - 1), set.type});
    zone_.sets_.push_back(set);
    ++zone_.nodes_.back().set_count;
    at = end;
  }
  raw_ = {};
  classify();
  keys_ = {};
}

std::optional<Zone> ZoneBuilder::finish_part() && {
  const auto before = [&](const Raw& left, const Raw& right) {
    return left.key != right.key && !(key_of(left) < key_of(right));
  };
  if (std::ranges::adjacent_find(raw_, before) != raw_.end()) return std::nullopt;
  assemble();
  return std::move(zone_);
}

std::expected<Zone, std::string> ZoneBuilder::finish() && {
  assemble();
  if (zone_.nodes_.empty() || !(zone_.nodes_.front().name() == zone_.apex_))
    return std::unexpected{"no SOA at " + zone_.apex_.to_text()};
  const ZoneSet* soa = zone_.find(zone_.nodes_.front(), dns::type::soa);
  if (soa == nullptr) return std::unexpected{"no SOA at " + zone_.apex_.to_text()};
  if (soa->count() != 1) return std::unexpected{"more than one SOA at " + zone_.apex_.to_text()};
  zone_.sets_of_file_ = zone_.sets_.size();
  zone_.apex_sets_of_file_ = zone_.nodes_.front().set_count;
  zone_.nodes_.shrink_to_fit();
  zone_.sets_.shrink_to_fit();
  return std::move(zone_);
}

/// In canonical order everything below a name follows it at once.
void ZoneBuilder::classify() {
  std::optional<std::string> above;  // the order key of the cut or DNAME whose names are passing by
  std::string key;
  for (ZoneNode& node : zone_.nodes_) {
    key.clear();
    append_order_key(key, node.wire());
    if (above && key.starts_with(*above)) {
      node.kind = NodeKind::occluded;
      continue;
    }
    above.reset();
    const bool is_apex = node.owner_octets == zone_.apex_.wire().size();  // all are at or below it
    if (!is_apex && zone_.find(node, dns::type::ns) != nullptr) {
      node.kind = NodeKind::cut;
      above = key;
    } else if (zone_.find(node, dns::type::dname) != nullptr) {
      above = key;
    }
  }
}

}  // namespace redoubt::dnssec
