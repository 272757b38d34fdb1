#include "transport/client/server_book.hpp"

#include <gtest/gtest.h>

namespace redoubt::transport::test {

namespace {

using namespace std::chrono_literals;

UpstreamServer server(unsigned number) {
  return {{dns::IpAddress::v4({10, static_cast<std::uint8_t>(number >> 16U), static_cast<std::uint8_t>(number >> 8U),
                               static_cast<std::uint8_t>(number)}),
           53},
          Protocol::tcp};
}

class ServerBookTest : public ::testing::Test {
 protected:
  /// One connection from its beginning to its fruitless end.
  std::optional<UpstreamFault> waste(unsigned number, UpstreamFault fault = UpstreamFault::closed_early) {
    if (const auto refusal = book_.admit(server(number), limits_, now_)) return refusal;
    book_.fruitless(server(number), fault, now_);
    book_.closed(server(number));
    return std::nullopt;
  }

  ServerBook book_;
  Limits limits_;
  Clock::time_point now_ = Clock::time_point{} + 1h;
};

TEST_F(ServerBookTest, three_fruitless_connections_bring_ten_seconds_of_rest) {
  for (int i = 0; i < 3; ++i) EXPECT_EQ(waste(1), std::nullopt);
  EXPECT_EQ(waste(1), UpstreamFault::closed_early);
  now_ += 9999ms;
  EXPECT_EQ(waste(1), UpstreamFault::closed_early);
  EXPECT_EQ(waste(2), std::nullopt);  // others are not touched
}

TEST_F(ServerBookTest, after_the_rest_one_failure_brings_the_next) {
  for (int i = 0; i < 3; ++i) waste(1);
  now_ += 10s;
  EXPECT_EQ(waste(1), std::nullopt);
  EXPECT_EQ(waste(1), UpstreamFault::closed_early);
}

TEST_F(ServerBookTest, an_answer_forgives) {
  for (int round = 0; round < 5; ++round) {
    EXPECT_EQ(waste(1), std::nullopt);
    EXPECT_EQ(waste(1), std::nullopt);
    book_.answered(server(1));
  }
}

TEST_F(ServerBookTest, a_resting_server_fails_as_it_failed_last) {
  waste(1, UpstreamFault::closed_early);
  waste(1, UpstreamFault::timed_out);
  waste(1, UpstreamFault::refused);
  EXPECT_EQ(waste(1), UpstreamFault::refused);
}

TEST_F(ServerBookTest, protocols_are_told_apart) {
  for (int i = 0; i < 3; ++i) waste(1);
  UpstreamServer tls = server(1);
  tls.protocol = Protocol::tls;
  EXPECT_EQ(book_.admit(tls, limits_, now_), std::nullopt);
}

TEST_F(ServerBookTest, one_by_one_wears_off) {
  ASSERT_EQ(book_.admit(server(1), limits_, now_), std::nullopt);
  EXPECT_FALSE(book_.one_by_one(server(1), now_));
  book_.cannot_pipeline(server(1), now_);
  EXPECT_TRUE(book_.one_by_one(server(1), now_ + 59s));
  EXPECT_FALSE(book_.one_by_one(server(1), now_ + 60s));
}

TEST_F(ServerBookTest, is_bounded_and_wasteful_servers_do_not_keep_good_ones_out) {
  for (unsigned number = 0; number < max_servers; ++number) {
    for (int i = 0; i < 3; ++i) ASSERT_EQ(waste(number), std::nullopt);
  }
  EXPECT_EQ(waste(max_servers), UpstreamFault::too_many);  // all within one second
  now_ += 1s;
  EXPECT_EQ(waste(max_servers), std::nullopt);
  EXPECT_LE(book_.size(), max_servers);
}

TEST_F(ServerBookTest, open_connections_are_never_forgotten) {
  limits_.with(Limit::upstream_connections_per_server, 1);
  for (unsigned number = 0; number < max_servers; ++number)
    ASSERT_EQ(book_.admit(server(number), limits_, now_), std::nullopt);
  now_ += 1h;
  EXPECT_EQ(book_.admit(server(max_servers), limits_, now_), UpstreamFault::too_many);
  EXPECT_EQ(book_.admit(server(0), limits_, now_), UpstreamFault::too_many);
  book_.closed(server(0));
  now_ += 1s;
  EXPECT_EQ(book_.admit(server(max_servers), limits_, now_), std::nullopt);
}

}  // namespace

}  // namespace redoubt::transport::test
