// Zones on their way here.
#include "transport/client/transfer.hpp"

#include "tests/unit/transport/harness.hpp"

namespace redoubt::transport::test {

namespace {

class TransferTest : public LoopTest {
 protected:
  void SetUp() override {
    listening_ = listening_socket();
    server_ = local_endpoint(listening_);
  }

  void open(Transfers::Id id, std::chrono::milliseconds patience = 30s, Octets message = query(0x4242)) {
    transfers_.open(
        id, server_, patience, message,
        [this](std::span<const std::uint8_t> octets) { messages_.emplace_back(octets.begin(), octets.end()); },
        [this](UpstreamFault fault) { ends_.push_back(fault); });
  }
  Peer accept() {
    std::optional<Peer> peer;
    EXPECT_TRUE(run_until([&] {
      if (auto accepted = accept_from(listening_)) peer.emplace(std::move(accepted->socket));
      return peer.has_value();
    }));
    return std::move(*peer);
  }

  Transfers transfers_{executor()};
  std::vector<Octets> messages_;
  std::vector<UpstreamFault> ends_;
  Socket listening_;
  dns::Endpoint server_;
};

TEST_F(TransferTest, brings_each_message_when_it_is_asked_for) {
  open(1);
  Peer peer = accept();
  ASSERT_TRUE(run_until([&] { return !peer.messages().empty(); }));
  EXPECT_EQ(peer.messages().front(), query(0x4242));
  for (std::size_t octets : {100U, 200U, 65535U}) peer.send_frame(answer_to(query(0x4242), octets));
  ASSERT_TRUE(run_until([&] { return !messages_.empty(); }));
  EXPECT_EQ(messages_.size(), 1U) << "the others were not asked for";
  transfers_.next(1);
  ASSERT_TRUE(run_until([&] { return messages_.size() == 2; }));
  transfers_.next(1);
  ASSERT_TRUE(run_until([&] { return messages_.size() == 3; }));
  EXPECT_EQ(messages_[2].size(), 65535U);
  EXPECT_TRUE(ends_.empty());
}

TEST_F(TransferTest, takes_no_more_octets_than_were_asked_for) {
  open(1);
  Peer peer = accept();
  ASSERT_TRUE(run_until([&] { return !peer.messages().empty(); }));
  // A server that sends without end meets the kernel's buffers, not our memory.
  const Octets frame = framed(answer_to(query(0x4242), 65535));
  std::size_t sent = 0;
  std::size_t stuck = 0;
  while (stuck < 50 && sent < (64U << 20)) {
    const std::size_t more = peer.send(frame);
    sent += more;
    stuck = more == 0 ? stuck + 1 : 0;
    settle();
  }
  EXPECT_LT(sent, 32U << 20) << "the server was never slowed down";
  EXPECT_EQ(messages_.size(), 1U);
}

TEST_F(TransferTest, tells_once_that_the_server_closed) {
  open(1);
  Peer peer = accept();
  peer.close();
  ASSERT_TRUE(run_until([&] { return !ends_.empty(); }));
  EXPECT_EQ(ends_, std::vector{UpstreamFault::closed_early});
  EXPECT_EQ(transfers_.running(), 0U);
  transfers_.next(1);
}

TEST_F(TransferTest, ends_in_time) {
  open(1, 50ms);
  const Peer peer = accept();
  ASSERT_TRUE(run_until([&] { return !ends_.empty(); }));
  EXPECT_EQ(ends_, std::vector{UpstreamFault::timed_out});
}

TEST_F(TransferTest, closed_by_its_asker_tells_nothing_more) {
  open(1);
  Peer peer = accept();
  transfers_.close(1);
  ASSERT_TRUE(run_until([&] { return peer.closed(); }));
  EXPECT_TRUE(messages_.empty());
  EXPECT_TRUE(ends_.empty());
}

TEST_F(TransferTest, a_message_shorter_than_a_header_ends_it) {
  open(1);
  Peer peer = accept();
  peer.send(Octets{0, 3, 1, 2, 3});
  ASSERT_TRUE(run_until([&] { return !ends_.empty(); }));
  EXPECT_EQ(ends_, std::vector{UpstreamFault::malformed});
}

TEST_F(TransferTest, are_only_so_many) {
  for (Transfers::Id id = 0; id <= max_transfers; ++id) open(id);
  EXPECT_EQ(transfers_.running(), max_transfers);
  EXPECT_EQ(ends_, std::vector{UpstreamFault::too_many});
  open(0);
  EXPECT_EQ(ends_.size(), 1U) << "an id that lives is not begun anew";
}

TEST_F(TransferTest, sends_nothing_but_queries) {
  open(1, 30s, answer_to(query(1)));
  EXPECT_EQ(ends_, std::vector{UpstreamFault::bad_request});
  EXPECT_EQ(transfers_.running(), 0U);
}

}  // namespace

}  // namespace redoubt::transport::test
