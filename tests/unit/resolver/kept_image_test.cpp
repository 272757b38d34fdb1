// An image of the cache: what goes in comes out, and what is altered anywhere is refused whole.
#include "resolver/cache/kept_image.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>

#include "resolver/cache/cache.hpp"

namespace redoubt::resolver {
namespace {

using namespace std::chrono_literals;

constexpr ImageKey key{7, 1, 9};
constexpr SettingsDigest digest{4, 2};
constexpr std::size_t roomy = 1U << 20U;
const Instant start{std::chrono::hours{50}};
const WallTime wall{std::chrono::seconds{1'795'300'000}};
const Moment then{start, wall};
constexpr dns::HashKey hash_key{};

dns::Name name(std::string_view text) { return *dns::Name::from_text(text); }

SharedRRset held(std::string_view owner, dns::RrType type, std::vector<std::vector<std::uint8_t>> rdata,
                 Instant expires, std::uint32_t ttl = 300) {
  dns::RRset set{.owner = name(owner), .type = type, .ttl = dns::Ttl::from_wire(ttl), .rdata = {}};
  for (const auto& one : rdata) set.rdata.add(one);
  return HeldRRset::make(set, expires);
}

std::vector<std::uint8_t> wire_of(std::string_view text) {
  const dns::Name of = name(text);
  return {of.wire().begin(), of.wire().end()};
}

std::vector<std::uint8_t> soa_rdata() {
  std::vector<std::uint8_t> rdata = wire_of("ns.example.");
  for (const std::uint8_t octet : wire_of("mail.example.")) rdata.push_back(octet);
  rdata.resize(rdata.size() + 20, 1);
  return rdata;
}

std::vector<std::uint8_t> rrsig_rdata() {
  std::vector<std::uint8_t> rdata{0, 1, 13, 2, 0, 0, 1, 0x2c, 0x70, 0, 0, 0, 0x60, 0, 0, 0, 0x12, 0x34};
  for (const std::uint8_t octet : wire_of("example.")) rdata.push_back(octet);
  rdata.resize(rdata.size() + 64, 5);
  return rdata;
}

std::vector<std::uint8_t> nsec_rdata() {
  std::vector<std::uint8_t> rdata = wire_of("z.example.");
  rdata.insert(rdata.end(), {0, 1, 0x40});
  return rdata;
}

constexpr dns::RrType a_type = dns::type::a;

/// One entry of each kind and shape.
void fill(Cache& cache) {
  cache.store_data(held("www.Example.", a_type, {{192, 0, 2, 1}, {192, 0, 2, 2}}, start + 300s),
                   Rank::authoritative_answer, start);
  const auto evidence = std::make_shared<const Evidence>(
      Evidence{.signatures = held("signed.example.", dns::type::rrsig, {rrsig_rdata()}, start + 300s),
               .proof = {held("a.example.", dns::type::nsec, {nsec_rdata()}, start + 200s),
                         held("a.example.", dns::type::rrsig, {rrsig_rdata()}, start + 200s)},
               .note = dns::ExtendedError{dns::EdeCode::unsupported_dnskey_algorithm, "algorithm 240"}});
  cache.store_data(held("signed.example.", a_type, {{192, 0, 2, 3}}, start + 300s), Rank::authoritative_answer, start,
                   nullptr, {Security::secure, evidence});
  cache.store_data(held("alias.old.example.", dns::type::cname, {wire_of("alias.new.example.")}, start + 100s),
                   Rank::answer, start,
                   held("old.example.", dns::type::dname, {wire_of("new.example.")}, start + 150s));
  const SharedRRset soa = held("example.", dns::type::soa, {soa_rdata()}, start + 60s, 60);
  cache.store_denial(name("no.example."), std::nullopt, soa, Rank::authoritative_answer, start + 60s, start,
                     {Security::insecure, nullptr});
  cache.store_denial(name("www.example."), dns::type::aaaa, soa, Rank::authoritative_answer, start + 60s, start);
  cache.store_denial(name("bare.example."), dns::type::mx, nullptr, Rank::authority, start + 30s, start);
  cache.store_failure(name("fails.example."), a_type, {}, start + 5s, start);
  cache.store_delegation(
      std::make_shared<const Delegation>(Delegation{
          .zone = name("example."),
          .servers = {{name("ns1.example."),
                       {*dns::IpAddress::from_text("192.0.2.53"), *dns::IpAddress::from_text("2001:db8::53")}},
                      {name("ns.elsewhere."), {}}},
          .expires = start + 3600s,
          .learned = start}),
      start);
}

std::vector<KeptEntry> all_of(const Cache& cache, Instant now) {
  std::vector<KeptEntry> entries;
  for (const bool visited : {true, false}) {
    Cache::Walk walk;
    while (cache.copy_some(walk, 8, visited, now, entries)) {
    }
  }
  return entries;
}

std::vector<std::uint8_t> image_of(const std::vector<KeptEntry>& entries, std::size_t octets = roomy) {
  ImageWriter writer{key, digest, then, octets};
  for (const KeptEntry& entry : entries) {
    if (!writer.add(entry)) break;
  }
  writer.end();
  return writer.take();
}

/// Everything, or the fault.
std::expected<std::vector<KeptEntry>, ImageFault> read(std::span<const std::uint8_t> image, Moment at) {
  auto reader = ImageReader::open(image, key);
  if (!reader) return std::unexpected{reader.error()};
  std::vector<KeptEntry> entries;
  for (;;) {
    const auto more = reader->next(at, entries);
    if (!more) return std::unexpected{more.error()};
    if (!*more) return entries;
  }
}

std::string line(const SharedRRset& set, Instant now) {
  if (!set) return "none";
  std::string text =
      set->owner().to_text() + " " + std::to_string(set->type().value) + " " + std::to_string(set->ttl().seconds()) +
      " " + std::to_string(std::chrono::duration_cast<std::chrono::milliseconds>(set->expires() - now).count());
  for (const auto rdata : set->rdata()) {
    text += " ";
    for (const std::uint8_t octet : rdata) text += std::to_string(octet) + ",";
  }
  return text;
}

/// All that an entry is, relative to `now`.
std::string line(const KeptEntry& entry, Instant now) {
  const CacheDraft& draft = entry.draft;
  std::string text = draft.name.to_text() + " " + std::to_string(draft.type.value) + " " +
                     std::to_string(static_cast<int>(draft.kind)) + std::to_string(static_cast<int>(draft.rank)) +
                     std::to_string(static_cast<int>(draft.standing.security)) + (entry.visited ? "v " : " ") +
                     std::to_string((draft.expires - now) / 1ms) + " | " + line(draft.data, now) + " | " +
                     line(draft.beside, now);
  if (const auto& evidence = draft.standing.evidence) {
    text += " | " + line(evidence->signatures, now);
    for (const SharedRRset& set : evidence->proof) text += " + " + line(set, now);
    if (evidence->note) text += " note " + evidence->note->text;
  }
  if (draft.delegation) {
    text += " learned " + std::to_string((draft.delegation->learned - now) / 1ms);
    for (const NameServer& server : draft.delegation->servers) {
      text += " " + server.name.to_text();
      for (const dns::IpAddress& address : server.addresses) text += "=" + address.to_text();
    }
  }
  return text;
}

std::vector<std::string> lines(const std::vector<KeptEntry>& entries, Instant now) {
  std::vector<std::string> all;
  for (const KeptEntry& entry : entries) all.push_back(line(entry, now));
  std::ranges::sort(all);
  return all;
}

TEST(KeptImageTest, everything_but_failures_comes_back_as_it_was_in_a_process_whose_clock_began_elsewhere) {
  Cache cache{1U << 20U, hash_key};
  fill(cache);
  (void)cache.find(name("www.example."), a_type, start);
  const auto entries = all_of(cache, start);
  ASSERT_EQ(entries.size(), 7U);
  EXPECT_EQ(std::ranges::count_if(entries, &KeptEntry::visited), 1);
  const Moment later{Instant{std::chrono::seconds{3}}, wall};
  const auto back = read(image_of(entries), later);
  ASSERT_TRUE(back) << describe(back.error());
  EXPECT_EQ(lines(*back, later.now), lines(entries, start));

  Cache next{1U << 20U, dns::HashKey{9}};
  for (const KeptEntry& entry : *back) EXPECT_TRUE(next.restore(entry, later.now));
  EXPECT_EQ(lines(all_of(next, later.now), later.now), lines(entries, start));
  const auto found = next.find(name("signed.example."), a_type, later.now);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->standing.security, Security::secure);
  EXPECT_FALSE(next.find(name("fails.example."), a_type, later.now));
}

TEST(KeptImageTest, time_passes_between_two_lives) {
  Cache cache{1U << 20U, hash_key};
  fill(cache);
  const Moment later{Instant{std::chrono::seconds{3}}, wall + 120s};
  const auto back = read(image_of(all_of(cache, start)), later);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->size(), 3U);  // two RRsets of 300 s and the cut
  for (const KeptEntry& entry : *back) EXPECT_GE(entry.draft.expires - later.now, 180s);
  EXPECT_TRUE(std::ranges::all_of(*back, [&](const KeptEntry& entry) {
    return entry.draft.is_delegation() || entry.draft.expires - later.now == 180s;
  }));
}

TEST(KeptImageTest, each_octet_altered_or_each_one_missing_makes_it_no_image) {
  Cache cache{1U << 20U, hash_key};
  fill(cache);
  const auto image = image_of(all_of(cache, start));
  for (std::size_t i = 0; i < image.size(); ++i) {
    auto altered = image;
    altered[i] ^= 0x41;
    EXPECT_FALSE(read(altered, then)) << "octet " << i;
    EXPECT_FALSE(read(std::span{image}.first(i), then)) << "cut at " << i;
  }
  ImageKey other = key;
  other[31] ^= 1;
  EXPECT_EQ(ImageReader::open(image, other).error(), ImageFault::wrong_checksum);
}

TEST(KeptImageTest, pieces_that_change_places_or_come_from_another_image_are_noticed) {
  std::vector<KeptEntry> entries;
  for (int i = 0; i < 2000; ++i)
    entries.push_back({{.rank = Rank::answer,
                        .expires = start + 300s,
                        .name = name("n" + std::to_string(i) + ".example."),
                        .type = a_type,
                        .data = held("n" + std::to_string(i) + ".example.", a_type, {{192, 0, 2, 1}}, start + 300s)},
                       false});
  const auto image = image_of(entries);
  std::vector<std::span<const std::uint8_t>> pieces;
  for (std::span<const std::uint8_t> left{image}; !left.empty();) {
    const std::size_t length =
        20 + (static_cast<std::size_t>(left[0]) << 24U | static_cast<std::size_t>(left[1]) << 16U |
              static_cast<std::size_t>(left[2]) << 8U | left[3]);
    pieces.push_back(left.first(length));
    left = left.subspan(length);
  }
  ASSERT_GE(pieces.size(), 4U);
  std::vector<std::uint8_t> shuffled;
  for (const std::size_t k : {0U, 2U, 1U, 3U}) shuffled.insert(shuffled.end(), pieces[k].begin(), pieces[k].end());
  EXPECT_EQ(read(shuffled, then).error(), ImageFault::wrong_checksum);
  std::vector<std::uint8_t> shortened;
  for (const auto& piece : {pieces.front(), pieces.back()})
    shortened.insert(shortened.end(), piece.begin(), piece.end());
  EXPECT_EQ(read(shortened, then).error(), ImageFault::wrong_checksum);
}

/// What somebody who has the key may have written: each octet of the entries altered, with checksums that fit.
TEST(KeptImageTest, foreign_entries_with_good_checksums_never_harm) {
  Cache cache{1U << 20U, hash_key};
  fill(cache);
  (void)cache.find(name("www.example."), a_type, start);
  const auto entries = all_of(cache, start);
  const auto image = image_of(entries);
  ImageTag head_tag{};
  std::vector<std::uint8_t> head;
  append_piece(head, key, 0, std::span{image}.subspan(20, 50), head_tag);
  ASSERT_TRUE(std::ranges::equal(head, std::span{image}.first(head.size())));
  const auto begin = head.size() + 20;
  const std::vector<std::uint8_t> content{image.begin() + static_cast<std::ptrdiff_t>(begin), image.end() - 20};
  std::size_t refused = 0;
  const auto take = [&](std::span<const std::uint8_t> changed) {
    ImageTag tag = head_tag;
    std::vector<std::uint8_t> forged = head;
    append_piece(forged, key, 1, changed, tag);
    append_piece(forged, key, 2, {}, tag);
    const auto back = read(forged, then);
    if (!back) {
      ++refused;
      return;
    }
    Cache next{1U << 16U, hash_key};
    for (const KeptEntry& entry : *back) (void)next.restore(entry, start);
    for (const KeptEntry& entry : all_of(next, start)) {
      (void)next.find(entry.draft.name, entry.draft.type, start);
      (void)next.deepest_delegation(entry.draft.name, start);
    }
  };
  for (std::size_t i = 0; i < content.size(); ++i) {
    for (const std::uint8_t change : std::array<std::uint8_t, 4>{0x01, 0x80, 0xff, 0x3f}) {
      auto altered = content;
      altered[i] ^= change;
      take(altered);
    }
    take(std::span{content}.first(i));
  }
  EXPECT_GT(refused, content.size());
}

/// The seeds of fuzz/kept_cache.cpp: one entry of each kind. With REDOUBT_WRITE_SEEDS in the environment they are
/// written.
TEST(KeptImageTest, each_kind_of_entry_is_a_seed_of_the_fuzzer) {
  Cache cache{1U << 20U, hash_key};
  fill(cache);
  int number = 0;
  for (const KeptEntry& entry : all_of(cache, start)) {
    const auto image = image_of({entry});
    const std::string wanted{image.begin() + 70 + 20, image.end() - 20};  // behind the head, before the end
    const std::string path = std::string{REDOUBT_KEPT_CACHE_SEEDS} + "/" + std::to_string(number++);
    if (std::getenv("REDOUBT_WRITE_SEEDS") != nullptr) std::ofstream{path, std::ios::binary} << wanted;
    std::ifstream file{path, std::ios::binary};
    const std::string found{std::istreambuf_iterator<char>{file}, {}};
    EXPECT_EQ(found, wanted) << path << ": run this test with REDOUBT_WRITE_SEEDS=1";
  }
}

TEST(KeptImageTest, an_image_stays_within_its_bound_and_what_was_visited_comes_first) {
  Cache cache{4U << 20U, hash_key};
  for (int i = 0; i < 2000; ++i) {
    const std::string owner = "n" + std::to_string(i) + ".example.";
    cache.store_data(held(owner, a_type, {{192, 0, 2, 1}}, start + 300s), Rank::answer, start);
    if (i % 10 == 0) (void)cache.find(name(owner), a_type, start);
  }
  constexpr std::size_t bound = 20'000;
  const auto image = image_of(all_of(cache, start), bound);
  EXPECT_LE(image.size(), bound);
  EXPECT_GT(image.size(), bound - 200);
  const auto back = read(image, then);
  ASSERT_TRUE(back);
  EXPECT_EQ(std::ranges::count_if(*back, &KeptEntry::visited), 200);
  EXPECT_GT(back->size(), 200U);
}

TEST(KeptImageTest, what_is_there_already_is_newer_than_what_is_put_back) {
  Cache cache{1U << 20U, hash_key};
  fill(cache);
  const auto entries = all_of(cache, start);
  Cache next{1U << 20U, hash_key};
  next.store_data(held("www.example.", a_type, {{203, 0, 113, 9}}, start + 50s), Rank::answer, start);
  next.store_data(held("no.example.", a_type, {{203, 0, 113, 9}}, start + 50s), Rank::answer, start);
  std::size_t restored = 0;
  for (const KeptEntry& entry : entries) restored += next.restore(entry, start) ? 1 : 0;
  EXPECT_EQ(restored, entries.size() - 2);
  EXPECT_EQ(next.find(name("www.example."), a_type, start)->rrset->rdata().front()[0], 203);
  EXPECT_EQ(next.find(name("no.example."), a_type, start)->kind, EntryKind::data);
}

TEST(KeptImageTest, a_full_cache_takes_no_more_and_evicts_nothing_for_it) {
  Cache cache{1U << 20U, hash_key};
  fill(cache);
  Cache tiny{64 * 60, hash_key};  // less in a shard than any entry takes
  for (const KeptEntry& entry : all_of(cache, start)) EXPECT_FALSE(tiny.restore(entry, start));
  EXPECT_EQ(tiny.counters().evictions, 0U);
}

}  // namespace
}  // namespace redoubt::resolver
