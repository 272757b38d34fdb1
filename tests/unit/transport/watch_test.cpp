// When the loop tells of a descriptor: never too seldom, whatever its owner has read, and not again without need.
#include <sys/socket.h>

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "tests/unit/transport/harness.hpp"

namespace redoubt::transport::test {

namespace {

class WatchTest : public LoopTest {
 protected:
  struct Pair {
    Socket ours;
    Socket theirs;
  };
  static Pair connected() {
    std::array<int, 2> both{};
    EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, both.data()), 0);
    return {Socket{both[0]}, Socket{both[1]}};
  }
  static void say(const Socket& socket, std::size_t octets = 1) {
    const std::string words(octets, 'x');
    EXPECT_EQ(::send(socket.get(), words.data(), words.size(), MSG_NOSIGNAL), static_cast<ssize_t>(octets));
  }
  static ssize_t hear(const Socket& socket, std::size_t room) {
    std::vector<char> into(room);
    return ::recv(socket.get(), into.data(), into.size(), 0);
  }

  Pair pair_ = connected();
  unsigned told_ = 0;
};

TEST_F(WatchTest, what_was_not_read_to_its_end_is_told_again) {
  Watch watch{executor(), pair_.ours.get()};
  ASSERT_TRUE(watch.ok());
  say(pair_.theirs, 3);
  for (unsigned octet = 1; octet <= 3; ++octet) {
    watch.when_readable([&] {
      ++told_;
      EXPECT_EQ(hear(pair_.ours, 1), 1);
    });
    ASSERT_TRUE(run_until([&] { return told_ == octet; }));
  }
  watch.when_readable([&] { ++told_; });
  settle();
  EXPECT_EQ(told_, 3U) << "there is nothing left";
}

TEST_F(WatchTest, what_was_read_to_its_end_is_told_when_more_comes) {
  Watch watch{executor(), pair_.ours.get()};
  const auto reads = [&] {
    ++told_;
    EXPECT_EQ(hear(pair_.ours, 100), 5);
    watch.was_emptied();
  };
  for (unsigned times = 1; times <= 3; ++times) {
    watch.when_readable(reads);
    settle();
    EXPECT_EQ(told_, times - 1);
    say(pair_.theirs, 5);
    ASSERT_TRUE(run_until([&] { return told_ == times; }));
  }
}

/// What nobody would notice but by the system calls: it is not asked again of what was said to be read.
TEST_F(WatchTest, what_was_said_to_be_emptied_is_not_looked_at_again) {
  Watch watch{executor(), pair_.ours.get()};
  say(pair_.theirs, 5);
  watch.when_readable([&] {
    ++told_;
    EXPECT_EQ(hear(pair_.ours, 3), 3);
    watch.was_emptied();  // which is not so
  });
  ASSERT_TRUE(run_until([&] { return told_ == 1; }));
  watch.when_readable([&] { ++told_; });
  settle();
  EXPECT_EQ(told_, 1U);
  say(pair_.theirs);
  EXPECT_TRUE(run_until([&] { return told_ == 2; }));
}

/// Both are told at once; the end is told again although all octets were read.
TEST_F(WatchTest, an_end_that_came_with_the_last_words_is_told) {
  Watch watch{executor(), pair_.ours.get()};
  say(pair_.theirs, 5);
  ::shutdown(pair_.theirs.get(), SHUT_WR);
  ssize_t last = -1;
  watch.when_readable([&] {
    EXPECT_EQ(hear(pair_.ours, 100), 5);
    watch.was_emptied();
    watch.when_readable([&] { last = hear(pair_.ours, 100); });
  });
  ASSERT_TRUE(run_until([&] { return last != -1; }));
  EXPECT_EQ(last, 0);
}

