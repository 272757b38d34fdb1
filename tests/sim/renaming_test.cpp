// DNAMEs that are known already (RFC 6672): answered with what they make, and not asked for again.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"

namespace redoubt::sim {

using testing::ElementsAre;

class Renaming : public testing::Test {
 protected:
  Renaming() {
    world_.site("old.com.", old_server, "x 60 DNAME new.net.");
    world_.site("new.net.", "192.0.2.2", "a 30 A 192.0.2.42\na.b A 192.0.2.43\n* A 192.0.2.44");
  }
  std::size_t packets_to_old() { return world_.internet().packets_to(old_server); }

  static constexpr std::string_view old_server = "192.0.2.1";
  const std::vector<std::string> chain_{"x.old.com. DNAME new.net.", "a.x.old.com. CNAME a.new.net.",
                                        "a.new.net. A 192.0.2.42"};
  World world_;
};

TEST_F(Renaming, is_answered_from_the_cache_with_its_dname_first) {
  EXPECT_EQ(world_.ask("a.x.old.com.").answer(), chain_) << world_.trace();
  const Answer again = world_.ask("a.x.old.com.");
  EXPECT_EQ(again.answer(), chain_);
  EXPECT_EQ(again.packets, 0U);
}

TEST_F(Renaming, stays_in_order_when_its_end_has_expired) {
  world_.ask("a.x.old.com.");
  world_.pass(45s);
  const std::size_t before = packets_to_old();
  EXPECT_EQ(world_.ask("a.x.old.com.").answer(), chain_) << world_.trace();
  EXPECT_EQ(packets_to_old(), before);
}

TEST_F(Renaming, of_other_names_costs_no_question_where_the_dname_is) {
  world_.ask("a.x.old.com.");
  const std::size_t before = packets_to_old();
  EXPECT_THAT(
      world_.ask("a.b.x.old.com.").answer(),
      ElementsAre("x.old.com. DNAME new.net.", "a.b.x.old.com. CNAME a.b.new.net.", "a.b.new.net. A 192.0.2.43"))
      << world_.trace();
  EXPECT_EQ(packets_to_old(), before) << world_.trace();
}

TEST_F(Renaming, of_a_hundred_random_names_costs_no_question_where_the_dname_is) {
  world_.ask("a.x.old.com.");
  const std::size_t before = packets_to_old();
  for (int i = 0; i < 100; ++i) {
    EXPECT_EQ(world_.ask("n" + std::to_string(i) + ".x.old.com.").answer().size(), 3U);
  }
  EXPECT_EQ(packets_to_old(), before);
}

TEST_F(Renaming, on_a_part_of_the_name_spares_the_question_for_all_of_it) {
  world_.ask("a.b.x.old.com.");
  EXPECT_LE(packets_to_old(), 3U) << "a shorter name by UDP and by TCP, and what is above it\n" << world_.trace();
  EXPECT_TRUE(world_.cached("x.old.com.", "DNAME"));
}

TEST_F(Renaming, is_told_to_who_asks_for_the_alias_itself) {
  const auto expected = ElementsAre("x.old.com. DNAME new.net.", "a.x.old.com. CNAME a.new.net.");
  EXPECT_THAT(world_.ask("a.x.old.com.", "CNAME").answer(), expected) << world_.trace();
  EXPECT_EQ(world_.internet().heard().back().transport, UpstreamTransport::tcp) << "a DNAME is taken by TCP only";
  EXPECT_THAT(world_.ask("a.x.old.com.", "CNAME").answer(), expected);
  EXPECT_THAT(world_.ask("b.x.old.com.", "CNAME").answer(),
              ElementsAre("x.old.com. DNAME new.net.", "b.x.old.com. CNAME b.new.net."));
}

TEST_F(Renaming, ends_with_its_dname) {
  world_.ask("a.x.old.com.");
  world_.pass(50s);
  const Answer late = world_.ask("late.x.old.com.");
  ASSERT_EQ(late.message.answer.size(), 3U);
  EXPECT_LE(late.message.answer[0].ttl.seconds(), 10U);
  EXPECT_LE(late.message.answer[1].ttl.seconds(), 10U);
  world_.pass(11s);
  EXPECT_FALSE(world_.cached("x.old.com.", "DNAME"));
  EXPECT_FALSE(world_.cached("late.x.old.com.", "CNAME"));
}

TEST_F(Renaming, is_not_prolonged_by_the_floor_of_ttls) {
  world_.settings().min_ttl = dns::Ttl::from_wire(300);
  world_.ask("a.x.old.com.");
  for (int i = 0; i < 3; ++i) {
    world_.pass(99s);
    EXPECT_TRUE(world_.cached("x.old.com.", "DNAME"));
    world_.ask("n" + std::to_string(i) + ".x.old.com.");
  }
  world_.pass(4s);
  EXPECT_FALSE(world_.cached("x.old.com.", "DNAME"));
  EXPECT_FALSE(world_.cached("n2.x.old.com.", "CNAME"));
}

TEST_F(Renaming, that_makes_a_name_too_long_is_yxdomain_from_the_cache_too) {
  World world;
  const std::string label(60, 'x');
  world.site("old.com.", "192.0.2.1", "x DNAME " + label + "." + label + "." + label + ".long.net.");
  world.ask("a.x.old.com.");
  const std::size_t before = world.internet().packets_to("192.0.2.1");
  const std::string deep = std::string(50, 'a') + "." + std::string(50, 'b') + ".x.old.com.";
  EXPECT_EQ(world.ask(deep).rcode(), dns::Rcode::yxdomain) << world.trace();
  EXPECT_EQ(world.internet().packets_to("192.0.2.1"), before);
}

TEST_F(Renaming, stands_first_among_stale_records_too) {
  world_.settings().stale = 1h;
  EXPECT_EQ(world_.ask("a.x.old.com.").answer(), chain_);
  world_.pass(61s);
  world_.internet().server(old_server).behaves(silent());
  world_.internet().server("192.0.2.2").behaves(silent());
  EXPECT_EQ(world_.ask("a.x.old.com.").answer(), chain_) << world_.trace();
}

TEST_F(Renaming, of_a_zone_is_nothing_to_a_zone_delegated_from_above) {
  // What old.com. renames ends at a cut that is known: the zone below it speaks for itself.
  World world;
  world.site("old.com.", "192.0.2.1", "sub NS ns.sub\nns.sub A 192.0.2.3");
  world.serve("192.0.2.3", "sub.old.com.", "@ NS ns\nns A 192.0.2.3\nwww A 192.0.2.80\nmail A 192.0.2.25");
  world.ask("www.sub.old.com.");
  world.internet().server("192.0.2.1") =
      Server{}.serves(world.zone("old.com.", "@ NS ns\nns A 192.0.2.1\n@ DNAME evil.net."));
  EXPECT_EQ(world.ask("x.old.com.").rcode(), dns::Rcode::nxdomain);
  EXPECT_TRUE(world.cached("old.com.", "DNAME"));
  EXPECT_THAT(world.ask("mail.sub.old.com.").answer(), ElementsAre("mail.sub.old.com. A 192.0.2.25")) << world.trace();
}

}  // namespace redoubt::sim
