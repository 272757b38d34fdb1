// From the root to the answer: referrals, glue, servers without glue.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"

namespace redoubt::sim {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::UnorderedElementsAre;

TEST(Walk, from_the_root_takes_one_question_a_zone) {
  World world;
  world.site("shop.com.", "192.0.2.1");
  const Answer answer = world.ask("www.shop.com.");
  EXPECT_THAT(answer.answer(), ElementsAre("www.shop.com. A 192.0.2.80")) << world.trace();
  EXPECT_EQ(answer.packets, 3U) << world.trace();
}

TEST(Walk, begins_at_the_deepest_cut_that_is_known) {
  World world;
  world.site("shop.com.", "192.0.2.1", "mail A 192.0.2.25");
  world.ask("www.shop.com.");
  EXPECT_EQ(world.ask("mail.shop.com.").packets, 1U) << world.trace();
  world.site("bank.com.", "192.0.2.2");
  EXPECT_EQ(world.ask("www.bank.com.").packets, 2U) << world.trace();
}

TEST(Walk, finds_a_server_without_glue_by_asking_for_its_name) {
  World world;
  world.site("hoster.net.", "192.0.2.1", "ns1 A 192.0.2.53");
  world.delegate("com.", "shop.com. NS ns1.hoster.net.");
  world.serve("192.0.2.53", "shop.com.", "@ NS ns1.hoster.net.\nwww A 192.0.2.80");
  const Answer answer = world.ask("www.shop.com.");
  EXPECT_THAT(answer.answer(), ElementsAre("www.shop.com. A 192.0.2.80")) << world.trace();
  EXPECT_EQ(answer.packets, 6U) << world.trace();
}

TEST(Walk, finds_a_server_without_glue_whose_name_is_as_long_as_names_may_be) {
  const std::string label(50, 'n');
  const std::string server = label + "." + label + "." + label + "." + label + ".host.net.";
  World world;
  world.site("host.net.", "192.0.2.2", server + " A 192.0.2.1");
  world.delegate("com.", "shop.com. NS " + server);
  world.serve("192.0.2.1", "shop.com.", "@ NS " + server + "\nwww A 192.0.2.80");
  EXPECT_THAT(world.ask("www.shop.com.").answer(), ElementsAre("www.shop.com. A 192.0.2.80")) << world.trace();
}

TEST(Walk, takes_glue_for_a_sibling_zone_s_server) {
  World world;
  world.delegate("com.", "shop.com. NS ns.other.com.\nother.com. NS ns.other.com.\nns.other.com. A 192.0.2.53");
  world.serve("192.0.2.53", "shop.com.", "@ NS ns.other.com.\nwww A 192.0.2.80");
  const Answer answer = world.ask("www.shop.com.");
  EXPECT_THAT(answer.answer(), ElementsAre("www.shop.com. A 192.0.2.80"));
  EXPECT_EQ(answer.packets, 3U) << world.trace();
}

TEST(Walk, goes_over_ipv6_where_there_is_nothing_else) {
  World world;
  world.site("shop.com.", "2001:db8::1");
  EXPECT_THAT(world.ask("www.shop.com.").answer(), ElementsAre("www.shop.com. A 192.0.2.80")) << world.trace();
  EXPECT_EQ(world.internet().packets_to("2001:db8::1"), 1U);
}

TEST(Walk, leaves_a_family_alone_that_is_switched_off) {
  World world;
  world.settings().ipv6 = false;
  world.delegate("com.", "shop.com. NS ns.shop.com.\nns.shop.com. A 192.0.2.1\nns.shop.com. AAAA 2001:db8::1");
  world.serve("192.0.2.1", "shop.com.", "www A 192.0.2.80").behaves(silent());
  world.serve("2001:db8::1", "shop.com.", "www A 192.0.2.80");
  EXPECT_EQ(world.ask("www.shop.com.").rcode(), dns::Rcode::servfail);
  EXPECT_EQ(world.internet().packets_to("2001:db8::1"), 0U) << world.trace();
}

TEST(Walk, crosses_several_cuts_below_a_site) {
  World world;
  world.site("shop.com.", "192.0.2.1", "eu NS ns.eu\nns.eu A 192.0.2.2");
  world.serve("192.0.2.2", "eu.shop.com.", "de NS ns.de\nns.de A 192.0.2.3");
  world.serve("192.0.2.3", "de.eu.shop.com.", "www A 192.0.2.80");
  EXPECT_THAT(world.ask("www.de.eu.shop.com.").answer(), ElementsAre("www.de.eu.shop.com. A 192.0.2.80"))
      << world.trace();
}

TEST(Walk, asks_the_parent_for_ds) {
  World world;
  world.site("shop.com.", "192.0.2.1");
  world.delegate("com.", "shop.com. DS \\# 1234 0d02 00112233445566778899aabbccddeeff00112233445566778899aabbccddeeff");
  world.ask("www.shop.com.");
  const Answer answer = world.ask("shop.com.", "DS");
  EXPECT_EQ(answer.rcode(), dns::Rcode::noerror);
  ASSERT_EQ(answer.message.answer.size(), 1U) << world.trace();
  EXPECT_EQ(world.internet().packets_to("192.0.2.1"), 1U) << "the child was asked\n" << world.trace();
}

TEST(Walk, answers_what_the_root_itself_holds) {
  World world;
  EXPECT_THAT(world.ask(".", "NS").answer(), ElementsAre(". NS a.root.")) << world.trace();
}

TEST(Walk, returns_all_records_of_an_rrset) {
  World world;
  world.site("shop.com.", "192.0.2.1", "many A 192.0.2.10\nmany A 192.0.2.11\nmany A 192.0.2.12");
  EXPECT_THAT(world.ask("many.shop.com.").answer(),
              UnorderedElementsAre("many.shop.com. A 192.0.2.10", "many.shop.com. A 192.0.2.11",
                                   "many.shop.com. A 192.0.2.12"));
}

TEST(Walk, a_server_name_that_is_an_alias_is_not_followed) {
  World world;
  world.site("hoster.net.", "192.0.2.1", "ns1 CNAME real\nreal CNAME real.victim.org.");
  world.site("victim.org.", "192.0.2.9", "real A 192.0.2.53");
  world.delegate("com.", "shop.com. NS ns1.hoster.net.");
  EXPECT_EQ(world.ask("www.shop.com.").rcode(), dns::Rcode::servfail);
  EXPECT_EQ(world.internet().packets_about("real.victim.org."), 0U) << world.trace();
}

TEST(Walk, two_zones_that_depend_on_each_other_end_in_few_packets) {
  World world;
  world.delegate("com.", "one.com. NS ns.two.net.");
  world.delegate("net.", "two.net. NS ns.one.com.");
  const Answer answer = world.ask("www.one.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_THAT(answer.error(), HasSubstr("depends on itself"));
  EXPECT_LE(answer.packets, 8U) << world.trace();
  EXPECT_EQ(world.ask("www.one.com.").packets, 0U) << "asked again at once";
}

TEST(Walk, a_cycle_through_one_server_name_does_not_hide_another_that_works) {
  for (std::uint64_t seed = 1; seed <= 20; ++seed) {
    World world{{.seed = seed}};
    world.delegate("com.", "one.com. NS ns.two.net.\none.com. NS ns.good.org.");
    world.delegate("net.", "two.net. NS ns.one.com.");
    world.site("good.org.", "192.0.2.1");
    world.serve("192.0.2.1", "one.com.", "www A 192.0.2.80");
    EXPECT_EQ(world.ask("www.one.com.").rcode(), dns::Rcode::noerror) << "seed " << seed << "\n" << world.trace();
  }
}

TEST(Walk, delegations_without_end_are_given_up_at_the_limit) {
  World world;
  // Each zone's only server is in a zone that is delegated the same way: n1.com. → ns.n2.com. → ns.n3.com. …
  std::string text;
  for (int i = 0; i < 60; ++i) text += "n" + std::to_string(i) + ".com. NS ns.n" + std::to_string(i + 1) + ".com.\n";
  world.delegate("com.", text);
  const Answer answer = world.ask("www.n0.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_THAT(answer.error(), HasSubstr("nested-depth"));
  EXPECT_LE(answer.packets, 10U) << world.trace();
}

}  // namespace redoubt::sim