TEST_F(WatchTest, what_comes_while_nobody_asks_is_told_to_who_asks_then) {
  Watch watch{executor(), pair_.ours.get()};
  say(pair_.theirs);
  watch.when_readable([&] {
    hear(pair_.ours, 100);
    watch.was_emptied();
    ++told_;
  });
  ASSERT_TRUE(run_until([&] { return told_ == 1; }));
  say(pair_.theirs);
  settle();
  watch.when_readable([&] { ++told_; });
  EXPECT_TRUE(run_until([&] { return told_ == 2; }));
}

TEST_F(WatchTest, room_to_write_is_told_whenever_it_is_asked_for) {
  Watch watch{executor(), pair_.ours.get()};
  for (unsigned times = 1; times <= 2; ++times) {
    watch.when_writable([&] { ++told_; });
    ASSERT_TRUE(run_until([&] { return told_ == times; })) << "there was room all the time";
  }
  const std::string much(65536, 'x');
  while (::send(pair_.ours.get(), much.data(), much.size(), MSG_NOSIGNAL) > 0) {
  }
  bool readable = false;
  watch.when_writable([&] { ++told_; });
  watch.when_readable([&] { readable = true; });
  say(pair_.theirs);
  ASSERT_TRUE(run_until([&] { return readable; }));
  EXPECT_EQ(told_, 2U);
  while (hear(pair_.theirs, 65536) > 0) {
  }
  EXPECT_TRUE(run_until([&] { return told_ == 3; }));
}

TEST_F(WatchTest, a_watch_that_is_ended_by_another_one_that_is_told_before_hears_nothing) {
  Pair other = connected();
  auto first = std::make_unique<Watch>(executor(), pair_.ours.get());
  auto second = std::make_unique<Watch>(executor(), other.ours.get());
  first->when_readable([&] {
    ++told_;
    second.reset();
  });
  second->when_readable([&] {
    ++told_;
    first.reset();
  });
  say(pair_.theirs);
  say(other.theirs);
  ASSERT_TRUE(run_until([&] { return told_ != 0; }));
  settle();
  EXPECT_EQ(told_, 1U);
}

TEST_F(WatchTest, a_watch_may_end_in_its_own_callback) {
  auto watch = std::make_unique<Watch>(executor(), pair_.ours.get());
  watch->when_writable([&] {
    watch->when_readable([&] { ++told_; });
    watch.reset();
    ++told_;
  });
  say(pair_.theirs);
  ASSERT_TRUE(run_until([&] { return told_ != 0; }));
  settle();
  EXPECT_EQ(told_, 1U);
}

TEST_F(WatchTest, later_is_behind_all_that_became_ready_together) {
  Pair other = connected();
  std::string order;
  Watch first{executor(), pair_.ours.get()};
  Watch second{executor(), other.ours.get()};
  const auto told = [&] {
    order += 't';
    later(executor(), [&] {
      order += 'l';
      later(executor(), [&] { order += 'e'; });
    });
  };
  first.when_readable(told);
  second.when_readable(told);
  say(pair_.theirs);
  say(other.theirs);
  ASSERT_TRUE(run_until([&] { return order.size() == 6; }));
  EXPECT_EQ(order, "ttllee");
}

TEST_F(WatchTest, many_that_are_ready_at_once_are_all_told) {
  std::vector<Pair> pairs;
  std::vector<std::unique_ptr<Watch>> watches;
  for (int i = 0; i < 200; ++i) {
    pairs.push_back(connected());
    say(pairs.back().theirs);
    watches.push_back(std::make_unique<Watch>(executor(), pairs.back().ours.get()));
    watches.back()->when_readable([this] { ++told_; });
  }
  EXPECT_TRUE(run_until([&] { return told_ == 200; }));
}

TEST_F(WatchTest, what_cannot_be_watched_is_said_to_be_so) {
  Watch closed{executor(), -1};
  EXPECT_FALSE(closed.ok());
  closed.when_readable([] { FAIL(); });
  settle();
}

}  // namespace

}  // namespace redoubt::transport::test
