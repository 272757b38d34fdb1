// Running out of descriptors.
#include <sys/resource.h>

#include "tests/unit/transport/server_fixture.hpp"

namespace redoubt::transport::test {

namespace {

/// While it lives, no descriptor above those that are open can be had, but for `spare` ones.
class FewDescriptors {
 public:
  explicit FewDescriptors(int spare) {
    ::getrlimit(RLIMIT_NOFILE, &former_);
    // Fill the holes below the highest open one, so that the limit is exact.
    while (true) {
      Socket filler{::fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3)};
      const int number = filler.get();
      if (number > highest()) {
        limit_ = static_cast<rlim_t>(number + spare);
        break;
      }
      fillers_.push_back(std::move(filler));
      if (fillers_.back().get() == highest()) {
        limit_ = static_cast<rlim_t>(highest() + 1 + spare);
        break;
      }
    }
    const rlimit few{.rlim_cur = limit_, .rlim_max = former_.rlim_max};
    ::setrlimit(RLIMIT_NOFILE, &few);
  }
  ~FewDescriptors() { ::setrlimit(RLIMIT_NOFILE, &former_); }
  FewDescriptors(const FewDescriptors&) = delete;
  FewDescriptors& operator=(const FewDescriptors&) = delete;

 private:
  static int highest() {
    int most = 0;
    for (int fd = 0; fd < 1024; ++fd) {
      if (::fcntl(fd, F_GETFD) >= 0) most = fd;
    }
    return most;
  }
  rlimit former_{};
  rlim_t limit_ = 0;
  std::vector<Socket> fillers_;
};

using AcceptorTest = ServerTest;

/// What became readable once is told once: nobody comes afterwards of whom it could be told again.
TEST_F(AcceptorTest, more_than_are_taken_in_one_go_are_all_taken) {
  constexpr std::size_t count = 200;
  limit(Limit::connections_per_client, count);
  std::vector<Peer> peers;
  for (std::size_t i = 0; i < count; ++i) peers.emplace_back(at_);  // all wait in the kernel before the loop runs
  EXPECT_TRUE(open_connections(count));
  EXPECT_EQ(counters_.connections_refused, 0U);
}

TEST_F(AcceptorTest, without_descriptors_newcomers_are_turned_away_and_nothing_spins) {
  Peer busy{at_};
  busy.send_frame(query(1));
  ASSERT_TRUE(asked(1));  // not idle: nobody can make room
  {
    Peer newcomer{at_};
    const FewDescriptors few{0};
    ASSERT_TRUE(run_until([&] { return newcomer.closed(); }));
    EXPECT_GE(counters_.connections_refused, 1U);
    // A tenth of a second of accepting that rests: a handful of steps, not a hundred thousand.
    std::size_t steps = 0;
    const auto end = Clock::now() + 100ms;
    while (Clock::now() < end) {
      loop_.restart();
      steps += loop_.run_one_for(10ms);
    }
    EXPECT_LT(steps, 50U);
    EXPECT_FALSE(busy.closed());
  }
  Peer later{at_};
  later.send_frame(query(2));
  EXPECT_TRUE(asked(2));
}

TEST_F(AcceptorTest, without_descriptors_the_longest_idle_makes_room) {
  Peer idle{at_};
  ASSERT_TRUE(open_connections(1));
  Peer newcomer{at_};
  newcomer.send_frame(query(1));
  const FewDescriptors few{0};
  ASSERT_TRUE(asked(1));
  EXPECT_TRUE(idle.closed());
  EXPECT_FALSE(newcomer.closed());
  EXPECT_EQ(counters_.connections_refused, 0U);
}

}  // namespace

}  // namespace redoubt::transport::test
