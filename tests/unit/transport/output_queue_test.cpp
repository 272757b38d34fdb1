#include "transport/framing/output_queue.hpp"

#include <gtest/gtest.h>

namespace redoubt::transport {

namespace {

using Octets = std::vector<std::uint8_t>;

TEST(OutputQueue, keeps_order_whatever_leaves_at_a_time) {
  OutputQueue queue;
  Octets expected;
  Octets left;
  std::uint8_t fill = 0;
  for (std::size_t step = 1; step < 400; ++step) {
    const Octets message(step % 37, ++fill);
    queue.append_frame(message);
    expected.push_back(0);
    expected.push_back(static_cast<std::uint8_t>(message.size()));
    expected.insert(expected.end(), message.begin(), message.end());
    const std::size_t leaving = std::min(queue.size(), step % 23);
    left.insert(left.end(), queue.front().begin(), queue.front().begin() + static_cast<std::ptrdiff_t>(leaving));
    queue.sent(leaving);
    ASSERT_EQ(queue.size(), expected.size() - left.size());
    ASSERT_EQ(queue.total_sent(), left.size());
  }
  left.insert(left.end(), queue.front().begin(), queue.front().end());
  queue.sent(queue.size());
  EXPECT_EQ(left, expected);
  EXPECT_TRUE(queue.empty());
}

TEST(OutputQueue, a_frame_begins_with_its_length) {
  OutputQueue queue;
  queue.append_frame(Octets(65535, 9));
  EXPECT_EQ(queue.front()[0], 0xff);
  EXPECT_EQ(queue.front()[1], 0xff);
  EXPECT_EQ(queue.size(), 65537U);
}

}  // namespace

}  // namespace redoubt::transport
