// Questions that nobody on the Internet is asked, and how answers look to a client.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "tests/sim/world.hpp"

namespace redoubt::sim {

using testing::ElementsAre;

TEST(Special, any_is_answered_with_one_small_hinfo) {
  World world;
  const Answer answer = world.ask("www.shop.com.", "ANY");
  EXPECT_EQ(answer.rcode(), dns::Rcode::noerror);
  ASSERT_EQ(answer.message.answer.size(), 1U);
  EXPECT_EQ(answer.message.answer.front().type, dns::type::hinfo);
  EXPECT_LE(answer.octets, 512U);
  EXPECT_EQ(answer.packets, 0U);
}

struct Case {
  const char* type;
  dns::Rcode rcode;
};
class Meta : public testing::TestWithParam<Case> {};

TEST_P(Meta, is_not_resolved) {
  World world;
  const Answer answer = world.ask("www.shop.com.", GetParam().type);
  EXPECT_EQ(answer.rcode(), GetParam().rcode);
  EXPECT_EQ(answer.packets, 0U);
}

INSTANTIATE_TEST_SUITE_P(Types, Meta,
                         testing::Values(Case{"AXFR", dns::Rcode::refused}, Case{"IXFR", dns::Rcode::refused},
                                         Case{"MAILA", dns::Rcode::notimp}, Case{"MAILB", dns::Rcode::notimp},
                                         Case{"TKEY", dns::Rcode::notimp}, Case{"TSIG", dns::Rcode::notimp},
                                         Case{"OPT", dns::Rcode::formerr}, Case{"TYPE0", dns::Rcode::formerr},
                                         Case{"NXNAME", dns::Rcode::formerr}, Case{"TYPE200", dns::Rcode::notimp}),
                         [](const auto& one) { return std::string{one.param.type}; });

TEST(Special, other_classes_than_in_are_refused) {
  World world;
  for (const dns::RrClass rr_class : {dns::rr_class::ch, dns::rr_class::hs, dns::rr_class::none, dns::rr_class::any,
                                      dns::RrClass{0}, dns::RrClass{4711}}) {
    dns::Query query = World::query("version.bind.", "TXT");
    query.question.rr_class = rr_class;
    const Answer answer = world.ask_at_once({query}).front();
    EXPECT_EQ(answer.rcode(), dns::Rcode::refused);
    EXPECT_EQ(answer.packets, 0U);
  }
}

TEST(Special, without_recursion_desired_nothing_is_told_not_even_what_is_cached) {
  World world;
  world.site("shop.com.", "192.0.2.1");
  world.ask("www.shop.com.");
  dns::Query query = World::query("www.shop.com.");
  query.header.recursion_desired = false;
  for (const char* name : {"www.shop.com.", "other.shop.com."}) {
    query.question.name = *dns::Name::from_text(name);
    const Answer answer = world.ask_at_once({query}).front();
    EXPECT_EQ(answer.rcode(), dns::Rcode::refused) << name;
    EXPECT_TRUE(answer.message.answer.empty());
    EXPECT_TRUE(answer.error().starts_with("20 ")) << answer.error();
    EXPECT_EQ(answer.packets, 0U);
  }
}

TEST(Rendering, header_says_what_we_are) {
  World world;
  world.site("shop.com.", "192.0.2.1");
  dns::Query query = World::query("www.shop.com.");
  query.header.checking_disabled = true;
  query.edns->dnssec_ok = true;
  const Answer answer = world.ask_at_once({query}).front();
  const dns::Header& header = answer.message.header;
  EXPECT_EQ(header.id, 4711);
  EXPECT_TRUE(header.response);
  EXPECT_TRUE(header.recursion_available);
  EXPECT_TRUE(header.recursion_desired);
  EXPECT_TRUE(header.checking_disabled);
  EXPECT_FALSE(header.authoritative);
  EXPECT_FALSE(header.authentic);
  EXPECT_FALSE(header.truncated);
  ASSERT_TRUE(answer.message.edns.has_value());
  EXPECT_EQ(answer.message.edns->udp_payload, 1232U);
  EXPECT_TRUE(answer.message.edns->dnssec_ok);
}

TEST(Rendering, edns_is_spoken_only_to_those_who_speak_it) {
  World world;
  world.site("shop.com.", "192.0.2.1").behaves(says(dns::Rcode::servfail));
  dns::Query query = World::query("www.shop.com.");
  query.edns.reset();
  const Answer answer = world.ask_at_once({query}).front();
  EXPECT_EQ(answer.rcode(), dns::Rcode::servfail);
  EXPECT_FALSE(answer.message.edns.has_value());
}

TEST(Rendering, what_does_not_fit_is_left_out_with_tc_and_never_past_the_room) {
  World world;
  std::string zone = "alias CNAME big\n";
  for (int i = 0; i < 60; ++i) zone += "big A 203.0.113." + std::to_string(i) + "\n";
  world.site("shop.com.", "192.0.2.1", zone);
  world.ask("alias.shop.com.");
  for (std::size_t room = 512; room <= 1200; room += 8) {
    const Answer answer = world.ask(World::query("alias.shop.com."), room);
    EXPECT_LE(answer.octets, room);
    const bool whole = answer.message.answer.size() == 61U;
    EXPECT_NE(answer.message.header.truncated, whole) << room;
    EXPECT_TRUE(answer.message.edns.has_value());
    EXPECT_TRUE(whole || answer.message.answer.size() <= 1U) << "half an RRset at " << room;
  }
}

TEST(Rendering, every_servfail_has_its_reason) {
  World world;
  world.site("dead.com.", "192.0.2.1").behaves(silent());
  world.site("lame.com.", "192.0.2.2").behaves(says(dns::Rcode::refused));
  world.site("loop.com.", "192.0.2.3", "www CNAME www");
  world.delegate("com.", "none.com. NS ns.none.net.");
  for (const char* name : {"www.dead.com.", "x.lame.com.", "www.none.com."}) {
    for (int i = 0; i < 2; ++i) {  // fresh, then remembered
      const Answer answer = world.ask(name);
      EXPECT_EQ(answer.rcode(), dns::Rcode::servfail) << name;
      EXPECT_NE(answer.error(), "") << name;
    }
  }
}

}  // namespace redoubt::sim
