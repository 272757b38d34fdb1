#include "resolver/role/system.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <set>
#include <thread>
#include <vector>

namespace redoubt::resolver {
namespace {

TEST(SystemRandom, below_stays_below_and_reaches_every_value) {
  SystemRandom random;
  std::array<unsigned, 7> seen{};
  for (int i = 0; i < 7000; ++i) ++seen.at(random.below(7));
  for (const unsigned count : seen) EXPECT_GT(count, 800U);
  EXPECT_EQ(random.below(1), 0U);
  EXPECT_EQ(random.below(0), 0U);
}

TEST(SystemRandom, no_octets_are_given_twice_across_blocks_and_threads) {
  std::vector<std::uint64_t> words;
  std::array<std::vector<std::uint64_t>, 4> drawn;
  std::vector<std::thread> threads;
  for (auto& mine : drawn) {
    threads.emplace_back([&mine] {
      SystemRandom random;
      for (int i = 0; i < 20'000; ++i) {
        std::uint64_t word = 0;
        std::array<std::uint8_t, sizeof word> octets;
        random.fill(octets);
        std::memcpy(&word, octets.data(), sizeof word);
        mine.push_back(word);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& mine : drawn) words.insert(words.end(), mine.begin(), mine.end());
  std::ranges::sort(words);
  EXPECT_EQ(std::ranges::adjacent_find(words), words.end()) << "80,000 words of 64 bits repeat once in a billion runs";
}

TEST(SystemRandom, fills_more_than_a_block_at_once) {
  SystemRandom random;
  std::vector<std::uint8_t> octets(5000, 0);
  random.fill(octets);
  EXPECT_GT((std::set<std::uint8_t>{octets.begin(), octets.end()}.size()), 250U);
}

}  // namespace
}  // namespace redoubt::resolver
