#include "transport/net/block_pool.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <thread>
#include <vector>

namespace redoubt::transport {

namespace {

TEST(BlockPool, each_block_has_room_for_what_was_asked) {
  for (std::size_t round = 0; round < 3; ++round) {
    std::vector<std::pair<void*, std::size_t>> taken;
    for (std::size_t octets = 0; octets < 20'000; octets += octets < 1200 ? 1 : 97) {
      void* block = take_block(octets);
      ASSERT_NE(block, nullptr);
      std::memset(block, static_cast<int>(octets & 0xffU), octets);
      taken.emplace_back(block, octets);
    }
    for (const auto& [block, octets] : taken) {
      const auto* bytes = static_cast<const unsigned char*>(block);
      for (std::size_t i = 0; i < octets; ++i) ASSERT_EQ(bytes[i], octets & 0xffU) << octets;
      give_block_back(block);
    }
  }
}

TEST(BlockPool, a_block_that_grows_keeps_what_is_in_it) {
  void* block = take_block(10);
  std::memset(block, 7, 10);
  for (const std::size_t octets : {24U, 25U, 1000U, 17'000U, 40'000U}) {
    block = resize_block(block, octets);
    for (std::size_t i = 0; i < 10; ++i) ASSERT_EQ(static_cast<const unsigned char*>(block)[i], 7);
  }
  give_block_back(block);
}

TEST(BlockPool, what_one_thread_took_another_may_give_back) {
  std::vector<void*> blocks;
  for (std::size_t i = 0; i < 200; ++i) blocks.push_back(take_block(i % 2 == 0 ? 100 : 16'500));
  std::thread{[&] {
    for (void* block : blocks) give_block_back(block);
  }}.join();
  void* large = take_large_block(16'700);
  std::memset(large, 1, 16'700);
  std::thread{[&] { give_large_block_back(large); }}.join();
}

}  // namespace

}  // namespace redoubt::transport
