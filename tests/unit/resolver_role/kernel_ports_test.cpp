#include "resolver/role/kernel_ports.hpp"

#include <gtest/gtest.h>

#include <random>
#include <set>

namespace redoubt::resolver {
namespace {

using Expected = KernelPorts::Expected;

/// A kernel that obeys within its range; what it does for each port, and what that tells.
class KernelPortsTest : public testing::Test {
 protected:
  std::uint16_t draw(std::uint16_t first = 1024, std::uint16_t last = 65'535) {
    return static_cast<std::uint16_t>(first + chance_() % (last - first + 1U));
  }
  bool gives(std::uint16_t port) const { return first_ <= port && port <= last_ && !missing_.contains(port); }

  /// An exchange from that port, as the sockets have it. Returns whether the kernel was asked for it.
  bool exchange(std::uint16_t port) {
    const Expected expected = ports_.expect(port);
    if (expected == Expected::not_given) return false;
    const bool is_within = first_ <= port && port <= last_;
    if (is_within && !gives(port)) {
      ++searches_;
      ports_.gave_none(port);
      return true;
    }
    const std::uint16_t taken = is_within ? port : draw(first_, last_);
    if (expected == Expected::unsure) ++looks_;
    if (expected == Expected::given && taken != port) ++surprises_;
    if (expected == Expected::unsure || taken != port) ports_.gave(port, taken);
    return true;
  }
  void exchange_often(unsigned times) {
    for (unsigned i = 0; i < times; ++i) exchange(draw());
  }
  /// Of a thousand draws, those for which it is asked although it would not give them, or the other way round.
  unsigned wrong_of_a_thousand() {
    unsigned wrong = 0;
    for (unsigned i = 0; i < 1000; ++i) {
      const std::uint16_t port = draw();
      if (exchange(port) != gives(port)) ++wrong;
    }
    return wrong;
  }

  std::mt19937 chance_{11};
  std::uint16_t first_ = 32'768;
  std::uint16_t last_ = 60'999;
  std::set<std::uint16_t> missing_;
  KernelPorts ports_;
  unsigned looks_ = 0;
  unsigned surprises_ = 0;
  unsigned searches_ = 0;
};

TEST_F(KernelPortsTest, a_range_is_known_after_tens_of_exchanges) {
  exchange_often(500);
  EXPECT_LE(looks_, 60U);
  EXPECT_LE(wrong_of_a_thousand(), 10U);
  EXPECT_EQ(surprises_, 0U);
}

TEST_F(KernelPortsTest, nothing_is_passed_over_where_the_kernel_gives_all) {
  first_ = 1;
  last_ = 65'535;
  for (unsigned i = 0; i < 5000; ++i) EXPECT_TRUE(exchange(draw()));
  EXPECT_LE(looks_, 60U);
}

TEST_F(KernelPortsTest, ports_outside_of_a_range_that_is_never_hit_are_passed_over_soon) {
  for (unsigned i = 0; i < 1000; ++i) exchange(draw(1024, 9999));
  EXPECT_LE(looks_, 40U);
  EXPECT_EQ(surprises_, 0U);
}

TEST_F(KernelPortsTest, a_range_that_is_narrowed_or_moved_is_known_anew_after_one_surprise) {
  exchange_often(1000);
  for (const auto& [first, last] :
       {std::pair<std::uint16_t, std::uint16_t>{40'000, 49'999}, {2000, 9999}, {9000, 9009}}) {
    first_ = first;
    last_ = last;
    surprises_ = 0;
    exchange_often(5000);
    EXPECT_LE(surprises_, 1U) << first;
    EXPECT_LE(wrong_of_a_thousand(), 10U) << first;
  }
  EXPECT_TRUE(ports_.is_heeded());
}

TEST_F(KernelPortsTest, a_kernel_that_takes_any_port_of_its_range_is_soon_not_believed) {
  for (int life = 0; life < 20; ++life) {
    unsigned exchanges = 0;
    for (; ports_.is_heeded() && exchanges < 5000; ++exchanges) {
      const std::uint16_t port = draw();
      const std::uint16_t taken = draw(first_, last_);
      const Expected expected = ports_.expect(port);
      if (expected != Expected::not_given && port != taken) ports_.gave(port, taken);
    }
    EXPECT_LT(exchanges, 1000U);
    ports_.begin_anew();
    EXPECT_TRUE(ports_.is_heeded());
  }
}

/// Others on the machine have a few at a time: what was not to be had is most often free again.
TEST_F(KernelPortsTest, ports_that_others_had_for_a_moment_come_back) {
  unsigned kept = 0;
  unsigned within = 0;
  for (unsigned i = 0; i < 400'000; ++i) {
    if (i % 100 == 0) {
      missing_.clear();
      while (missing_.size() < 2) missing_.insert(draw(first_, last_));
    }
    const std::uint16_t port = draw();
    const bool asked = exchange(port);
    if (first_ > port || port > last_) continue;
    ++within;
    kept += asked && gives(port) ? 1 : 0;
  }
  EXPECT_GT(kept, within / 10 * 9);
}

TEST_F(KernelPortsTest, a_range_that_is_widened_is_found_by_what_is_tried_again) {
  exchange_often(1000);
  first_ = 1024;
  last_ = 65'535;
  exchange_often(2 * KernelPorts::tried_again_after);
  EXPECT_LE(wrong_of_a_thousand(), 10U);
  EXPECT_EQ(surprises_, 0U);
}

TEST_F(KernelPortsTest, a_range_that_may_have_changed_is_looked_at_again_at_once) {
  exchange_often(1000);
  first_ = 1024;
  last_ = 65'535;
  ports_.begin_anew();
  exchange_often(100);
  EXPECT_LE(wrong_of_a_thousand(), 10U);
}

TEST_F(KernelPortsTest, reserved_ports_are_asked_for_once_in_a_block_and_now_and_then) {
  for (std::uint16_t port = 40'000; port < 42'000; ++port) missing_.insert(port);
  exchange_often(100'000);
  EXPECT_LE(searches_, 2000U / 16 + 60);
  EXPECT_EQ(surprises_, 0U);
  EXPECT_LE(wrong_of_a_thousand(), 10U);
  missing_.clear();
  exchange_often(2'000'000);
  EXPECT_LT(wrong_of_a_thousand(), 20U) << "what is no longer reserved is found, too";
}

TEST_F(KernelPortsTest, a_kernel_that_does_not_say_which_port_it_took_teaches_nothing) {
  ports_.gave(40'000, 0);
  EXPECT_EQ(ports_.expect(40'000), Expected::unsure);
  EXPECT_EQ(ports_.expect(1), Expected::unsure);
  EXPECT_EQ(ports_.expect(65'535), Expected::unsure);
}

}  // namespace
}  // namespace redoubt::resolver
