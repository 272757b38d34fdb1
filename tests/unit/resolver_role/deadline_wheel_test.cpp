#include "resolver/role/deadline_wheel.hpp"

#include <gtest/gtest.h>

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
