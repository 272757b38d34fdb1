#include "appliance/channel/async_channel.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <boost/asio/io_context.hpp>
#include <memory>

namespace redoubt::channel {
namespace {

using Octets = std::vector<std::uint8_t>;

struct AsyncChannelTest : testing::Test {
  boost::asio::io_context loop;
  std::pair<Channel, Channel> pair = *Channel::make_pair();
  Channel& peer = pair.second;
  std::unique_ptr<AsyncChannel> ours = std::make_unique<AsyncChannel>(loop.get_executor());
  std::vector<Octets> heard;
  int closed = 0;

  void attach() {
    ours->attach(
        std::move(pair.first),
        [this](Received received) { heard.emplace_back(received.octets.begin(), received.octets.end()); },
        [this] { ++closed; });
  }
  /// All that can be done now.
  void run() {
    loop.restart();
    while (loop.poll() != 0) {
    }
  }
  std::size_t read_all() {
    std::size_t count = 0;
    while (peer.receive()) ++count;
    return count;
  }
};

TEST_F(AsyncChannelTest, hears_what_the_peer_says_in_order) {
  attach();
  for (std::uint8_t i = 0; i < 200; ++i) ASSERT_FALSE(peer.send(Octets{i}));
  run();
  ASSERT_EQ(heard.size(), 200U);
  EXPECT_EQ(heard[199], Octets{199});
}

TEST_F(AsyncChannelTest, without_a_peer_nothing_is_sent) {
  EXPECT_FALSE(ours->attached());
  EXPECT_FALSE(ours->send(Octets{1}));
}

TEST_F(AsyncChannelTest, a_slow_peer_gets_everything_in_the_end_and_memory_is_bounded) {
  attach();
  std::size_t taken = 0;
  while (ours->send(Octets(10'000, 1))) ++taken;
  EXPECT_GT(taken * 10'000, max_outbox_octets / 2);
  EXPECT_LT(taken * 10'000, max_outbox_octets + 1'000'000);  // and what the kernel holds
  std::size_t got = 0;
  for (int i = 0; i < 10'000 && got < taken; ++i) {
    got += read_all();
    run();
  }
  EXPECT_EQ(got, taken);
  EXPECT_TRUE(ours->send(Octets{1}));
}

TEST_F(AsyncChannelTest, descriptors_wait_with_their_message) {
  attach();
  std::size_t taken = 0;
  while (ours->send(Octets(10'000, 1))) ++taken;
  run();
  read_all();
  run();  // room again
  {
    const Descriptor null{::open("/dev/null", O_RDONLY | O_CLOEXEC)};
    ASSERT_TRUE(ours->send(Octets{7}, null.get()));
  }
  bool came = false;
  for (int i = 0; i < 10'000 && !came; ++i) {
    while (auto received = peer.receive())
      came = came || (received->octets[0] == 7 && received->descriptors.size() == 1);
    run();
  }
  EXPECT_TRUE(came);
}

TEST_F(AsyncChannelTest, the_end_of_the_peer_is_told_once_and_after_its_last_words) {
  attach();
  ASSERT_FALSE(peer.send(Octets{1}));
  peer = Channel{};
  EXPECT_FALSE(ours->send(Octets{2}));
  EXPECT_EQ(closed, 0) << "told from inside send()";
  run();
  EXPECT_EQ(heard.size(), 1U);
  EXPECT_EQ(closed, 1);
  EXPECT_FALSE(ours->attached());
}

TEST_F(AsyncChannelTest, a_message_that_is_too_large_ends_the_channel) {
  attach();
  const Octets octets(max_message_octets + 1, 1);
  ASSERT_GT(::write(peer.descriptor(), octets.data(), octets.size()), 0);
  run();
  EXPECT_EQ(heard.size(), 0U);
  EXPECT_EQ(closed, 1);
}

TEST_F(AsyncChannelTest, pausing_leaves_messages_in_the_kernel_and_so_slows_the_peer) {
  attach();
  ours->pause_reading();
  std::error_code error;
  std::size_t sent = 0;
  for (int i = 0; i < 100'000 && !error; ++i) {
    run();
    error = peer.send(Octets(1000, 1));
    if (!error) ++sent;
  }
  EXPECT_EQ(error, std::errc::resource_unavailable_try_again);
  EXPECT_LE(heard.size(), max_messages_in_a_row);
  ours->resume_reading();
  run();
  EXPECT_EQ(heard.size(), sent);
}

TEST_F(AsyncChannelTest, close_silences_it) {
  attach();
  ASSERT_FALSE(peer.send(Octets{1}));
  ours->close();
  run();
  EXPECT_TRUE(heard.empty());
  EXPECT_EQ(closed, 0);
  EXPECT_EQ(peer.receive().error(), ReceiveTrouble::closed);
}

TEST_F(AsyncChannelTest, its_callback_may_replace_the_channel) {
  auto fresh = *Channel::make_pair();
  std::vector<Octets> later;
  ours->attach(
      std::move(pair.first),
      [&](Received received) {
        heard.emplace_back(received.octets.begin(), received.octets.end());
        ours->attach(
            std::move(fresh.first),
            [&](Received other) { later.emplace_back(other.octets.begin(), other.octets.end()); }, [] {});
        EXPECT_EQ(received.octets[0], 1);  // still readable
      },
      [this] { ++closed; });
  ASSERT_FALSE(peer.send(Octets{1}));
  ASSERT_FALSE(peer.send(Octets{2}));
  ASSERT_FALSE(fresh.second.send(Octets{3}));
  run();
  EXPECT_EQ(heard, std::vector<Octets>{Octets{1}});
  EXPECT_EQ(later, std::vector<Octets>{Octets{3}});
  EXPECT_EQ(closed, 0);
}

TEST_F(AsyncChannelTest, its_callback_may_destroy_it) {
  ours->attach(
      std::move(pair.first), [this](Received) { ours.reset(); }, [this] { ++closed; });
  ASSERT_FALSE(peer.send(Octets{1}));
  ASSERT_FALSE(peer.send(Octets{2}));
  run();
  EXPECT_EQ(ours, nullptr);
  EXPECT_EQ(closed, 0);
}

}  // namespace
}  // namespace redoubt::channel
