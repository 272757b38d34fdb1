#include "policy/special/special_names.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace redoubt::policy {

namespace {

constexpr auto empty = SpecialUse::empty;
constexpr std::uint32_t ttl_seconds = 10'800;  // RFC 6303 §3

// Grouped by source; sorted at the first use.
constexpr std::array table{
    SpecialZone{"localhost.", SpecialUse::loopback, "RFC 6761 §6.3"},
    SpecialZone{"invalid.", empty, "RFC 6761 §6.4"},
    SpecialZone{"test.", empty, "RFC 6761 §6.2"},
    SpecialZone{"local.", empty, "RFC 6762 §22.1"},
    SpecialZone{"onion.", empty, "RFC 7686 §2"},
    SpecialZone{"alt.", empty, "RFC 9476 §3"},
    SpecialZone{"internal.", empty, "ICANN resolution 2024.07.29.06"},
    SpecialZone{"home.arpa.", empty, "RFC 8375 §4"},
    SpecialZone{"resolver.arpa.", empty, "RFC 9462 §6.4"},
    SpecialZone{"service.arpa.", empty, "RFC 9665"},
    SpecialZone{"empty.as112.arpa.", empty, "RFC 7535 §4"},
    // Private use and this machine itself.
    SpecialZone{"10.in-addr.arpa.", empty, "RFC 6303 §4.1"},
    SpecialZone{"16.172.in-addr.arpa.", empty, "RFC 6303 §4.1"},
    SpecialZone{"17.172.in-addr.arpa.", empty, "RFC 6303 §4.1"},
    SpecialZone{"18.172.in-addr.arpa.", empty, "RFC 6303 §4.1"},
    SpecialZone{"19.172.in-addr.arpa.", empty, "RFC 6303 §4.1"},
    SpecialZone{"20.172.in-addr.arpa.", empty, "RFC 6303 §4.1"},
    SpecialZone{"21.172.in-addr.arpa.", empty, "RFC 6303 §4.1"},
    SpecialZone{"22.172.in-addr.arpa.", empty, "RFC 6303 §4.1"},
    SpecialZone{"23.172.in-addr.arpa.", empty, "RFC 6303 §4.1"},
    SpecialZone{"24.172.in-addr.arpa.", empty, "RFC 6303 §4.1"},
    SpecialZone{"25.172.in-addr.arpa.", empty, "RFC 6303 §4.1"},
    SpecialZone{"26.172.in-addr.arpa.", empty, "RFC 6303 §4.1"},
    SpecialZone{"27.172.in-addr.arpa.", empty, "RFC 6303 §4.1"},
    SpecialZone{"28.172.in-addr.arpa.", empty, "RFC 6303 §4.1"},
    SpecialZone{"29.172.in-addr.arpa.", empty, "RFC 6303 §4.1"},
    SpecialZone{"30.172.in-addr.arpa.", empty, "RFC 6303 §4.1"},
    SpecialZone{"31.172.in-addr.arpa.", empty, "RFC 6303 §4.1"},
    SpecialZone{"168.192.in-addr.arpa.", empty, "RFC 6303 §4.1"},
    SpecialZone{"0.in-addr.arpa.", empty, "RFC 6303 §4.2"},
    SpecialZone{"127.in-addr.arpa.", empty, "RFC 6303 §4.2"},
    SpecialZone{"1.0.0.127.in-addr.arpa.", SpecialUse::loopback_reverse, "RFC 6761 §6.3"},
    SpecialZone{"254.169.in-addr.arpa.", empty, "RFC 6303 §4.2"},
    SpecialZone{"2.0.192.in-addr.arpa.", empty, "RFC 6303 §4.2"},
    SpecialZone{"100.51.198.in-addr.arpa.", empty, "RFC 6303 §4.2"},
    SpecialZone{"113.0.203.in-addr.arpa.", empty, "RFC 6303 §4.2"},
    SpecialZone{"255.255.255.255.in-addr.arpa.", empty, "RFC 6303 §4.2"},
    SpecialZone{"0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.", empty, "RFC 6303 §4.3"},
    SpecialZone{"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.ip6.arpa.",
                SpecialUse::loopback_reverse, "RFC 6303 §4.3"},
    SpecialZone{"d.f.ip6.arpa.", empty, "RFC 6303 §4.4"},
    SpecialZone{"8.e.f.ip6.arpa.", empty, "RFC 6303 §4.5"},
    SpecialZone{"9.e.f.ip6.arpa.", empty, "RFC 6303 §4.5"},
    SpecialZone{"a.e.f.ip6.arpa.", empty, "RFC 6303 §4.5"},
    SpecialZone{"b.e.f.ip6.arpa.", empty, "RFC 6303 §4.5"},
    SpecialZone{"8.b.d.0.1.0.0.2.ip6.arpa.", empty, "RFC 6303 §4.6"},
};

// Of the longest name in the table.
constexpr std::size_t most_labels = 34;

// Shared address space, 100.64.0.0/10 (RFC 7793).
constexpr unsigned first_shared = 64;
constexpr unsigned last_shared = 127;

struct Row {
  SpecialZone zone;
  dns::Name name;
};

/// The table with names ready to compare, sorted. Its texts live as long as the program.
struct Table {
  std::vector<std::string> shared_names;
  std::vector<Row> rows;
  std::vector<SpecialZone> zones;

