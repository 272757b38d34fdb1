#include "resolver/task.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "resolver/frame_pool.hpp"

namespace redoubt::resolver {
namespace {

using Waiters = std::vector<Suspended>;

Task<void> wait_in(Waiters& waiters) {
  co_await Suspension{[&](Suspended suspended) { waiters.push_back(std::move(suspended)); }};
}

void resume_last(Waiters& waiters) {
  Suspended next = std::move(waiters.back());
  waiters.pop_back();
  next.resume();
}

/// Says when its frame goes.
struct Witness {
  std::vector<std::string>* gone;
  std::string name;
  ~Witness() { gone->push_back(name); }
};

TEST(Task, gives_its_value_through_all_who_await_it) {
  Waiters waiters;
  const auto inner = [](Waiters& where) -> Task<std::string> {
    co_await wait_in(where);
    co_return "value";
  };
  const auto outer = [&inner](Waiters& where) -> Task<std::string> { co_return "the " + co_await inner(where); };
  std::string result;
  start_now(outer(waiters), [&](const std::exception_ptr& trouble, std::string value) {
    EXPECT_FALSE(trouble);
    result = std::move(value);
  });
  ASSERT_EQ(waiters.size(), 1U);
  EXPECT_EQ(result, "");
  resume_last(waiters);
  EXPECT_EQ(result, "the value");
}

TEST(Task, does_nothing_before_it_is_awaited) {
  bool begun = false;
  const auto step = [&begun]() -> Task<void> {
    begun = true;
    co_return;
  };
  { const Task<void> never = step(); }
  EXPECT_FALSE(begun);
}

TEST(Task, what_is_thrown_reaches_who_awaits_it_before_and_after_waiting) {
  for (const bool waits : {false, true}) {
    Waiters waiters;
    const auto thrower = [waits](Waiters& where) -> Task<int> {
      if (waits) co_await wait_in(where);
      throw std::runtime_error{"thrown"};
    };
    const auto catcher = [&thrower](Waiters& where) -> Task<std::string> {
      std::string caught;
      try {
        co_await thrower(where);
      } catch (const std::runtime_error& trouble) {
        caught = trouble.what();
      }
      co_return caught;
    };
    std::string result;
    start_now(catcher(waiters), [&](const std::exception_ptr&, std::string value) { result = std::move(value); });
    if (waits) resume_last(waiters);
    EXPECT_EQ(result, "thrown");

    std::exception_ptr told;
    start_now(thrower(waiters), [&](const std::exception_ptr& trouble, int) { told = trouble; });
    if (waits) resume_last(waiters);
    EXPECT_THROW(std::rethrow_exception(told), std::runtime_error);
  }
}

TEST(Task, many_steps_that_wait_for_nothing_need_no_more_stack_than_one) {
  const auto step = [](int number) -> Task<int> { co_return number; };
  const auto all = [&step]() -> Task<std::int64_t> {
    std::int64_t sum = 0;
    for (int i = 0; i < 1'000'000; ++i) sum += co_await step(i);
    co_return sum;
  };
  std::int64_t result = 0;
  start_now(all(), [&](const std::exception_ptr&, std::int64_t sum) { result = sum; });
  EXPECT_EQ(result, 499'999'500'000);
}

TEST(Task, who_drops_it_while_it_waits_ends_all_of_its_frames) {
  std::vector<std::string> gone;
  bool done = false;
  {
    Waiters waiters;
    const auto inner = [&gone](Waiters& where) -> Task<void> {
      const Witness witness{&gone, "inner"};
      co_await wait_in(where);
      ADD_FAILURE() << "nobody resumed it";
    };
    const auto outer = [&](Waiters& where) -> Task<void> {
      const Witness witness{&gone, "outer"};
      co_await inner(where);
    };
    start_now(outer(waiters), [&](const std::exception_ptr&) { done = true; });
    ASSERT_EQ(waiters.size(), 1U);
    EXPECT_TRUE(gone.empty());
  }
  std::ranges::sort(gone);
  EXPECT_EQ(gone, (std::vector<std::string>{"inner", "outer"}));
  EXPECT_FALSE(done);
}

TEST(Suspension, who_resumes_it_at_once_lets_it_go_on) {
  bool done = false;
  const auto step = []() -> Task<void> { co_await Suspension{[](Suspended suspended) { suspended.resume(); }}; };
  start_now(step(), [&](const std::exception_ptr& trouble) { done = !trouble; });
  EXPECT_TRUE(done);
}

TEST(Suspension, who_drops_it_at_once_or_throws_is_heard_where_it_was_to_wait) {
  const auto dropper = []() -> Task<void> { co_await Suspension{[](const Suspended&) {}}; };
  const auto thrower = []() -> Task<void> { co_await Suspension{[](const Suspended&) { throw std::bad_alloc{}; }}; };
  std::exception_ptr told;
  const auto note = [&](const std::exception_ptr& trouble) { told = trouble; };
  start_now(dropper(), note);
  EXPECT_THROW(std::rethrow_exception(told), std::runtime_error);
  start_now(thrower(), note);
  EXPECT_THROW(std::rethrow_exception(told), std::bad_alloc);
}

#ifndef REDOUBT_SANITIZED  // which keep no frames
TEST(FramePool, a_frame_is_taken_again_for_the_next_of_its_size) {
  void* const first = take_frame(700);
  give_frame_back(first, 700);
  EXPECT_EQ(take_frame(720), first);  // the same size, as sizes are told apart here
  void* const other = take_frame(100);
  EXPECT_NE(other, first);
  give_frame_back(other, 100);
  give_frame_back(first, 720);
}
#endif

TEST(FramePool, keeps_no_more_than_so_many_and_takes_any_size) {
  std::vector<void*> frames;
  for (std::size_t i = 0; i < 2 * most_frames_kept; ++i) frames.push_back(take_frame(300));
  for (void* frame : frames) give_frame_back(frame, 300);  // under ASan: the half that is not kept is freed, not lost
  for (const std::size_t octets : {std::size_t{1}, std::size_t{128}, std::size_t{8192}, std::size_t{8193}}) {
    void* const frame = take_frame(octets);
    ASSERT_NE(frame, nullptr);
    std::fill_n(static_cast<unsigned char*>(frame), octets, static_cast<unsigned char>(0xa5));
    give_frame_back(frame, octets);
  }
}

}  // namespace
}  // namespace redoubt::resolver
