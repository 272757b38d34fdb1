// Which idle connections are next to rest, and that each does so once in a wait.
#include "transport/server/deadlines.hpp"

#include <gtest/gtest.h>

#include <array>
#include <cstddef>

namespace redoubt::transport {

namespace {

using namespace std::chrono_literals;
const Clock::time_point start{1000s};

class DeadlinesTest : public ::testing::Test {
 protected:
  /// Only its address counts.
  Connection& connection(std::size_t number) {
    return reinterpret_cast<Connection&>(nobody_[number]);  // NOLINT
  }
  void idle(std::size_t number, Clock::time_point since = start) {
    deadlines_.start(Wait::idle, connection(number), marks_[number], since);
  }
  void asks(std::size_t number) { deadlines_.stop(Wait::idle, marks_[number]); }
  /// Takes the next one; -1: nobody.
  int rests() {
    if (deadlines_.next_to_rest() == nullptr) return -1;
    const Connection* taken = &deadlines_.take_to_rest();
    for (std::size_t i = 0; i < nobody_.size(); ++i) {
      if (taken == &connection(i)) return static_cast<int>(i);
    }
    return -2;
  }

  std::array<std::max_align_t, 4> nobody_{};
  std::array<WaitMarks, 4> marks_;
  Deadlines deadlines_;
};

TEST_F(DeadlinesTest, the_longest_idle_rests_first_and_each_once) {
  EXPECT_EQ(rests(), -1);
  idle(2);
  idle(0, start + 1s);
  ASSERT_NE(deadlines_.next_to_rest(), nullptr);
  EXPECT_EQ(deadlines_.next_to_rest()->since, start);
  EXPECT_EQ(rests(), 2);
  EXPECT_EQ(rests(), 0);
  EXPECT_EQ(rests(), -1);
  idle(1, start + 2s);
  EXPECT_EQ(rests(), 1);
  EXPECT_EQ(deadlines_.oldest(Wait::idle)->connection, &connection(2))
      << "those that rest are closed in their time all the same";
}

TEST_F(DeadlinesTest, who_asked_meanwhile_rests_after_his_new_wait) {
  idle(0);
  idle(1);
  idle(2);
  asks(0);  // the next one
  EXPECT_EQ(rests(), 1);
  asks(1);  // one that rests
  idle(1, start + 1s);
  idle(0, start + 1s);
  EXPECT_EQ(rests(), 2);
  EXPECT_EQ(rests(), 1);
  asks(0);  // the last one, and next
  EXPECT_EQ(rests(), -1);
  idle(0, start + 2s);
  EXPECT_EQ(rests(), 0);
}

TEST_F(DeadlinesTest, other_waits_are_no_rest) {
  deadlines_.start(Wait::message, connection(0), marks_[0], start);
  deadlines_.start(Wait::write, connection(1), marks_[1], start);
  EXPECT_EQ(rests(), -1);
  idle(2);
  deadlines_.stop_all(marks_[2]);
  EXPECT_EQ(rests(), -1);
}

}  // namespace

}  // namespace redoubt::transport
