// The packet cache's index beside a map: it grows while it is used, in small steps, and loses nothing meanwhile.
#include "dns/packet/packet_index.hpp"

#include <gtest/gtest.h>

#include <random>
#include <unordered_map>
#include <vector>

namespace redoubt::dns {
namespace {

/// Answers are numbers, which are their places; each has the hash that stands there.
struct Model {
  explicit Model(std::size_t most) : pairs(most), index{pairs.data(), most} {}

  std::vector<PacketIndex::Pair> pairs;
  PacketIndex index;
  std::vector<std::uint64_t> hashes;
  RingPlace spared = 0;  // all below it were asked for again
  mutable std::size_t looked_at = 0;

  std::uint64_t hash_of(RingPlace place) const {
    ++looked_at;
    return hashes[place];
  }
  bool is_visited(RingPlace place) const { return place < spared; }

  RingPlace put(std::uint64_t hash) {
    const auto place = static_cast<RingPlace>(hashes.size());
    hashes.push_back(hash);
    looked_at = 0;
    index.put(hash, place, *this);
    return place;
  }
  bool is_found(RingPlace place) const {
    RingPlace found = 0;
    return index.find(hashes[place], found, [&](RingPlace at) { return at == place; }) && found == place;
  }
  std::size_t found() const {
    std::size_t all = 0;
    for (RingPlace place = 0; place < hashes.size(); ++place) all += is_found(place) ? 1 : 0;
    return all;
  }
};

/// Hashes at about equal distances, so that no pair has more than its part and nothing may get lost.
std::uint64_t even(std::uint64_t number) {
  const std::uint64_t spread = number * 0x9e3779b97f4a7c15U;
  return spread >> 32 | spread << 32;
}

TEST(PacketIndex, grows_in_small_steps_and_loses_nothing) {
  Model model{2048};
  std::size_t before = model.index.pairs();
  for (std::uint64_t i = 0; i < 30'000; ++i) {
    model.put(even(i));
    ASSERT_LE(model.looked_at, 2 * PacketIndex::slots + 1) << "more than one pair at once";
    ASSERT_LE(model.index.pairs(), before + before / 4 + 1);
    before = model.index.pairs();
    if (i % 997 == 0) {
      ASSERT_EQ(model.found(), i + 1);
    }
  }
  EXPECT_EQ(model.found(), 30'000U);
  EXPECT_EQ(model.index.count(), 30'000U);
  EXPECT_LE(model.index.pairs(), 30'000 / PacketIndex::slots) << "half of the slots are taken, or more";
}

TEST(PacketIndex, of_hashes_by_chance_loses_less_than_one_in_a_hundred) {
  Model model{4096};
  std::mt19937_64 random{5};
  for (std::size_t i = 1; i <= 50'000; ++i) {
    model.put(random());
    if (i % 5'000 != 0) continue;
    ASSERT_GE(model.found(), i - i / 100) << i;
    ASSERT_EQ(model.found(), model.index.count());
  }
}

TEST(PacketIndex, never_has_more_pairs_than_it_may_whatever_comes) {
  constexpr std::size_t most = 100;
  Model model{most};
  std::mt19937_64 random{6};
  for (int i = 0; i < 20'000; ++i) {
    model.put(random());
    ASSERT_LE(model.index.pairs(), most);
    ASSERT_LE(model.index.count(), most * 2 * PacketIndex::slots);
  }
  EXPECT_EQ(model.index.pairs(), most);
  EXPECT_EQ(model.found(), model.index.count());
  EXPECT_TRUE(model.is_found(19'999)) << "what came last is there";
}

/// In every state of a growth answers leave and move.
TEST(PacketIndex, finds_what_is_there_and_nothing_else) {
  Model model{1024};
  std::mt19937_64 random{7};
  std::vector<RingPlace> here;
  int lost = 0;
  for (std::uint64_t i = 0; i < 40'000; ++i) {
    if (here.empty() || random() % 3 != 0) {
      here.push_back(model.put(random()));
      ASSERT_TRUE(model.is_found(here.back()));
      continue;
    }
    RingPlace& picked = here[random() % here.size()];
    const RingPlace old = picked;
    const auto hash = static_cast<std::uint32_t>(model.hashes[old]);
    const bool is_there = model.is_found(old);
    ASSERT_EQ(model.index.has(hash, old), is_there);
    if (is_there && random() % 2 == 0) {
      picked = static_cast<RingPlace>(model.hashes.size());
      model.hashes.push_back(model.hashes[old]);
      model.index.move(hash, old, picked);
      ASSERT_TRUE(model.is_found(picked));
    } else {
      lost += is_there ? 0 : 1;
      ASSERT_EQ(model.index.take_out(hash, old), is_there);
      ASSERT_FALSE(model.index.take_out(hash, old));
      picked = here.back();
      here.pop_back();
    }
    ASSERT_FALSE(model.is_found(old));
    if (i % 499 == 0) {
      ASSERT_EQ(model.index.count(), model.found());
    }
  }
  EXPECT_LT(lost, 100);
}

TEST(PacketIndex, of_a_full_line_loses_what_nobody_asked_for) {
  Model model{1};
  for (std::uint64_t i = 0; i < 2 * PacketIndex::slots; ++i) model.put(i << 33);  // all belong into one line
  EXPECT_EQ(model.found(), 2 * PacketIndex::slots) << "the other line is its, too";
  model.spared = 5;
  model.put(std::uint64_t{77} << 33);
  EXPECT_FALSE(model.is_found(5)) << "nobody asked for it";
  EXPECT_EQ(model.found(), 2 * PacketIndex::slots);
  model.spared = 1000;
  model.put(std::uint64_t{78} << 33);
  EXPECT_TRUE(model.is_found(25)) << "what is new comes in whatever the others are";
  EXPECT_EQ(model.index.count(), 2 * PacketIndex::slots);
  model.put(1);  // belongs into the other line, where one of the first must go
  EXPECT_TRUE(model.is_found(26));
  EXPECT_EQ(model.found(), 2 * PacketIndex::slots);
  for (RingPlace place = 0; place < 27; ++place) {
    const bool was = model.is_found(place);
    EXPECT_EQ(model.index.take_out(static_cast<std::uint32_t>(model.hashes[place]), place), was);
  }
  EXPECT_EQ(model.index.count(), 0U);
  for (const PacketIndex::Line& line : model.pairs[0]) EXPECT_EQ(line.gone_over, 0);
}

}  // namespace
}  // namespace redoubt::dns
