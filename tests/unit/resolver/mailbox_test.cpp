#include "resolver/mailbox.hpp"

#include <gtest/gtest.h>

#include <thread>
#include <vector>

#include "tests/unit/resolver/grudging_executor.hpp"

namespace redoubt::resolver {

namespace {

/// Writes down that it was opened, and where it ended.
class Note final : public Mailbox::Letter {
 public:
  Note(int number, std::vector<int>& opened, std::vector<std::thread::id>& ended)
      : number_{number}, opened_{&opened}, ended_{&ended} {}
  ~Note() override { ended_->push_back(std::this_thread::get_id()); }
  void open() noexcept override { opened_->push_back(number_); }

 private:
  int number_;
  std::vector<int>* opened_;
  std::vector<std::thread::id>* ended_;
};

class MailboxTest : public ::testing::Test {
 protected:
  void put(int number) {
    std::thread{[&] { mailbox_->put(std::make_unique<Note>(number, opened_, ended_)); }}.join();
  }
  boost::asio::io_context loop_{1};
  bool no_memory_ = false;
  std::shared_ptr<Mailbox> mailbox_ = std::make_shared<Mailbox>(testing::GrudgingExecutor{loop_, no_memory_});
  std::vector<int> opened_;
  std::vector<std::thread::id> ended_;
};

}  // namespace

TEST_F(MailboxTest, letters_are_opened_at_home_in_their_order) {
  for (int i = 0; i < 3; ++i) put(i);
  EXPECT_TRUE(opened_.empty());
  loop_.run();
  EXPECT_EQ(opened_, (std::vector{0, 1, 2}));
  loop_.restart();
  put(3);
  loop_.run();
  EXPECT_EQ(opened_, (std::vector{0, 1, 2, 3}));
}

/// What was wrong: a chain that waited for another worker's flight ended on that one's thread when there was no memory
/// to tell of the outcome.
TEST_F(MailboxTest, without_memory_they_wait_for_the_next_one_and_end_nowhere_else) {
  no_memory_ = true;
  put(0);
  put(1);
  loop_.run();
  EXPECT_TRUE(opened_.empty());
  EXPECT_TRUE(ended_.empty());
  no_memory_ = false;
  put(2);
  loop_.restart();
  loop_.run();
  EXPECT_EQ(opened_, (std::vector{0, 1, 2}));
  EXPECT_EQ(ended_, std::vector(3, std::this_thread::get_id()));
}

TEST_F(MailboxTest, without_memory_they_wait_until_somebody_looks) {
  no_memory_ = true;
  put(0);
  mailbox_->deliver();
  EXPECT_EQ(opened_, std::vector{0});
}

TEST_F(MailboxTest, once_closed_nothing_is_opened) {
  put(0);
  mailbox_->close();
  put(1);
  loop_.run();
  EXPECT_TRUE(opened_.empty());
  EXPECT_EQ(ended_.size(), 2U);
}

}  // namespace redoubt::resolver
