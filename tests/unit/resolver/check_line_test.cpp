#include "resolver/validate/check_line.hpp"

#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/posix/stream_descriptor.hpp>
#include <boost/asio/post.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/unit/resolver/grudging_executor.hpp"

namespace redoubt::resolver {
namespace {

namespace asio = boost::asio;
using namespace std::chrono_literals;

struct HandClock final : Clock {
  Instant time{1h};
  Instant now() const override { return time; }
  WallTime wall() const override { return {}; }
  Task<void> sleep_until(Instant) override { co_return; }
};

struct CheckLineTest : ::testing::Test {
  asio::io_context loop{1};
  HandClock clock;
  std::optional<CheckLine> line{std::in_place, clock, loop.get_executor()};
  std::vector<std::string> log;

  static Task<void> check_in(CheckLine& where, std::function<void()> check) {
    co_await where.wait();
    check();
  }
  void queue(std::function<void()> check) { start_now(check_in(*line, std::move(check)), Detached{}); }
};

/// The listener's socket, with a handler that is under way as a worker's is.
class Client {
 public:
  Client(asio::io_context& loop, std::vector<std::string>& log) : watched_{loop}, log_{&log} {
    EXPECT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_NONBLOCK, 0, ends_.data()), 0);
    watched_.assign(ends_[0]);
    listen();
  }
  ~Client() { ::close(ends_[1]); }
  Client(const Client&) = delete;
  Client& operator=(const Client&) = delete;
  void ask() const { EXPECT_EQ(::write(ends_[1], "?", 1), 1); }
  void leave() { watched_.cancel(); }

 private:
  void listen() {
    watched_.async_wait(asio::posix::stream_descriptor::wait_read, [this](boost::system::error_code error) {
      if (error) return;
      char octet = 0;
      while (::read(ends_[0], &octet, 1) == 1) log_->emplace_back("client");
      listen();
    });
  }
  std::array<int, 2> ends_{};
  asio::posix::stream_descriptor watched_;
  std::vector<std::string>* log_;
};

TEST_F(CheckLineTest, who_asks_during_a_check_is_answered_before_the_next) {
  Client client{loop, log};
  for (int i = 1; i <= 4; ++i) {
    queue([&, i] {
      log.push_back("check " + std::to_string(i));
      if (i % 2 == 1) client.ask();
      if (i == 4) client.leave();
    });
  }
  EXPECT_TRUE(log.empty()) << "nobody checks at once";
  loop.run();
  EXPECT_EQ(log, (std::vector<std::string>{"check 1", "client", "check 2", "check 3", "client", "check 4"}));
}

TEST_F(CheckLineTest, whoever_asks_again_and_again_leaves_one_check_in_each_turn) {
  Client client{loop, log};
  for (int i = 0; i < 5; ++i) {
    queue([&, i] {
      log.emplace_back("check");
      client.ask();
      if (i == 4) client.leave();
    });
  }
  client.ask();
  loop.run();
  for (std::size_t i = 1; i < log.size(); ++i) EXPECT_FALSE(log[i] == "check" && log[i - 1] == "check") << i;
  EXPECT_EQ(std::ranges::count(log, "check"), 5);
}

TEST_F(CheckLineTest, others_that_keep_the_loop_busy_leave_a_fifth_of_the_time_to_checks) {
  const Instant began = clock.time;
  Duration checking{};
  int left = 100;
  for (int i = 0; i < 100; ++i) {
    queue([&] {
      clock.time += 50us;
      checking += 50us;
      --left;
    });
  }
  std::function<void()> flood = [&] {  // as a socket that is never empty
    clock.time += 1ms;
    if (left > 0) asio::post(loop, flood);
  };
  asio::post(loop, flood);
  loop.run();
  EXPECT_EQ(left, 0);
  EXPECT_GE(checking * 6, clock.time - began) << "with what the first of them has waited";
  EXPECT_LE(checking * 4, clock.time - began) << "and no more than that";
}

TEST_F(CheckLineTest, others_that_are_quick_find_one_check_before_them) {
  int row = 0;
  int longest = 0;
  int left = 100;
  for (int i = 0; i < 100; ++i) {
    queue([&] {
      clock.time += 50us;
      longest = std::max(longest, ++row);
      --left;
    });
  }
  std::function<void()> others = [&] {
    clock.time += 40us;
    row = 0;
    if (left > 0) asio::post(loop, others);
  };
  asio::post(loop, others);
  loop.run();
  EXPECT_EQ(longest, 1);
}

TEST_F(CheckLineTest, who_asks_for_more_stands_behind_those_that_wait) {
  const auto twice = [](CheckLine& where, std::vector<std::string>& into, std::string name) -> Task<void> {
    for (int i = 0; i < 2; ++i) {
      co_await where.wait();
      into.push_back(name);
    }
  };
  start_now(twice(*line, log, "a"), Detached{});
  start_now(twice(*line, log, "b"), Detached{});
  loop.run();
  EXPECT_EQ(log, (std::vector<std::string>{"a", "b", "a", "b"}));
}

TEST_F(CheckLineTest, those_who_wait_when_it_ends_never_go_on) {
  auto held = std::make_shared<int>(0);
  const std::weak_ptr<int> frame = held;
  queue([held = std::move(held), this] { log.emplace_back("check"); });
  ASSERT_FALSE(frame.expired());
  line.reset();
  EXPECT_TRUE(frame.expired()) << "frames end with the line";
  loop.run();
  EXPECT_TRUE(log.empty());
}

TEST_F(CheckLineTest, one_that_ends_the_line_is_the_last) {
  queue([&] {
    log.emplace_back("check");
    line.reset();
  });
  queue([&] { log.emplace_back("never"); });
  loop.run();
  EXPECT_EQ(log, std::vector<std::string>{"check"});
}

TEST_F(CheckLineTest, without_memory_checks_are_made_at_once) {
  bool refuses = true;
  line.emplace(clock, testing::GrudgingExecutor{loop, refuses});
  queue([&] { log.emplace_back("at once"); });
  EXPECT_EQ(log, std::vector<std::string>{"at once"});
  refuses = false;
  queue([&] { log.emplace_back("first"); });
  queue([&] { log.emplace_back("second"); });
  queue([&] { log.emplace_back("third"); });
  refuses = true;  // neither the second turn nor the next call can be had
  loop.run();
  EXPECT_EQ(log, (std::vector<std::string>{"at once", "first", "second", "third"}));
}

}  // namespace
}  // namespace redoubt::resolver
