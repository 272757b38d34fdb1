#include "policy/access/access_list.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace redoubt::policy {

namespace {

/// IPv4 before IPv6, then by octets: the order that ranges_ is searched in.
bool before(const dns::IpAddress& left, const dns::IpAddress& right) {
  if (left.is_v6() != right.is_v6()) return right.is_v6();
  return std::ranges::lexicographical_compare(left.octets(), right.octets());
}

/// The highest address of a range: every bit behind the prefix set.
dns::IpAddress last_of(const dns::Prefix& prefix) {
  std::array<std::uint8_t, 16> octets{};
  const auto first = prefix.address().octets();
  std::ranges::copy(first, octets.begin());
  for (std::size_t bit = prefix.length(); bit < first.size() * 8; ++bit) {
    octets[bit / 8] = static_cast<std::uint8_t>(octets[bit / 8] | (0x80U >> (bit % 8)));
  }
  return *dns::IpAddress::from_octets(std::span{octets}.first(first.size()));
}

}  // namespace

AccessList::AccessList(std::span<const dns::Prefix> allow) {
  std::vector<Range> all;
  all.reserve(allow.size());
  for (const dns::Prefix& prefix : allow) all.push_back({prefix.address(), last_of(prefix)});
  std::ranges::sort(all, before, &Range::first);
  for (const Range& range : all) {
    // Prefixes nest or are disjoint; of two with the same first address either may be the larger.
    const bool disjoint = ranges_.empty() || ranges_.back().last.is_v6() != range.first.is_v6() ||
                          before(ranges_.back().last, range.first);
    if (disjoint) {
      ranges_.push_back(range);
    } else if (before(ranges_.back().last, range.last)) {
      ranges_.back().last = range.last;
    }
  }
}

bool AccessList::allows(const dns::IpAddress& client) const {
  const dns::IpAddress address = client.unmapped();
  const auto behind = std::ranges::upper_bound(ranges_, address, before, &Range::first);
  if (behind == ranges_.begin()) return false;
  const Range& range = *std::prev(behind);
  return range.last.is_v6() == address.is_v6() && !before(range.last, address);
}

AllowedNames::AllowedNames(std::vector<dns::Name> names) : names_{std::move(names)} {
  for (dns::Name& name : names_) name = name.lowercased();
  std::ranges::sort(names_);
}

bool AllowedNames::allows(const dns::Name& client) const {
  if (names_.empty() || client.is_root()) return false;
  const dns::Name name = client.lowercased();
  if (std::ranges::binary_search(names_, name)) return true;
  return std::ranges::any_of(
      names_, [&](const dns::Name& allowed) { return allowed.is_wildcard() && allowed.parent() == name.parent(); });
}

}  // namespace redoubt::policy
