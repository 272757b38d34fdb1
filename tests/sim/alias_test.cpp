// CNAME and DNAME.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

using testing::ElementsAre;
using testing::HasSubstr;

TEST(Alias, inside_a_zone_is_answered_by_one_reply) {
  World world;
  world.site("shop.com.", "192.0.2.1", "ftp CNAME www");
  const Answer answer = world.ask("ftp.shop.com.");
  EXPECT_THAT(answer.answer(), ElementsAre("ftp.shop.com. CNAME www.shop.com.", "www.shop.com. A 192.0.2.80"));
  EXPECT_EQ(answer.packets, 3U) << world.trace();
}

TEST(Alias, into_another_zone_is_asked_there) {
  World world;
  world.site("shop.com.", "192.0.2.1", "www2 CNAME www.cdn.net.");
  world.site("cdn.net.", "192.0.2.2");
  EXPECT_THAT(world.ask("www2.shop.com.").answer(),
              ElementsAre("www2.shop.com. CNAME www.cdn.net.", "www.cdn.net. A 192.0.2.80"))
      << world.trace();
}

TEST(Alias, links_stand_first_and_in_order_when_part_of_the_chain_is_cached) {
  World world;
  world.site("shop.com.", "192.0.2.1", "a CNAME b.cdn.net.");
  world.site("cdn.net.", "192.0.2.2", "b CNAME c\nc 60 CNAME d.end.org.");
  world.site("end.org.", "192.0.2.3", "d 30 A 192.0.2.99");
  const std::vector<std::string> expected{"a.shop.com. CNAME b.cdn.net.", "b.cdn.net. CNAME c.cdn.net.",
                                          "c.cdn.net. CNAME d.end.org.", "d.end.org. A 192.0.2.99"};
  world.ask("d.end.org.");
  EXPECT_EQ(world.ask("b.cdn.net.").answer().size(), 3U);
  EXPECT_EQ(world.ask("a.shop.com.").answer(), expected);
  world.pass(45s);  // the data is gone, the links are not
  EXPECT_EQ(world.ask("a.shop.com.").answer(), expected);
  world.pass(30s);  // now the last link too
  EXPECT_EQ(world.ask("a.shop.com.").answer(), expected) << world.trace();
}

TEST(Alias, question_for_the_alias_itself_is_not_followed) {
  World world;
  world.site("shop.com.", "192.0.2.1", "ftp CNAME www");
  EXPECT_THAT(world.ask("ftp.shop.com.", "CNAME").answer(), ElementsAre("ftp.shop.com. CNAME www.shop.com."));
}

