#include "transport/http/session_memory.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>

namespace redoubt::transport {

namespace {

class SessionMemoryTest : public ::testing::Test {
 protected:
  void* take(std::size_t octets) { return memory_.realloc(nullptr, octets, memory_.mem_user_data); }
  void give_back(void* block) { memory_.free(block, memory_.mem_user_data); }
  nghttp2_mem& memory_ = *session_memory();
  static constexpr std::size_t frame = 16'394;
};

TEST_F(SessionMemoryTest, sessions_share_the_buffer_that_they_are_born_with) {
  void* first = nullptr;
  void* second = nullptr;
  {
    const SessionBirth birth;
    first = take(frame);
    second = memory_.malloc(frame, memory_.mem_user_data);
  }
  EXPECT_EQ(first, second);
  void* own = take(frame);
  EXPECT_NE(own, first);
  give_back(first);
  give_back(second);
  give_back(own);
}

TEST_F(SessionMemoryTest, who_wants_more_than_that_gets_its_own_with_what_was_in_it) {
  void* shared = nullptr;
  {
    const SessionBirth birth;
    shared = take(frame);
  }
  std::memset(shared, 7, frame);
  void* own = memory_.realloc(shared, 2 * frame, memory_.mem_user_data);
  ASSERT_NE(own, nullptr);
  EXPECT_NE(own, shared);
  EXPECT_EQ(std::memcmp(own, shared, frame), 0);
  give_back(own);
}

/// nghttp2 itself asks for it within a birth: else idle connections take 16 KiB more.
TEST_F(SessionMemoryTest, a_session_has_no_frame_buffer_of_its_own) {
  struct Count {
    void* shared = nullptr;
    std::size_t largest = 0;
    void* note(void* block, std::size_t octets) {
      if (block != shared) largest = std::max(largest, octets);
      return block;
    }
  } count;
  {
    const SessionBirth birth;
    count.shared = take(frame);
  }
  nghttp2_mem counting{
      &count,
      [](std::size_t octets, void* user) {
        return static_cast<Count*>(user)->note(session_memory()->malloc(octets, nullptr), octets);
      },
      [](void* block, void*) { session_memory()->free(block, nullptr); },
      [](std::size_t many, std::size_t each, void* user) {
        return static_cast<Count*>(user)->note(session_memory()->calloc(many, each, nullptr), many * each);
      },
      [](void* block, std::size_t octets, void* user) {
        return static_cast<Count*>(user)->note(session_memory()->realloc(block, octets, nullptr), octets);
      }};
  nghttp2_session_callbacks* callbacks = nullptr;
  ASSERT_EQ(nghttp2_session_callbacks_new(&callbacks), 0);
  nghttp2_session* session = nullptr;
  {
    const SessionBirth birth;
    ASSERT_EQ(nghttp2_session_server_new3(&session, callbacks, nullptr, nullptr, &counting), 0);
  }
  nghttp2_session_callbacks_del(callbacks);
  EXPECT_GT(count.largest, 0U);
  EXPECT_LT(count.largest, 16'000U);
  nghttp2_session_del(session);
}

}  // namespace

}  // namespace redoubt::transport
