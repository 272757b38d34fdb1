#include "dnssec/keeper/work_queue.hpp"

#include <gtest/gtest.h>
#include <poll.h>
#include <sys/eventfd.h>

#include <algorithm>
#include <future>
#include <new>

#include "dnssec/keeper/file_handle.hpp"

namespace redoubt::keykeeper {
namespace {

TEST(WorkQueue, what_is_put_in_is_done_and_what_is_too_much_is_refused) {
  std::promise<void> go;
  const std::shared_future<void> gone = go.get_future().share();
  const auto started = WorkQueue::start(2, 3, FileHandle{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)});
  ASSERT_TRUE(started) << started.error();
  WorkQueue& queue = **started;
  for (std::uint8_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(queue.put(
        [gone, i] {
          gone.wait();
          return WorkQueue::Result{i};
        },
        {}));
  }
  EXPECT_FALSE(queue.put([] { return WorkQueue::Result{}; }, {}));
  go.set_value();
  std::vector<WorkQueue::Result> results;
  while (results.size() < 3) {
    pollfd waiting{.fd = queue.wake_descriptor(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&waiting, 1, 60'000), 1);
    for (auto& one : queue.take()) results.push_back(std::move(one));
  }
  EXPECT_TRUE(std::ranges::is_permutation(results, std::vector<WorkQueue::Result>{{0}, {1}, {2}}));
  EXPECT_TRUE(queue.put([] { return WorkQueue::Result{}; }, {}));
}

TEST(WorkQueue, work_that_throws_has_the_other_result_and_the_thread_goes_on) {
  const auto queue = WorkQueue::start(1, 2, FileHandle{::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)});
  ASSERT_TRUE(queue) << queue.error();
  EXPECT_TRUE((*queue)->put([]() -> WorkQueue::Result { throw std::bad_alloc{}; }, {7}));
  EXPECT_TRUE((*queue)->put([] { return WorkQueue::Result{8}; }, {9}));
  std::vector<WorkQueue::Result> results;
  while (results.size() < 2) {
    pollfd waiting{.fd = (*queue)->wake_descriptor(), .events = POLLIN, .revents = 0};
    ASSERT_EQ(::poll(&waiting, 1, 60'000), 1);
    for (auto& one : (*queue)->take()) results.push_back(std::move(one));
  }
  EXPECT_EQ(results, (std::vector<WorkQueue::Result>{{7}, {8}}));
}

}  // namespace
}  // namespace redoubt::keykeeper
