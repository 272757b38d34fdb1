// What does not exist, and for how long that is believed (RFC 2308).
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"
#include "tests/sim/zone_text.hpp"

namespace redoubt::sim {

using testing::ElementsAre;

TEST(Denial, nxdomain_carries_the_soa_and_is_remembered) {
  World world;
  world.site("shop.com.", "192.0.2.1");
  const Answer answer = world.ask("gone.shop.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::nxdomain);
  ASSERT_EQ(answer.message.authority.size(), 1U);
  EXPECT_EQ(answer.message.authority.front().type, dns::type::soa);
  EXPECT_EQ(world.ask("gone.shop.com.").packets, 0U);
}

TEST(Denial, of_a_name_holds_for_every_type_of_it) {
  World world;
  world.site("shop.com.", "192.0.2.1");
  world.ask("gone.shop.com.", "A");
  const Answer answer = world.ask("gone.shop.com.", "MX");
  EXPECT_EQ(answer.rcode(), dns::Rcode::nxdomain);
  EXPECT_EQ(answer.packets, 0U);
}

TEST(Denial, of_a_type_says_nothing_about_others) {
  World world;
  world.site("shop.com.", "192.0.2.1");
  const Answer none = world.ask("www.shop.com.", "AAAA");
  EXPECT_EQ(none.rcode(), dns::Rcode::noerror);
  EXPECT_TRUE(none.message.answer.empty());
  EXPECT_EQ(none.message.authority.size(), 1U);
  EXPECT_EQ(world.ask("www.shop.com.", "AAAA").packets, 0U);
  EXPECT_THAT(world.ask("www.shop.com.", "A").answer(), ElementsAre("www.shop.com. A 192.0.2.80"));
}

TEST(Denial, of_an_empty_non_terminal_is_no_data) {
  World world;
  world.site("shop.com.", "192.0.2.1", "a.deep A 192.0.2.7");
  const Answer answer = world.ask("deep.shop.com.");
  EXPECT_EQ(answer.rcode(), dns::Rcode::noerror);
  EXPECT_TRUE(answer.message.answer.empty());
}

TEST(Denial, lasts_as_long_as_the_smaller_of_soa_ttl_and_minimum) {
  World world;
  world.site("one.com.", "192.0.2.1", "@ 100 SOA ns host 1 3600 600 86400 900");
  world.site("two.com.", "192.0.2.2", "@ 900 SOA ns host 1 3600 600 86400 50");
  EXPECT_EQ(world.ask("gone.one.com.").message.authority.front().ttl.seconds(), 100U);
  EXPECT_EQ(world.ask("gone.two.com.").message.authority.front().ttl.seconds(), 50U);
  world.pass(51s);
  EXPECT_EQ(world.ask("gone.one.com.").packets, 0U);
  EXPECT_EQ(world.ask("gone.two.com.").packets, 1U);
}

TEST(Denial, never_lasts_longer_than_the_ceiling) {
  World world;
  world.site("shop.com.", "192.0.2.1", "@ 9999999 SOA ns host 1 3600 600 86400 9999999");
  world.ask("gone.shop.com.");
  world.pass(3599s);
  EXPECT_EQ(world.ask("gone.shop.com.").packets, 0U);
  world.pass(2s);
  EXPECT_GT(world.ask("gone.shop.com.").packets, 0U);
}

TEST(Denial, ceiling_has_teeth_when_it_is_raised) {
  World world;
  world.settings().negative_max_ttl = dns::Ttl::from_wire(86'400);
  world.site("shop.com.", "192.0.2.1", "@ 9999999 SOA ns host 1 3600 600 86400 9999999");
  world.ask("gone.shop.com.");
  world.pass(3601s);
  EXPECT_EQ(world.ask("gone.shop.com.").packets, 0U);
}

TEST(Denial, without_soa_from_an_authority_is_told_but_not_kept) {
  World world;
  world.site("shop.com.", "192.0.2.1").behaves(edits([](const Heard&, dns::Message& message) {
    message.authority.clear();
  }));
  EXPECT_EQ(world.ask("gone.shop.com.").rcode(), dns::Rcode::nxdomain);
  EXPECT_EQ(world.ask("gone.shop.com.").packets, 1U);
}

TEST(Denial, with_another_zone_s_soa_is_not_kept) {
  for (const char* owner : {"com.", ".", "bank.com.", "net."}) {
    World world;
    world.site("shop.com.", "192.0.2.1").behaves(edits_for("gone.shop.com.", [owner](dns::Message& message) {
      message.authority = records_from_text(std::string{owner} + " 86400 SOA ns host 1 3600 600 86400 86400");
    }));
    world.ask("gone.shop.com.");
    world.pass(6s);  // a failure is kept for a moment
    EXPECT_FALSE(world.cached("gone.shop.com.", "A")) << owner;
  }
}

TEST(Denial, by_a_server_that_serves_the_zone_above_alone_is_no_denial) {
  World world;
  world.site("shop.com.", "192.0.2.1").behaves(edits([](const Heard&, dns::Message& message) {
    message.answer.clear();
    message.set_rcode(dns::Rcode::nxdomain);
    message.authority = records_from_text("com. 60 SOA ns host 1 3600 600 86400 60");
  }));
  world.delegate("com.", "shop.com. NS ns2.shop.com.\nns2.shop.com. A 192.0.2.2");
  world.internet().server("192.0.2.2").serves(world.zone("shop.com.", "www A 192.0.2.80"));
  for (int i = 0; i < 10; ++i) {
    EXPECT_EQ(world.ask("www.shop.com.").rcode(), dns::Rcode::noerror) << world.trace();
    world.pass(4000s);
  }
  EXPECT_GT(world.internet().packets_to("192.0.2.1"), 0U);
}

TEST(Denial, of_ds_at_the_end_of_an_alias_is_for_its_parent_to_say) {
  World world;
  world.site("shop.com.", "192.0.2.1", "alias CNAME sub\nsub NS ns.sub\nns.sub A 192.0.2.3\nsub DS \\# 6 00010d020011")
      .behaves(edits_for("alias.shop.com.", [](dns::Message& message) {
        std::erase_if(message.answer, [](const dns::Record& record) { return record.type == dns::type::ds; });
        message.authority = records_from_text("sub.shop.com. 60 SOA ns host 1 3600 600 86400 60");
      }));
  const Answer answer = world.ask("alias.shop.com.", "DS");
  ASSERT_EQ(answer.message.answer.size(), 2U) << world.trace();
  EXPECT_EQ(answer.message.answer.back().type, dns::type::ds);
}

TEST(Denial, replaces_what_was_there_and_is_replaced_by_what_comes) {
  World world;
  world.site("shop.com.", "192.0.2.1", "@ 60 SOA ns host 1 3600 600 86400 60\nflag 30 A 192.0.2.5");
  EXPECT_EQ(world.ask("flag.shop.com.").rcode(), dns::Rcode::noerror);
  world.internet().server("192.0.2.1").behaves(edits_for("flag.shop.com.", [](dns::Message& message) {
    message.answer.clear();
    message.set_rcode(dns::Rcode::nxdomain);
    message.authority = records_from_text("shop.com. 60 SOA ns host 1 3600 600 86400 60");
  }));
  EXPECT_EQ(world.ask("flag.shop.com.").rcode(), dns::Rcode::noerror) << "still fresh";
  world.pass(31s);
  EXPECT_EQ(world.ask("flag.shop.com.").rcode(), dns::Rcode::nxdomain);
}

}  // namespace redoubt::sim
