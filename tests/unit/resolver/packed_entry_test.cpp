#include "resolver/cache/packed_entry.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <map>
#include <random>
#include <set>

#include "resolver/cache/entry_index.hpp"
#include "resolver/cache/sieve_queue.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::resolver {
namespace {

using namespace std::chrono_literals;

constexpr Instant start{std::chrono::hours{1}};

SharedRRset rrset(std::string_view text, std::uint32_t ttl = 100) {
  const auto records = sim::records_from_text(text);
  dns::RRset set{records.front().owner, records.front().type, dns::rr_class::in, dns::Ttl::from_wire(ttl), {}};
  for (const dns::Record& record : records) set.rdata.add(record.rdata);
  return HeldRRset::make(set, start + std::chrono::seconds{ttl});
}

CacheDraft data(SharedRRset set) {
  return {.kind = EntryKind::data,
          .rank = Rank::answer,
          .expires = set->expires(),
          .name = set->owner(),
          .type = set->type(),
          .data = std::move(set)};
}

CacheDraft named(std::string_view name) { return data(rrset(std::string{name} + " A 192.0.2.1")); }

std::vector<std::vector<std::uint8_t>> rdata_of(const HeldRRset& held) {
  std::vector<std::vector<std::uint8_t>> all;
  for (const auto rdata : held.rdata()) all.emplace_back(rdata.begin(), rdata.end());
  return all;
}

void expect_same(const SharedRRset& one, const SharedRRset& other) {
  ASSERT_TRUE(one && other);
  EXPECT_TRUE(one->owner().identical(other->owner())) << "case included";
  EXPECT_EQ(one->type(), other->type());
  EXPECT_EQ(one->ttl(), other->ttl());
  EXPECT_EQ(one->expires(), other->expires());
  EXPECT_EQ(rdata_of(*one), rdata_of(*other));
}

TEST(PackedEntry, gives_back_what_went_in) {
  for (const auto* text : {"www.example. A 192.0.2.1", "WwW.example. A 192.0.2.1\nWwW.example. A 192.0.2.2",
                           ". NS a.example.", "x.example. TXT \"\"", "x.example. CNAME y.example."}) {
    const SharedRRset set = rrset(text);
    const auto entry = PackedEntry::make(data(set), 5);
    const Found found = entry->found();
    expect_same(found.rrset, set);
    EXPECT_EQ(found.kind, EntryKind::data);
    EXPECT_EQ(found.rank, Rank::answer);
    EXPECT_FALSE(found.made_by || found.error || found.standing.evidence);
    EXPECT_EQ(entry->hash(), 5U);
    EXPECT_EQ(entry->octets(), data(set).octets());
  }
}

TEST(PackedEntry, denials_give_back_their_soa_whether_it_ends_with_them_or_not) {
  const SharedRRset soa = rrset("example. SOA ns.example. host.example. 1 2 3 4 5");
  for (const Duration less : {0s, 10s}) {
    const CacheDraft draft{.kind = EntryKind::no_data,
                           .expires = soa->expires() - less,
                           .name = sim::name_from_text("www.example."),
                           .type = dns::type::aaaa,
                           .beside = soa};
    const auto entry = PackedEntry::make(draft, 1);
    expect_same(entry->found().rrset, soa);
    EXPECT_EQ(entry->type(), dns::type::aaaa);
    EXPECT_EQ(entry->octets(), draft.octets());
    EXPECT_TRUE(entry->is_of(sim::name_from_text("WWW.example.")));
  }
}

TEST(PackedEntry, gives_back_what_stands_apart) {
  auto evidence = std::make_shared<Evidence>();
  evidence->signatures = rrset("www.example. TXT signature");
  CacheDraft draft = data(rrset("www.example. CNAME www.example.net."));
  draft.beside = rrset("example. DNAME example.net.");
  draft.standing = {Security::secure, evidence};
  const auto entry = PackedEntry::make(draft, 1);
  expect_same(entry->found().made_by, draft.beside);
  EXPECT_EQ(entry->found().standing.evidence, evidence);
  EXPECT_EQ(entry->found().standing.security, Security::secure);
  EXPECT_EQ(entry->octets(), draft.octets());
  const CacheDraft failed{.kind = EntryKind::failure,
                          .expires = start + 5s,
                          .name = sim::name_from_text("www.example."),
                          .type = dns::type::a,
                          .error = std::make_shared<const dns::ExtendedError>(dns::EdeCode::other, "why")};
  const auto failure = PackedEntry::make(failed, 1);
  EXPECT_EQ(failure->found().error->text, "why");
  EXPECT_EQ(failure->found().rrset, nullptr);
  EXPECT_EQ(failure->octets(), failed.octets());
}

TEST(PackedEntry, of_a_short_name_and_an_address_takes_seventy_six_octets) {
  EXPECT_LE(named("n1234567.bench.").octets(), 76U);
}

TEST(PackedEntry, gives_back_any_number_of_records) {
  auto evidence = std::make_shared<Evidence>();
  for (int count = 1; count <= 300; ++count) {
    std::string text;
    for (int i = 0; i < count; ++i) text += fmt::format("www.example. A 192.0.{}.{}\n", i / 256, i % 256);
    for (const bool has_evidence : {false, true}) {
      CacheDraft draft = data(rrset(text));
      if (has_evidence) draft.standing = {Security::secure, evidence};
      const auto entry = PackedEntry::make(draft, 9);
      expect_same(entry->found().rrset, draft.data);
      EXPECT_EQ(entry->octets(), draft.octets());
      EXPECT_EQ(entry->found().standing.evidence, draft.standing.evidence);
      EXPECT_TRUE(entry->name() == draft.name);
    }
  }
}

TEST(PackedEntry, ends_no_later_than_it_was_told) {
  for (const Instant told : {start, start + 1ns, start + 9'999ns, start + 10'000ns, start + 24h * 365 * 80}) {
    CacheDraft draft = named("www.example.");
    draft.expires = told;
    const Instant ends = PackedEntry::make(draft, 1)->expires();
    EXPECT_LE(ends, told);
    EXPECT_LT(told - ends, 10us);
  }
  for (const Instant told : {Instant{}, Instant::min(), Instant{-1h}}) {
    CacheDraft draft = named("www.example.");
    draft.expires = told;
    EXPECT_EQ(PackedEntry::make(draft, 1)->expires(), Instant::min());
  }
  CacheDraft draft = named("www.example.");
  draft.expires = Instant::max();
  EXPECT_GT(PackedEntry::make(draft, 1)->expires(), start + 24h * 365 * 80);
}

TEST(EntryLink, holds_every_address_that_a_process_has) {
  for (const std::uintptr_t address : {std::uintptr_t{0}, std::uintptr_t{0x10}, std::uintptr_t{0x7fff'ffff'fff0}}) {
    auto* const entry = reinterpret_cast<PackedEntry*>(address);
    EXPECT_TRUE(EntryLink::can_hold(entry));
    EXPECT_EQ(static_cast<PackedEntry*>(EntryLink{entry}), entry);
  }
  EXPECT_FALSE(EntryLink::can_hold(reinterpret_cast<const void*>(std::uintptr_t{1} << 48)));
}

TEST(PackedEntry, verdicts_are_forgotten_and_what_was_bogus_ends) {
  CacheDraft draft = named("www.example.");
  draft.standing.security = Security::bogus;
  const auto entry = PackedEntry::make(draft, 1);
  entry->forget_verdict();
  EXPECT_EQ(entry->security(), Security::indeterminate);
  EXPECT_FALSE(entry->outlives(start, 24h));
}

TEST(EntryIndex, finds_what_a_plain_table_finds_whatever_comes_and_goes) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    std::mt19937_64 random{seed};
    EntryIndex index;
    std::vector<PackedEntry::Owned> entries;
    std::vector<std::uint64_t> hashes;
    std::multimap<std::uint64_t, PackedEntry*> plain;
    // Few different positions and tags, so that runs collide and wrap around.
    const auto hash_of_any = [&] { return (random() % 4) << 33 | (random() % 40) * 0x0400'0001ULL; };
    for (int step = 0; step < 3000; ++step) {
      const bool grows = step % 1000 < 600;
      if (entries.empty() || random() % 10 < (grows ? 7U : 3U)) {
        const std::uint64_t hash = hash_of_any();
        entries.push_back(PackedEntry::make(named("x."), static_cast<std::uint32_t>(hash)));
        hashes.push_back(hash);
        index.insert(entries.back().get(), hash);
        plain.emplace(hash, entries.back().get());
      } else {
        const std::size_t pick = random() % entries.size();
        const auto [first, last] = plain.equal_range(hashes[pick]);
        plain.erase(std::find_if(first, last, [&](const auto& at) { return at.second == entries[pick].get(); }));
        index.erase(entries[pick].get());
        std::swap(entries[pick], entries.back());
        std::swap(hashes[pick], hashes.back());
        entries.pop_back();
        hashes.pop_back();
      }
      ASSERT_EQ(index.size(), plain.size());
      const std::uint64_t hash = hash_of_any();
      std::multiset<PackedEntry*> found;
      std::multiset<PackedEntry*> expected;
      index.each(hash, [&](PackedEntry& entry) {
        found.insert(&entry);
        return true;
      });
      const auto [first, last] = plain.equal_range(hash);
      for (auto at = first; at != last; ++at) expected.insert(at->second);
      ASSERT_EQ(found, expected) << "seed " << seed << " step " << step;
    }
  }
}