TEST(Alias, to_itself_is_servfail_with_the_reason) {
  World world;
  world.site("shop.com.", "192.0.2.1", "self 0 CNAME self");
  const Answer answer = world.ask("self.shop.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_THAT(answer.error(), HasSubstr("come back to self.shop.com."));
  EXPECT_LE(answer.packets, 4U) << world.trace();
  EXPECT_LE(answer.octets, 512U);
  EXPECT_TRUE(answer.answer().empty());
}

TEST(Alias, ring_of_three_zones_costs_one_question_each) {
  World world;
  world.site("one.com.", "192.0.2.1", "r 0 CNAME r.two.net.");
  world.site("two.net.", "192.0.2.2", "r 0 CNAME r.three.org.");
  world.site("three.org.", "192.0.2.3", "r 0 CNAME r.one.com.");
  const Answer answer = world.ask("r.one.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_EQ(answer.packets, 9U) << "root, com. and one.com., and so for the others\n" << world.trace();
}

/// a0 → a1 → … through two zones, without end.
void chain_across(World& world, int links) {
  std::string ours;
  std::string theirs;
  for (int i = 0; i < links; i += 2) {
    ours += "a" + std::to_string(i) + " CNAME a" + std::to_string(i + 1) + ".victim.net.\n";
    theirs += "a" + std::to_string(i + 1) + " CNAME a" + std::to_string(i + 2) + ".evil.com.\n";
  }
  world.site("evil.com.", "192.0.2.1", ours);
  world.site("victim.net.", "192.0.2.2", theirs);
}

TEST(Alias, chain_without_end_spends_the_budget) {
  World world;
  chain_across(world, 1000);
  const Answer answer = world.ask("a0.evil.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_THAT(answer.error(), HasSubstr("alias-steps"));
  EXPECT_LE(world.internet().packets_to("192.0.2.2"), 10U) << world.trace();
}

TEST(Alias, chain_without_end_has_teeth_without_the_limit) {
  World world;
  world.limit("alias-steps", 30);
  chain_across(world, 1000);
  world.ask("a0.evil.com.");
  EXPECT_GT(world.internet().packets_to("192.0.2.2"), 10U) << world.trace();
}

TEST(Alias, chain_of_ten_is_followed_to_its_end) {
  World world;
  world.site("shop.com.", "192.0.2.1",
             "a0 CNAME a1\na1 CNAME a2\na2 CNAME a3\na3 CNAME a4\na4 CNAME a5\na5 CNAME a6\na6 CNAME a7\na7 CNAME "
             "a8\na8 CNAME a9\na9 CNAME www");
  const Answer answer = world.ask("a0.shop.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::noerror) << answer.error();
  EXPECT_EQ(answer.message.answer.size(), 11U);
}

TEST(Alias, two_cnames_at_one_name_are_not_followed) {
  World world;
  world.site("shop.com.", "192.0.2.1", "two CNAME www\ntwo CNAME mail");
  EXPECT_EQ(world.ask("two.shop.com.").rcode(), dns::Rcode::servfail);
}

TEST(Alias, dname_renames_what_is_below_it) {
  World world;
  world.site("old.com.", "192.0.2.1", "x DNAME new.net.");
  world.site("new.net.", "192.0.2.2", "a.b A 192.0.2.42");
  EXPECT_THAT(
      world.ask("a.b.x.old.com.").answer(),
      ElementsAre("x.old.com. DNAME new.net.", "a.b.x.old.com. CNAME a.b.new.net.", "a.b.new.net. A 192.0.2.42"))
      << world.trace();
}

TEST(Alias, dname_is_taken_by_tcp_only) {
  World world;
  world.site("old.com.", "192.0.2.1", "x DNAME new.net.");
  world.site("new.net.", "192.0.2.2", "a A 192.0.2.42");
  world.ask("a.x.old.com.");
  std::size_t by_tcp = 0;
  for (const Heard& heard : world.internet().heard()) {
    if (heard.server.address.to_text() == "192.0.2.1") by_tcp += heard.transport == UpstreamTransport::tcp ? 1 : 0;
  }
  EXPECT_EQ(by_tcp, 1U) << world.trace();
}

TEST(Alias, forged_dname_in_one_datagram_takes_nothing) {
  World world;
  // The forger is lucky once: his datagram matches. By TCP the honest server speaks.
  world.site("shop.com.", "192.0.2.1").behaves([](const Heard& heard, Reaction& reaction) {
    if (heard.transport != UpstreamTransport::udp) return;
    auto message = *dns::Message::parse(reaction.deliveries.front().octets);
    message.answer = records_from_text("shop.com. DNAME evil.net.");
    message.header.authoritative = true;
    reaction.deliveries.front().octets = message.to_wire();
  });
  EXPECT_THAT(world.ask("www.shop.com.").answer(), ElementsAre("www.shop.com. A 192.0.2.80")) << world.trace();
  EXPECT_FALSE(world.cached("shop.com.", "DNAME"));
}

TEST(Alias, dname_that_makes_a_name_too_long_is_yxdomain) {
  World world;
  const std::string label(60, 'x');
  world.site("old.com.", "192.0.2.1", "x DNAME " + label + "." + label + "." + label + ".long.net.");
  const std::string deep = std::string(50, 'a') + "." + std::string(50, 'b') + ".x.old.com.";
  EXPECT_EQ(world.ask(deep).rcode(), dns::Rcode::yxdomain) << world.trace();
  EXPECT_EQ(world.ask("a.x.old.com.").rcode(), dns::Rcode::nxdomain) << "a short one is followed, to where nothing is";
}

TEST(Alias, target_that_does_not_exist_is_nxdomain_with_the_link) {
  World world;
  world.site("shop.com.", "192.0.2.1", "ftp CNAME gone");
  const Answer answer = world.ask("ftp.shop.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::nxdomain);
  EXPECT_THAT(answer.answer(), ElementsAre("ftp.shop.com. CNAME gone.shop.com."));
  EXPECT_EQ(answer.authority().size(), 1U);
}

}  // namespace redoubt::sim
