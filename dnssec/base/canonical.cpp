#include "dnssec/base/canonical.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <optional>

#include "dns/rdata.hpp"

namespace redoubt::dnssec {

namespace {

constexpr std::size_t labels_at = 3;  // in RRSIG's RDATA (RFC 4034 §3.1)
constexpr std::size_t original_ttl_at = 4;
constexpr std::size_t prefix_fixed_octets = 18;

/// "*." and the rightmost labels where the signature was made over a wildcard; nothing when there are too few labels.
std::optional<dns::Name> signed_owner(const dns::Name& owner, std::uint8_t labels) {
  const std::uint8_t own = rrsig_labels(owner);
  if (labels > own) return std::nullopt;
  if (labels == own) return owner.lowercased();
  static constexpr std::array<std::uint8_t, 1> star{'*'};
  return owner.suffix(labels).lowercased().prepended(star);
}

void append_one(Octets& out, OctetView head, dns::RrType type, OctetView rdata) {
  append_octets(out, head);
  append_u16(out, static_cast<std::uint16_t>(rdata.size()));
  append_octets(out, rdata);
  dns::canonicalise(type, std::span{out}.last(rdata.size()));
}

}  // namespace

bool append_signed_data(Octets& out, OctetView prefix, const SetView& set) {
  if (prefix.size() < prefix_fixed_octets || set.rdata.begin() == set.rdata.end()) return false;
  const auto owner = signed_owner(set.owner, prefix[labels_at]);
  if (!owner) return false;
  Octets head;  // of each record
  head.reserve(owner->wire().size() + 8);
  append_octets(head, owner->wire());
  append_u16(head, set.type.value);
  append_u16(head, set.rr_class.value);
  append_octets(head, prefix.subspan(original_ttl_at, 4));
  append_octets(out, prefix);

  if (std::next(set.rdata.begin()) == set.rdata.end()) {
    append_one(out, head, set.type, *set.rdata.begin());
    return true;
  }
  std::vector<Octets> sorted;
  for (const OctetView rdata : set.rdata) {
    sorted.emplace_back(rdata.begin(), rdata.end());
    dns::canonicalise(set.type, sorted.back());
  }
  std::ranges::sort(sorted);
  const auto twice = std::ranges::unique(sorted);
  sorted.erase(twice.begin(), twice.end());
  for (const Octets& rdata : sorted) append_one(out, head, set.type, rdata);
  return true;
}

std::uint8_t rrsig_labels(const dns::Name& owner) {
  return static_cast<std::uint8_t>(owner.label_count() - (owner.is_wildcard() ? 1 : 0));
}

void append_order_key(std::string& out, OctetView name_wire) {
  std::array<std::uint8_t, dns::max_labels> offsets;
  std::size_t count = 0;
  for (std::size_t at = 0; name_wire[at] != 0; at += name_wire[at] + 1U)
    offsets[count++] = static_cast<std::uint8_t>(at);
  while (count-- > 0) {
    const std::size_t at = offsets[count];
    for (const std::uint8_t octet : name_wire.subspan(at + 1, name_wire[at])) {
      if (octet <= 1) {
        out += '\1';
        out += static_cast<char>(octet + 1);
      } else {
        out += static_cast<char>(octet >= 'A' && octet <= 'Z' ? octet + ('a' - 'A') : octet);
      }
    }
    out += '\0';
  }
}

}  // namespace redoubt::dnssec
