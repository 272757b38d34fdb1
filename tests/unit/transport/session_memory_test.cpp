#include "transport/http/session_memory.hpp"

#include <gtest/gtest.h>
#include <sys/mman.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <vector>

#include "transport/http/session_pages.hpp"

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

/// Session memory that notes which blocks are taken, and their octets.
class NotedMemory {
 public:
  nghttp2_mem* memory() { return &memory_; }
  /// What the library has not given back.
  const std::map<void*, std::size_t>& blocks() const { return blocks_; }

 private:
  static NotedMemory& self(void* user) { return *static_cast<NotedMemory*>(user); }
  void* note(void* block, std::size_t octets) {
    if (block != nullptr) blocks_[block] = octets;
    return block;
  }
  void give_back(void* block) {
    blocks_.erase(block);
    session_memory()->free(block, nullptr);
  }
  void* resize(void* block, std::size_t octets) {
    blocks_.erase(block);
    return note(session_memory()->realloc(block, octets, nullptr), octets);
  }

  std::map<void*, std::size_t> blocks_;
  nghttp2_mem memory_{
      this,
      [](std::size_t octets, void* user) { return self(user).note(session_memory()->malloc(octets, nullptr), octets); },
      [](void* block, void* user) { self(user).give_back(block); },
      [](std::size_t many, std::size_t each, void* user) {
        return self(user).note(session_memory()->calloc(many, each, nullptr), many * each);
      },
      [](void* block, std::size_t octets, void* user) { return self(user).resize(block, octets); }};
};

/// A session of the library that nobody has asked anything yet.
class BornSession {
 public:
  BornSession() {
    nghttp2_session_callbacks* callbacks = nullptr;
    EXPECT_EQ(nghttp2_session_callbacks_new(&callbacks), 0);
    {
      const SessionBirth birth;
      shared_ = session_memory()->realloc(nullptr, 16'394, nullptr);
      EXPECT_EQ(nghttp2_session_server_new3(&session_, callbacks, nullptr, nullptr, noted_.memory()), 0);
      page_ = birth.page();
    }
    nghttp2_session_callbacks_del(callbacks);
  }
  ~BornSession() { nghttp2_session_del(session_); }
  BornSession(const BornSession&) = delete;
  BornSession& operator=(const BornSession&) = delete;

  void* page() const { return page_; }
  /// Octets of the largest block that is its own, but for the page.
  std::size_t largest() const {
    std::size_t octets = 0;
    for (const auto& [block, size] : noted_.blocks()) {
      if (block != shared_ && block != page_) octets = std::max(octets, size);
    }
    return octets;
  }

 private:
  NotedMemory noted_;
  nghttp2_session* session_ = nullptr;
  void* shared_ = nullptr;
  void* page_ = nullptr;
};

/// nghttp2 itself asks for it within a birth: else idle connections take 16 KiB more.
TEST_F(SessionMemoryTest, a_session_has_no_frame_buffer_of_its_own) {
  const BornSession session;
  EXPECT_GT(session.largest(), 0U);
  EXPECT_LT(session.largest(), 16'000U);
}

#ifndef REDOUBT_SANITIZED
class SessionPageTest : public ::testing::Test {
 protected:
  SessionPageTest() : page_{static_cast<std::uint8_t*>(take_session_page())} {}
  ~SessionPageTest() override { give_session_page_back(page_); }
  static bool has_memory(void* page) {
    unsigned char state = 0;
    EXPECT_EQ(::mincore(page, session_page_octets, &state), 0);
    return (state & 1U) != 0;
  }
  std::uint8_t* page_;
};

TEST_F(SessionPageTest, an_empty_page_that_rests_takes_no_memory_and_is_still_there) {
  ASSERT_NE(page_, nullptr);
  page_[17] = 4;
  page_[17] = 0;
  ASSERT_TRUE(has_memory(page_));
  rest_session_page(page_);
  EXPECT_FALSE(has_memory(page_));
  EXPECT_TRUE(std::all_of(page_, page_ + session_page_octets, [](std::uint8_t octet) { return octet == 0; }));
  page_[4095] = 9;
  EXPECT_EQ(page_[4095], 9);
}

TEST_F(SessionPageTest, a_page_with_something_in_it_keeps_it) {
  page_[4000] = 1;
  rest_session_page(page_);
  EXPECT_EQ(page_[4000], 1);
  rest_session_page(nullptr);
}

TEST_F(SessionPageTest, pages_come_back_as_zeros_and_only_pages_do) {
  std::vector<void*> pages;
  for (int i = 0; i < 300; ++i) {
    pages.push_back(take_session_page());
    std::memset(pages.back(), 0xff, session_page_octets);
  }
  std::ranges::sort(pages);
  EXPECT_TRUE(std::ranges::adjacent_find(pages) == pages.end());
  for (void* page : pages) EXPECT_TRUE(give_session_page_back(page));
  for (void*& page : pages) {
    page = take_session_page();
    const auto* const octets = static_cast<const std::uint8_t*>(page);
    ASSERT_TRUE(std::all_of(octets, octets + session_page_octets, [](std::uint8_t octet) { return octet == 0; }));
  }
  for (void* page : pages) give_session_page_back(page);
  alignas(session_page_octets) static std::array<std::uint8_t, session_page_octets> foreign{};
  EXPECT_FALSE(is_session_page(foreign.data()));
  EXPECT_FALSE(give_session_page_back(foreign.data()));
  EXPECT_FALSE(is_session_page(page_ + 16));
}

/// Else its connections take a page more while they rest. Some versions of nghttp2 (1.52) have a table of that size at
/// birth, others make one when somebody asks; none may have memory of a page that stays.
TEST_F(SessionPageTest, a_session_that_rests_keeps_no_block_of_a_page) {
  const BornSession session;
  EXPECT_LT(session.largest(), session_page_octets);
  if (session.page() == nullptr) return;
  ASSERT_TRUE(is_session_page(session.page()));
  rest_session_page(session.page());
  EXPECT_FALSE(has_memory(session.page()));
}

TEST_F(SessionPageTest, who_wants_more_than_a_page_gets_its_own_with_what_was_in_it) {
  void* page = take_session_page();
  std::memset(page, 5, session_page_octets);
  auto* const own = static_cast<std::uint8_t*>(session_memory()->realloc(page, 2 * session_page_octets, nullptr));
  ASSERT_NE(own, nullptr);
  EXPECT_FALSE(is_session_page(own));
  EXPECT_EQ(own[session_page_octets - 1], 5);
  session_memory()->free(own, nullptr);
}
#endif

}  // namespace

}  // namespace redoubt::transport
