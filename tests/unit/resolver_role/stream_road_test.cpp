// Fetches by streams end for who waits, whatever becomes of the process that makes them or of our memory.
#include "resolver/role/stream_road.hpp"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>

#include "resolver/task.hpp"
#include "tests/unit/resolver/grudging_executor.hpp"

namespace redoubt::resolver {

namespace {

using namespace std::chrono_literals;
using Result = std::expected<Reply, NetworkFault>;

class StreamRoadTest : public ::testing::Test {
 protected:
  ~StreamRoadTest() override { returns_->close(); }

  /// A new transport; returns its end.
  channel::Channel attach() {
    auto pair = channel::Channel::make_pair();
    road_.attach(std::move(pair->first));
    return std::move(pair->second);
  }
  void fetch() {
    Exchange exchange{{*dns::IpAddress::from_text("192.0.2.1"), 853},
                      UpstreamTransport::tls,
                      std::vector<std::uint8_t>(12),
                      MachineClock::now() + 60s};
    start_now(road_.fetch(std::move(exchange), returns_), [this](const std::exception_ptr& trouble, Result result) {
      EXPECT_FALSE(trouble);
      came_.push_back(std::move(result));
    });
  }
  void turn() {
    loop_.restart();
    while (loop_.poll() != 0) {
    }
  }
  /// What transport was asked for.
  static channel::Fetch asked_of(channel::Channel& transport) {
    auto received = transport.receive();
    while (received) {
      auto message = channel::decode_resolver_to_transport(received->octets);
      if (auto* fetch = std::get_if<channel::Fetch>(&*message)) return std::move(*fetch);
      received = transport.receive();
    }
    ADD_FAILURE() << "nothing was asked for";
    return {};
  }

  boost::asio::io_context loop_{1};
  bool no_memory_ = false;
  StreamRoad road_{testing::GrudgingExecutor{loop_, no_memory_}, [](const std::vector<channel::Ask>&) {}};
  std::shared_ptr<FetchReturns> returns_ = std::make_shared<FetchReturns>(loop_.get_executor());
  std::vector<Result> came_;
};

}  // namespace

TEST_F(StreamRoadTest, what_transport_fetched_comes_back) {
  channel::Channel transport = attach();
  fetch();
  turn();
  const channel::Fetch asked = asked_of(transport);
  transport.send(channel::encode(channel::TransportToResolver{channel::Fetched{asked.id, {1, 2, 3}}}));
  turn();
  ASSERT_EQ(came_.size(), 1U);
  ASSERT_TRUE(came_[0]);
  EXPECT_EQ(came_[0]->message, (std::vector<std::uint8_t>{1, 2, 3}));
}

/// A server must not be blamed for it: it would be asked in the clear for a day.
TEST_F(StreamRoadTest, a_transport_that_is_started_again_interrupts_what_was_under_way) {
  channel::Channel transport = attach();
  fetch();
  fetch();
  turn();
  transport = attach();
  turn();
  ASSERT_EQ(came_.size(), 2U);
  for (const Result& result : came_) {
    ASSERT_FALSE(result);
    EXPECT_EQ(result.error(), NetworkFault::interrupted);
    EXPECT_TRUE(is_our_own(result.error()));
  }
}

/// What was wrong: who waited was never resumed.
TEST_F(StreamRoadTest, without_memory_to_hand_it_over_a_fetch_ends_at_once) {
  const channel::Channel transport = attach();
  turn();
  no_memory_ = true;
  fetch();
  turn();
  ASSERT_EQ(came_.size(), 1U);
  ASSERT_FALSE(came_[0]);
  EXPECT_EQ(came_[0].error(), NetworkFault::no_resources);
}

TEST_F(StreamRoadTest, a_road_that_ends_with_fetches_on_it_tells_who_waits) {
  bool resumed = false;
  {
    auto way = returns_->wait(
        [&resumed](Result result) { resumed = !result && result.error() == NetworkFault::no_resources; });
    EXPECT_FALSE(resumed);
  }
  turn();
  EXPECT_TRUE(resumed);
}

}  // namespace redoubt::resolver
