// 2,000 random worlds in every run; tests/worlds/README.md says how to see one of them again.
#include <gtest/gtest.h>

#include "tests/worlds/run.hpp"

namespace redoubt::worlds {
namespace {

constexpr std::uint64_t share = 500;  // worlds of one test, so that they can run side by side

class Worlds : public testing::TestWithParam<std::uint64_t> {};

TEST_P(Worlds, keep_every_property) {
  for (std::uint64_t seed = GetParam(); seed < GetParam() + share; ++seed) {
    const Plan plan = generate(seed);
    const Lived lived = live(plan);
    if (!lived.breach) continue;
    const Plan smaller = shrink(plan, lived.breach->property);
    FAIL() << to_text(lived.breach->property) << ": " << lived.breach->what << "\n"
           << smaller.describe() << live(smaller, true).trace << "again: worlds --seed " << seed << " --shrink";
  }
}

INSTANTIATE_TEST_SUITE_P(From, Worlds, testing::Values(1, 501, 1001, 1501));

TEST(WorldsAgain, same_seed_goes_the_same_way) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed)
    EXPECT_EQ(live(generate(seed)).tally.trace, live(generate(seed)).tally.trace) << "seed " << seed;
}

/// Teeth: worlds with liars find a resolver that does not look who may speak for a name.
TEST(WorldsTeeth, bailiwick_check_switched_off_is_found) {
  std::uint64_t found = 0;
  for (std::uint64_t seed = 1; seed <= 100; ++seed) {
    Plan plan = generate(seed);
    plan.settings.guards.bailiwick = false;
    if (live(plan).breach) ++found;
  }
  EXPECT_GE(found, 5U);
}

}  // namespace
}  // namespace redoubt::worlds
