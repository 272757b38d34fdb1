#include "appliance/channel/channel.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <array>
#include <cstring>
#include <filesystem>

#include "appliance/channel/outbox.hpp"

namespace redoubt::channel {
namespace {

using Octets = std::vector<std::uint8_t>;

std::size_t open_descriptors() {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : std::filesystem::directory_iterator{"/proc/self/fd"}) ++count;
  return count;
}

Octets octets_of(const Received& received) { return {received.octets.begin(), received.octets.end()}; }

struct ChannelTest : testing::Test {
  std::pair<Channel, Channel> pair = *Channel::make_pair();
  Channel& near = pair.first;
  Channel& far = pair.second;
};

TEST_F(ChannelTest, messages_arrive_whole_and_in_order) {
  EXPECT_FALSE(near.send(Octets{1, 2, 3}));
  EXPECT_FALSE(near.send(Octets{4}));
  EXPECT_EQ(octets_of(*far.receive()), (Octets{1, 2, 3}));
  EXPECT_EQ(octets_of(*far.receive()), (Octets{4}));
  EXPECT_EQ(far.receive().error(), ReceiveTrouble::would_block);
}

TEST_F(ChannelTest, the_longest_message_passes_and_a_longer_one_is_not_sent) {
  EXPECT_FALSE(near.send(Octets(max_message_octets, 7)));
  EXPECT_EQ(far.receive()->octets.size(), max_message_octets);
  EXPECT_EQ(near.send(Octets(max_message_octets + 1, 7)), std::errc::message_size);
  EXPECT_EQ(far.receive().error(), ReceiveTrouble::would_block);
}

TEST_F(ChannelTest, a_longer_message_from_a_peer_that_keeps_no_rules_is_refused) {
  const Octets octets(max_message_octets + 1, 7);
  ASSERT_EQ(::send(near.descriptor(), octets.data(), octets.size(), 0), static_cast<ssize_t>(octets.size()));
  EXPECT_EQ(far.receive().error(), ReceiveTrouble::too_large);
}

TEST_F(ChannelTest, an_empty_message_is_not_sent_for_it_would_read_as_the_end) {
  EXPECT_EQ(near.send(Octets{}), std::errc::invalid_argument);
}

TEST_F(ChannelTest, descriptors_ride_along_and_close_on_exec) {
  std::array<int, 2> ends{};
  ASSERT_EQ(::pipe(ends.data()), 0);
  const Descriptor reading{ends[0]};
  {
    const Descriptor writing{ends[1]};
    const std::array riding{writing.get()};
    EXPECT_FALSE(near.send(Octets{1}, riding));
  }
  auto received = far.receive();
  ASSERT_TRUE(received.has_value());
  ASSERT_EQ(received->descriptors.size(), 1U);
  EXPECT_EQ(::fcntl(received->descriptors[0].get(), F_GETFD), FD_CLOEXEC);
  ASSERT_EQ(::write(received->descriptors[0].get(), "x", 1), 1);
  char got = 0;
  EXPECT_EQ(::read(reading.get(), &got, 1), 1);
  EXPECT_EQ(got, 'x');
}

TEST_F(ChannelTest, more_descriptors_than_allowed_are_refused_on_both_sides_and_leak_nowhere) {
  const std::array<int, max_descriptors + 1> riding{near.descriptor(), near.descriptor(), near.descriptor(),
                                                    near.descriptor(), near.descriptor()};
  EXPECT_EQ(near.send(Octets{1}, riding), std::errc::invalid_argument);

  // A peer that keeps no rules.
  std::uint8_t octet = 1;
  iovec part{.iov_base = &octet, .iov_len = 1};
  alignas(cmsghdr) std::array<std::uint8_t, CMSG_SPACE(sizeof riding)> room{};
  msghdr header{};
  header.msg_iov = &part;
  header.msg_iovlen = 1;
  header.msg_control = room.data();
  header.msg_controllen = room.size();
  cmsghdr* rights = CMSG_FIRSTHDR(&header);
  rights->cmsg_level = SOL_SOCKET;
  rights->cmsg_type = SCM_RIGHTS;
  rights->cmsg_len = CMSG_LEN(sizeof riding);
  std::memcpy(CMSG_DATA(rights), riding.data(), sizeof riding);
  ASSERT_EQ(::sendmsg(near.descriptor(), &header, 0), 1);
  const std::size_t before = open_descriptors();
  EXPECT_EQ(far.receive().error(), ReceiveTrouble::too_many_descriptors);
  EXPECT_EQ(open_descriptors(), before);
}

TEST_F(ChannelTest, the_end_of_the_peer_is_seen_after_its_last_message) {
  EXPECT_FALSE(near.send(Octets{9}));
  near = Channel{};
  EXPECT_EQ(octets_of(*far.receive()), (Octets{9}));
  EXPECT_EQ(far.receive().error(), ReceiveTrouble::closed);
  EXPECT_EQ(far.send(Octets{1}), std::errc::broken_pipe);
}

TEST_F(ChannelTest, a_full_channel_says_try_again) {
  std::error_code error;
  for (int i = 0; i < 100'000 && !error; ++i) error = near.send(Octets(1000, 1));
  EXPECT_EQ(error, std::errc::resource_unavailable_try_again);
}

struct OutboxTest : ChannelTest {
  Outbox outbox;
  /// Until the kernel takes no more and something waits.
  std::size_t fill() {
    std::size_t messages = 1;
    while (outbox.send(near, Octets(1000, 1)) == Sending::sent) ++messages;
    return messages;
  }
};

TEST_F(OutboxTest, what_the_kernel_does_not_take_waits_and_keeps_its_order) {
  const std::size_t messages = fill();
  EXPECT_EQ(outbox.send(near, Octets{42}), Sending::queued);
  for (std::size_t i = 0; i < messages; ++i) {
    const auto received = far.receive();
    ASSERT_TRUE(received.has_value());
    EXPECT_EQ(received->octets.size(), 1000U);
    EXPECT_NE(outbox.flush(near), Sending::gone);
  }
  EXPECT_TRUE(outbox.empty());
  EXPECT_EQ(octets_of(*far.receive()), (Octets{42}));
}

TEST_F(OutboxTest, its_octets_are_bounded) {
  fill();
  std::size_t queued = 0;
  while (outbox.send(near, Octets(60'000, 1)) == Sending::queued) queued += 60'000;
  EXPECT_LE(queued, max_outbox_octets);
  EXPECT_GT(queued, max_outbox_octets / 2);
}

TEST_F(OutboxTest, tiny_messages_count_with_what_it_costs_to_keep_them) {
  fill();
  std::size_t queued = 0;
  while (outbox.send(near, Octets{1}) == Sending::queued) ++queued;
  EXPECT_LE(queued, max_outbox_octets / sizeof(std::vector<std::uint8_t>));
}

TEST_F(OutboxTest, its_descriptors_are_bounded) {
  fill();
  std::size_t queued = 0;
  while (queued < 100'000 && outbox.send(near, Octets{1}, far.descriptor()) == Sending::queued) ++queued;
  EXPECT_EQ(queued, max_outbox_descriptors);
}

TEST_F(OutboxTest, a_descriptor_that_waits_may_be_closed_by_its_sender) {
  const std::size_t messages = fill();
  {
    const Descriptor short_lived{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    EXPECT_EQ(outbox.send(near, Octets{42}, short_lived.get()), Sending::queued);
  }
  for (std::size_t i = 0; i <= messages; ++i) {
    auto received = far.receive();
    outbox.flush(near);
    if (received && received->octets.size() == 1) {
      ASSERT_EQ(received->descriptors.size(), 1U);
      return;
    }
  }
  FAIL() << "it never came";
}

TEST_F(OutboxTest, a_peer_that_is_gone_empties_it) {
  fill();
  far = Channel{};
  EXPECT_EQ(outbox.flush(near), Sending::gone);
  EXPECT_TRUE(outbox.empty());
}

}  // namespace
}  // namespace redoubt::channel
