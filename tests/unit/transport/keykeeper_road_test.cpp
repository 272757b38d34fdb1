// The glue to keykeeper, over real channels: what waits for a signature is bounded.
#include "transport/role/keykeeper_road.hpp"

#include "tests/unit/transport/harness.hpp"

namespace redoubt::transport::test {
namespace {

class KeykeeperRoadTest : public LoopTest {
 protected:
  channel::Channel new_keykeeper() {
    auto [ours, theirs] = *channel::Channel::make_pair();
    road_.attach(std::move(ours));
    return std::move(theirs);
  }
  std::optional<SignatureId> sign() {
    return road_.sign({.key = {}, .scheme = 0x0403, .message = message_},
                      [this](std::vector<std::uint8_t> signature) { signatures_.push_back(std::move(signature)); });
  }
  std::vector<channel::SignHandshake> asked_of(channel::Channel& keykeeper, std::size_t count) {
    std::vector<channel::SignHandshake> asked;
    EXPECT_TRUE(run_until([&] {
      while (auto received = keykeeper.receive()) {
        const auto message = channel::decode_transport_to_keykeeper(received->octets);
        if (message) asked.push_back(std::get<channel::SignHandshake>(*message));
      }
      return asked.size() >= count;
    }));
    return asked;
  }
  static void answer(const channel::Channel& keykeeper, channel::RequestId id) {
    EXPECT_FALSE(keykeeper.send(channel::encode(channel::KeykeeperToTransport{channel::HandshakeSigned{id, {1, 2}}})));
  }

  KeykeeperRoad road_{executor()};
  std::vector<std::uint8_t> message_ = std::vector<std::uint8_t>(130, 7);
  std::vector<std::vector<std::uint8_t>> signatures_;
};

TEST_F(KeykeeperRoadTest, so_many_handshakes_wait_and_no_more) {
  road_.use(Limits{}.with(Limit::signatures_waiting, 3));
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(sign());
  for (int i = 0; i < 100; ++i) EXPECT_FALSE(sign());
  EXPECT_EQ(road_.waiting(), 3U);
  channel::Channel keykeeper = new_keykeeper();
  const auto asked = asked_of(keykeeper, 3);
  ASSERT_EQ(asked.size(), 3U);
  answer(keykeeper, asked[0].id);
  ASSERT_TRUE(run_until([&] { return signatures_.size() == 1; }));
  EXPECT_TRUE(sign()) << "one place is free again";
  EXPECT_FALSE(sign());
}

TEST_F(KeykeeperRoadTest, whoever_leaves_frees_his_place) {
  road_.use(Limits{}.with(Limit::signatures_waiting, 1));
  const auto first = sign();
  ASSERT_TRUE(first);
  EXPECT_FALSE(sign());
  road_.forget(*first);
  EXPECT_TRUE(sign());
}

TEST_F(KeykeeperRoadTest, a_new_keykeeper_is_asked_again_and_a_late_answer_is_old_news) {
  const auto first = sign();
  channel::Channel former = new_keykeeper();
  ASSERT_EQ(asked_of(former, 1).size(), 1U);
  channel::Channel keykeeper = new_keykeeper();
  const auto asked = asked_of(keykeeper, 1);
  ASSERT_EQ(asked.size(), 1U);
  EXPECT_EQ(asked[0].id, *first);
  answer(keykeeper, asked[0].id);
  answer(keykeeper, asked[0].id);
  ASSERT_TRUE(run_until([&] { return !signatures_.empty(); }));
  EXPECT_EQ(signatures_.size(), 1U);
}

}  // namespace
}  // namespace redoubt::transport::test