TEST(EntryIndex, takes_no_more_than_each_entry_is_charged) {
  std::mt19937_64 random{1};
  EntryIndex index;
  std::vector<PackedEntry::Owned> entries;
  for (int i = 0; i < 20'000; ++i) {
    const std::uint64_t hash = random();
    entries.push_back(PackedEntry::make(named("x."), static_cast<std::uint32_t>(hash)));
    index.insert(entries.back().get(), hash);
    if (i > 100) {
      ASSERT_LE(index.octets(), 12U * index.size() + 16);
    }
  }
  while (entries.size() > 100) {
    index.erase(entries.back().get());
    entries.pop_back();
    ASSERT_LE(index.octets(), 12U * index.size() + 16);
  }
}

TEST(SieveQueue, takes_the_oldest_that_nobody_visited) {
  SieveQueue queue;
  std::vector<PackedEntry::Owned> entries;
  for (int i = 0; i < 4; ++i) {
    entries.push_back(PackedEntry::make(named("x."), 0));
    queue.push(entries.back().get());
  }
  entries[0]->visit(start);
  entries[2]->visit(start);
  const auto next = [&] {
    PackedEntry* const gone = queue.next_to_go(start, true);
    queue.take_out(gone);
    return gone;
  };
  EXPECT_EQ(next(), entries[1].get());
  EXPECT_EQ(next(), entries[3].get()) << "the hand goes on where it was, towards the newest";
  EXPECT_EQ(next(), entries[0].get()) << "and begins again at the oldest, which was not visited since";
  EXPECT_EQ(next(), entries[2].get());
  EXPECT_TRUE(queue.is_empty());
}

}  // namespace
}  // namespace redoubt::resolver
