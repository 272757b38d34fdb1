#include "resolver/role/deadline_wheel.hpp"

#include <gtest/gtest.h>

#include <new>
#include <random>
#include <vector>

namespace redoubt::resolver {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Instant beginning{std::chrono::hours{1000}};

std::vector<DeadlineWheel::Ticket> due(DeadlineWheel& wheel, Instant now) {
  std::vector<DeadlineWheel::Ticket> tickets;
  wheel.turn(now, [&](DeadlineWheel::Ticket ticket) { tickets.push_back(ticket); });
  return tickets;
}

TEST(DeadlineWheel, each_comes_once_never_early_and_at_most_a_tick_late) {
  DeadlineWheel wheel;
  std::mt19937 chance{7};
  std::vector<Instant> deadlines;
  for (int i = 0; i < 2000; ++i) {
    deadlines.push_back(beginning + std::chrono::microseconds{chance() % 6'000'000});
    wheel.note(deadlines.size() - 1, deadlines.back(), beginning);
  }
  std::size_t came = 0;
  for (Instant now = beginning; now < beginning + seconds{7}; now += milliseconds{1}) {
    for (const auto ticket : due(wheel, now)) {
      ++came;
      EXPECT_GE(now, deadlines[ticket]);
      EXPECT_LE(now, deadlines[ticket] + DeadlineWheel::tick + milliseconds{1});
    }
  }
  EXPECT_EQ(came, deadlines.size());
  EXPECT_TRUE(wheel.is_empty());
}

TEST(DeadlineWheel, says_when_to_look_again) {
  DeadlineWheel wheel;
  EXPECT_EQ(wheel.next(), std::nullopt);
  const Instant deadline = beginning + milliseconds{500};
  wheel.note(1, deadline, beginning);
  const auto next = wheel.next();
  ASSERT_TRUE(next);
  EXPECT_GE(*next, deadline);
  EXPECT_LE(*next, deadline + DeadlineWheel::tick);
  EXPECT_TRUE(due(wheel, *next - std::chrono::nanoseconds{1}).empty());
  EXPECT_EQ(due(wheel, *next).size(), 1U);
}

TEST(DeadlineWheel, what_lies_farther_ahead_than_it_is_large_comes_at_its_time) {
  DeadlineWheel wheel;
  wheel.note(5, beginning + seconds{30}, beginning);
  std::size_t looks = 0;
  for (;;) {
    const auto next = wheel.next();
    ASSERT_TRUE(next);
    ASSERT_LT(++looks, 20U);
    if (due(wheel, *next).empty()) continue;
    EXPECT_GE(*next, beginning + seconds{30});
    EXPECT_LE(*next, beginning + seconds{30} + DeadlineWheel::tick);
    return;
  }
}

TEST(DeadlineWheel, a_clock_that_jumps_ahead_makes_all_due_and_one_that_jumps_back_keeps_none_for_ever) {
  DeadlineWheel wheel;
  wheel.note(1, beginning + seconds{2}, beginning);
  wheel.note(2, beginning + seconds{3}, beginning);
  EXPECT_EQ(due(wheel, beginning + std::chrono::hours{24}).size(), 2U);

  const Instant before = beginning - std::chrono::hours{1};
  wheel.note(3, before + seconds{1}, before);
  EXPECT_TRUE(due(wheel, before + milliseconds{900}).empty());
  EXPECT_EQ(due(wheel, before + milliseconds{1000} + 2 * DeadlineWheel::tick).size(), 1U);
}

TEST(DeadlineWheel, a_turn_that_breaks_off_loses_nothing_and_is_gone_on_with_at_once) {
  DeadlineWheel wheel;
  for (DeadlineWheel::Ticket ticket = 1; ticket <= 3; ++ticket) wheel.note(ticket, beginning, beginning);
  wheel.note(4, beginning + seconds{20}, beginning);  // farther ahead than the wheel is large
  const Instant now = beginning + 2 * DeadlineWheel::tick;
  std::vector<DeadlineWheel::Ticket> came;
  const auto without_memory = [&](DeadlineWheel::Ticket ticket) {
    if (ticket == 2 && came.size() == 1) throw std::bad_alloc{};
    came.push_back(ticket);
  };
  EXPECT_THROW(wheel.turn(now, without_memory), std::bad_alloc);
  ASSERT_TRUE(wheel.next());
  EXPECT_LE(*wheel.next(), now);
  came.push_back(0);
  wheel.turn(now, without_memory);
  EXPECT_EQ(came, (std::vector<DeadlineWheel::Ticket>{1, 0, 2, 3}));
  EXPECT_EQ(due(wheel, beginning + seconds{19}).size(), 0U);
  EXPECT_EQ(due(wheel, beginning + seconds{21}), std::vector<DeadlineWheel::Ticket>{4});
  EXPECT_TRUE(wheel.is_empty());
  EXPECT_FALSE(wheel.next());
}

TEST(DeadlineWheel, more_may_be_noted_while_it_turns) {
  DeadlineWheel wheel;
  wheel.note(1, beginning + milliseconds{20}, beginning);
  std::vector<DeadlineWheel::Ticket> came;
  const Instant now = beginning + milliseconds{100};
  wheel.turn(now, [&](DeadlineWheel::Ticket ticket) {
    came.push_back(ticket);
    if (ticket < 4) wheel.note(ticket + 1, now + milliseconds{20}, now);
  });
  EXPECT_EQ(came.size(), 1U);
  EXPECT_EQ(due(wheel, now + milliseconds{40}), (std::vector<DeadlineWheel::Ticket>{2}));
}

}  // namespace
}  // namespace redoubt::resolver
