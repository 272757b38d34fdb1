#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"

namespace redoubt::sim {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

TEST(Walk, from_the_root_takes_one_question_a_zone) {
  World world;
  world.site("shop.com.", "192.0.2.1");
  const Answer answer = world.ask("www.shop.com.");
  EXPECT_THAT(answer.answer(), ElementsAre("www.shop.com. A 192.0.2.80")) << world.trace();
  EXPECT_EQ(answer.packets, 3U) << world.trace();
}

}  // namespace redoubt::sim