  Table() {
    for (unsigned octet = first_shared; octet <= last_shared; ++octet)
      shared_names.push_back(std::to_string(octet) + ".100.in-addr.arpa.");
    for (const SpecialZone& zone : table) add(zone);
    for (const std::string& name : shared_names) add({name, empty, "RFC 7793"});
    std::ranges::sort(rows, [](const Row& a, const Row& b) { return (a.name <=> b.name) < 0; });
    for (const Row& row : rows) zones.push_back(row.zone);
  }
  void add(const SpecialZone& zone) { rows.push_back({zone, dns::Name::literal(zone.name)}); }
};

const Table& sorted_table() {
  static const Table sorted;
  return sorted;
}

/// Whether the last label is one under which there is anything special.
bool may_be_special(const dns::Name& name) {
  static constexpr std::array<std::string_view, 8> tops{"arpa",  "localhost", "invalid", "test",
                                                        "local", "onion",     "alt",     "internal"};
  const auto wire = name.wire();
  for (const std::string_view top : tops) {
    const std::size_t octets = top.size() + 2;  // its length in front, the root behind
    if (wire.size() < octets) continue;
    const auto end = wire.last(octets);
    // A length octet is below every letter: it cannot be taken for one of a longer label.
    if (end[0] != top.size()) continue;
    if (std::ranges::equal(end.subspan(1, top.size()), top,
                           [](std::uint8_t a, char b) { return (a | 0x20U) == static_cast<std::uint8_t>(b); }))
      return true;
  }
  return false;
}

dns::Ttl ttl() { return dns::Ttl::from_wire(ttl_seconds); }

dns::RRset rrset(const dns::Name& owner, dns::RrType type, std::span<const std::uint8_t> rdata) {
  dns::RRset set{owner, type, dns::rr_class::in, ttl(), {}};
  set.rdata.add(rdata);
  return set;
}

/// RFC 6303 §3: the zone is its own name server, and nobody is its master.
dns::RRset soa_of(const dns::Name& apex) {
  const auto append = [](std::vector<std::uint8_t>& to, std::span<const std::uint8_t> octets) {
    to.insert(to.end(), octets.begin(), octets.end());
  };
  std::vector<std::uint8_t> rdata;
  append(rdata, apex.wire());
  append(rdata, dns::Name::literal("nobody.invalid.").wire());
  for (const std::uint32_t value : {1U, 3600U, 1200U, 604'800U, ttl_seconds}) {
    for (int shift = 24; shift >= 0; shift -= 8) rdata.push_back(static_cast<std::uint8_t>(value >> shift));
  }
  return rrset(apex, dns::type::soa, rdata);
}

std::optional<dns::RRset> data_at_apex(const dns::Name& apex, dns::RrType type) {
  if (type == dns::type::soa) return soa_of(apex);
  if (type == dns::type::ns) return rrset(apex, dns::type::ns, apex.wire());
  return std::nullopt;
}

std::optional<dns::RRset> loopback(const dns::Name& owner, dns::RrType type) {
  static constexpr std::array<std::uint8_t, 4> v4{127, 0, 0, 1};
  static constexpr std::array<std::uint8_t, 16> v6{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1};
  if (type == dns::type::a) return rrset(owner, type, v4);
  if (type == dns::type::aaaa) return rrset(owner, type, v6);
  return std::nullopt;
}

}  // namespace

std::span<const SpecialZone> special_zones() { return sorted_table().zones; }

const SpecialZone* find_special(const dns::Name& name) {
  if (!may_be_special(name)) return nullptr;
  const Table& sorted = sorted_table();
  const SpecialZone* deepest = nullptr;
  const std::size_t labels = std::min(name.label_count(), most_labels);
  for (std::size_t count = 1; count <= labels; ++count) {
    const dns::Name suffix = name.suffix(count);
    const auto at = std::ranges::lower_bound(
        sorted.rows, suffix, [](const dns::Name& a, const dns::Name& b) { return (a <=> b) < 0; }, &Row::name);
    if (at != sorted.rows.end() && at->name == suffix)
      deepest = &sorted.zones[static_cast<std::size_t>(at - sorted.rows.begin())];
  }
  return deepest;
}

LocalAnswer answer_locally(const SpecialZone& zone, const dns::Question& question) {
  const dns::Name apex = dns::Name::literal(zone.name);
  const bool at_apex = question.name == apex;
  LocalAnswer answer;
  if (at_apex) answer.data = data_at_apex(apex, question.type);
  if (!answer.data && zone.use == SpecialUse::loopback) answer.data = loopback(question.name, question.type);
  if (!answer.data && zone.use == SpecialUse::loopback_reverse && at_apex && question.type == dns::type::ptr)
    answer.data = rrset(question.name, dns::type::ptr, dns::Name::literal("localhost.").wire());
  if (answer.data) return answer;
  if (!at_apex && zone.use != SpecialUse::loopback) answer.rcode = dns::Rcode::nxdomain;
  answer.soa = soa_of(apex);
  return answer;
}

}  // namespace redoubt::policy
